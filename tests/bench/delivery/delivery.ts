/**
 * Delivery beside what bounds it and what is commonly used.
 *
 * @module
 */

import { print, SCALE } from "../measure.ts";
import { compare, type Contender, type Figures } from "./contender.ts";
import { type PlainDovecot, startPlainDovecot } from "./dovecot.ts";
import { type Load, runLoad } from "./load.ts";
import { messageOf } from "./messages.ts";
import { openStore, type Store, warmStore } from "./store.ts";
import { printRow, printTitle, type Ratios } from "./table.ts";

/** Octets of the messages. */
const SIZES: readonly number[] = [4096, 65_536, 1_048_576, 26_214_400];

/** Clients at once. */
const CLIENTS: readonly number[] = [1, 8, 64];

/** Vaultboxes of each kind, and mailboxes of the references. */
const BOXES = 1000;

/**
 * Octets from which on the messages of a run are removed after it, since they
 * would fill the disk. Smaller ones stay to the end: see benchFolder().
 */
const REMOVED_OCTETS = 1_048_576;

const ROUNDS = SCALE >= 1 ? 3 : 1;

/** Seconds in which a run begins messages. */
const SECONDS = SCALE >= 1 ? 3 : 1;

/** A row of the table. */
export type Row = Figures & Ratios & {
  /** Octets of a message. */
  readonly octets: number;
  /** Clients at once. */
  readonly clients: number;
};

interface Folder extends AsyncDisposable {
  readonly path: string;
  empty(): Promise<void>;
}

/**
 * Prints the table.
 *
 * @returns Its rows.
 */
export async function benchDelivery(): Promise<Row[]> {
  print(`\nDelivery: ${BOXES} vaultboxes, ${ROUNDS} runs of ${SECONDS} s each`);
  await using store = await openStore({ boxes: BOXES });
  await using dovecot = await startPlainDovecot();
  await using folder = await bareFolder(store.ids);
  const messages = await Deno.makeTempDir({ prefix: "encimap-" });
  const rows: Row[] = [];
  printTitle();
  try {
    const sizes = selected("BENCH_SIZES", SIZES);
    const clientCounts = selected("BENCH_CLIENTS", CLIENTS);
    for (const octets of sizes) {
      const message = `${messages}/received`;
      await Deno.writeFile(message, messageOf(octets));
      await warmStore(store, message);
      const stored = `${messages}/stored`;
      await Deno.copyFile(await anyStored(store, octets), stored);
      if (octets >= REMOVED_OCTETS) await store.empty();
      for (const clients of clientCounts) {
        const contenders = all({
          store,
          dovecot,
          folder,
          message,
          octets,
          stored,
          clients,
        });
        await warmDovecot(dovecot, message, store);
        const compared = await compare(contenders, ROUNDS, octets);
        if (octets >= REMOVED_OCTETS) await dovecot.empty();
        for (const figures of compared) {
          const row = { ...ratios(figures, compared), octets, clients };
          rows.push(row);
          printRow(row);
        }
      }
    }
  } finally {
    await Deno.remove(messages, { recursive: true });
  }
  return rows;
}

/** A part of the numbers, where somebody looks at that part only. */
function selected(name: string, all: readonly number[]): readonly number[] {
  const text = Deno.env.get(name);
  return text === undefined ? all : text.split(",").map(Number);
}

function all(
  { store, dovecot, folder, message, octets, stored, clients }: {
    store: Store;
    dovecot: PlainDovecot;
    folder: Folder;
    message: string;
    octets: number;
    stored: string;
    clients: number;
  },
): Contender[] {
  const base: Omit<Load, "mode" | "more"> = {
    clients,
    until: { seconds: SECONDS },
    message,
    boxes: store.boxes[1],
  };
  const removed = octets >= REMOVED_OCTETS;
  const emptyFolder = removed ? { after: () => folder.empty() } : {};
  const emptyStore = removed ? { after: () => store.empty() } : {};
  const openssl = (certificates: 1 | 5): Contender => ({
    name: "openssl cms",
    certificates,
    load: {
      ...base,
      mode: "openssl",
      more: {
        folder: folder.path,
        certs: store.certificates.slice(0, certificates).join(","),
      },
    },
    ...emptyFolder,
  });
  const http = (certificates: 1 | 5): Contender => ({
    name: "encimap HTTP",
    certificates,
    load: {
      ...base,
      boxes: store.boxes[certificates],
      mode: "http",
      more: { socket: store.socket },
    },
    pid: store.pid,
    ...emptyStore,
  });
  const lmtp = (certificates: 1 | 5): Contender => ({
    ...http(certificates),
    name: "encimap LMTP",
    load: {
      ...base,
      boxes: store.boxes[certificates],
      mode: "lmtp",
      more: { socket: store.lmtpSocket, xforward: "1" },
    },
  });
  return [
    {
      name: "bare writes",
      certificates: 0,
      load: {
        ...base,
        mode: "bare",
        message: stored,
        more: { folder: folder.path },
      },
      ...emptyFolder,
    },
    openssl(1),
    openssl(5),
    {
      name: "Dovecot LMTP",
      certificates: 0,
      load: { ...base, mode: "lmtp", more: { socket: dovecot.socket } },
    },
    http(1),
    http(5),
    lmtp(1),
    lmtp(5),
  ];
}

/** How fast it is beside each reference of the same comparison. */
function ratios(
  figures: Figures,
  compared: readonly Figures[],
): Figures & Ratios {
  const to = (name: string, certificates: number): number =>
    figures.messagesPerSecond /
    compared.find((each) =>
      each.name === name && each.certificates === certificates
    )!.messagesPerSecond;
  return {
    ...figures,
    toBare: to("bare writes", 0),
    toOpenssl: to("openssl cms", figures.certificates === 5 ? 5 : 1),
    toDovecot: to("Dovecot LMTP", 0),
  };
}

/** Mailboxes are made before and not in the time that is measured. */
async function warmDovecot(
  dovecot: PlainDovecot,
  message: string,
  store: Store,
): Promise<void> {
  await Deno.writeFile(`${message}.small`, messageOf(4096));
  await runLoad({
    mode: "lmtp",
    clients: 8,
    until: { count: BOXES },
    message: `${message}.small`,
    boxes: store.boxes[1],
    more: { socket: dovecot.socket },
  });
}

/** A stored message of at least so many octets; those before were smaller. */
async function anyStored(store: Store, octets: number): Promise<string> {
  const folder = `${store.mail}/${store.ids[0]}/Maildir/new`;
  for await (const { name } of Deno.readDir(folder)) {
    const { size } = await Deno.stat(`${folder}/${name}`);
    if (size > octets) return `${folder}/${name}`;
  }
  throw new Error("Nothing is stored");
}

/** Folders like Maildirs for the references that are loops. */
async function bareFolder(ids: readonly string[]): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "encimap-" });
  for (const id of ids) {
    await Deno.mkdir(`${path}/${id}/tmp`, { recursive: true });
    await Deno.mkdir(`${path}/${id}/new`);
  }
  return {
    path,
    async empty() {
      for (const id of ids) {
        for await (const { name } of Deno.readDir(`${path}/${id}/new`)) {
          await Deno.remove(`${path}/${id}/new/${name}`);
        }
      }
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
