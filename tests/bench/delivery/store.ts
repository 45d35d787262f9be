/**
 * A store with vaultboxes, and the real intake in front of it: the built
 * program as a process of its own, on a real database.
 *
 * @module
 */

import { connect } from "../../../src/db/connect.ts";
import { fingerprintSha256 } from "../../../src/x509/fingerprint.ts";
import { generateRsaKey } from "../../../src/x509/key_pair.ts";
import { pemEncode } from "../../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../../src/x509/self_signed.ts";
import { endChild } from "../../helpers/child.ts";
import { testDatabase } from "../../helpers/database.ts";
import { until } from "../../helpers/until.ts";
import { runLoad } from "./load.ts";

/** Vaultboxes of one domain and user. */
const BOXES_PER_DOMAIN = 20;

/** Certificates of a vaultbox where it has several. */
export const MANY_CERTIFICATES = 5;

/** What stands in front of a store. */
export interface Store extends AsyncDisposable {
  /** Process id of the intake. */
  readonly pid: number;
  /** The intake's HTTP socket. */
  readonly socket: string;
  /** Its LMTP socket. */
  readonly lmtpSocket: string;
  /** Its folder of mail. */
  readonly mail: string;
  /** Files that list the vaultboxes, by their number of certificates. */
  readonly boxes: Readonly<Record<1 | 5, string>>;
  /** Files with one certificate each, as the vaultboxes of five have. */
  readonly certificates: readonly string[];
  /** UUIDs of the vaultboxes with one certificate. */
  readonly ids: readonly string[];
  /** Runs a query as the database's owner. */
  sql(query: string): Promise<readonly Record<string, unknown>[]>;
  /** Removes the messages that were stored. */
  empty(): Promise<void>;
}

/** What is in a store. */
export interface StoreOptions {
  /** Vaultboxes that get mail, with one certificate and with five. */
  readonly boxes: number;
  /** Vaultboxes with rows that get none, and files of messages in others. */
  readonly elsewhere?: { readonly boxes: number; readonly files: number };
}

/**
 * Makes a store and starts its intake.
 *
 * @param options What is in it.
 * @returns The store; its folders are made and its program is warm.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  await using stack = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "encimap-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const database = stack.use(await testDatabase());
  const mail = `${directory}/mail`;
  await Deno.mkdir(mail);
  const owner = connect(database.url("postgres"), { max: 1 });
  stack.defer(() => owner.end());
  await owner`set statement_timeout = 0`;
  const { elsewhere } = options;
  if (elsewhere !== undefined) {
    await loadRows(owner, elsewhere.boxes);
    await loadFiles(mail, elsewhere.files);
  }
  const keys = await Promise.all(
    Array.from({ length: MANY_CERTIFICATES }, () => generateRsaKey(2048)),
  );
  const lists: Record<1 | 5, Box[]> = { 1: [], 5: [] };
  for (const many of [1, 5] as const) {
    for (let i = 0; i < options.boxes; i++) {
      lists[many].push(await newBox(`c${many}`, i, keys.slice(0, many)));
    }
    await insertBoxes(owner, lists[many]);
    await Deno.writeTextFile(
      `${directory}/boxes${many}`,
      lists[many].map(({ id, alias, domain }) => `${id} ${alias}%40${domain}\n`)
        .join(""),
    );
  }
  await owner`vacuum analyze`;
  const certificates = await Promise.all(
    lists[5][0]!.certificates.map(async ({ pem }, i) => {
      const path = `${directory}/${i}.pem`;
      await Deno.writeTextFile(path, pem);
      return path;
    }),
  );
  const intake = await startIntake(stack, directory, database.url("vaultmail"));
  const store = {
    ...intake,
    mail,
    certificates,
    boxes: { 1: `${directory}/boxes1`, 5: `${directory}/boxes5` },
    ids: lists[1].map(({ id }) => id),
    sql: async (query: string) =>
      [...await owner.unsafe(query)] as Record<string, unknown>[],
    empty: () => removeFiles(`${mail}`, lists),
  };
  const cleanup = stack.move();
  return { ...store, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}

/**
 * Gives each vaultbox a message, so that folders are made and code is warm.
 *
 * @param store The store.
 * @param message File with the message.
 */
export async function warmStore(store: Store, message: string): Promise<void> {
  const { socket } = store;
  for (const many of [1, 5] as const) {
    await runLoad({
      mode: "http",
      clients: 8,
      until: { count: store.ids.length },
      message,
      boxes: store.boxes[many],
      more: { socket },
    });
  }
}

interface Box {
  readonly id: string;
  readonly domain: string;
  readonly alias: string;
  readonly userId: string;
  readonly certificates: readonly {
    readonly pem: string;
    readonly fingerprint: string;
  }[];
}

const users = new Map<string, string>();

async function newBox(
  prefix: string,
  number: number,
  keys: readonly Uint8Array<ArrayBuffer>[],
): Promise<Box> {
  const domain = `${prefix}-${Math.floor(number / BOXES_PER_DOMAIN)}.example`;
  const alias = `box${number}`;
  const userId = users.get(domain) ?? crypto.randomUUID();
  users.set(domain, userId);
  const certificates = await Promise.all(keys.map(async (privateKey) => {
    const { certificate } = await selfSignedCertificate(`${alias}@${domain}`, {
      privateKey: privateKey.slice(),
      notBefore: new Date(Date.now() - 3_600_000),
      validityDays: 365,
    });
    return {
      pem: pemEncode("CERTIFICATE", certificate),
      fingerprint: await fingerprintSha256(certificate),
    };
  }));
  return { id: crypto.randomUUID(), domain, alias, userId, certificates };
}

type Owner = ReturnType<typeof connect>;

/** As the API writes them, in a few statements. */
async function insertBoxes(sql: Owner, boxes: readonly Box[]): Promise<void> {
  const domains = [...new Map(boxes.map((box) => [box.domain, box])).values()];
  await sql`
    insert into domains ${
    sql(domains.map(({ domain, userId }) => ({ domain, userId })))
  }
  `;
  await sql`
    insert into customers (user_id, vaultbox_count)
    select *, ${BOXES_PER_DOMAIN}::int
    from unnest(${domains.map(({ userId }) => userId)}::uuid[])
  `;
  await sql`
    insert into vaultboxes ${
    sql(boxes.map(({ id, userId, domain, alias }) => ({
      id,
      userId,
      domain,
      alias,
      name: alias,
    })))
  }
  `;
  await sql`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select domain, alias, id, 'own' from vaultboxes
    on conflict do nothing
  `;
  for (let i = 0; i < boxes[0]!.certificates.length; i++) {
    await sql`
      insert into vaultbox_certs ${
      sql(boxes.map(({ id, certificates }) => ({
        vaultboxId: id,
        publicCertPem: certificates[i]!.pem,
        fingerprintSha256: certificates[i]!.fingerprint,
        notBefore: new Date(Date.now() - 3_600_000),
        notAfter: new Date(Date.now() + 365 * 86_400_000),
        handedOutAt: new Date(),
      })))
    }
    `;
  }
}

/** Rows of vaultboxes that get no mail, with a message each. */
async function loadRows(sql: Owner, boxes: number): Promise<void> {
  if (boxes === 0) return;
  await sql`set session_replication_role = replica`;
  await sql`
    insert into domains (domain, user_id)
    select 'e' || n || '.example', gen_random_uuid()
    from generate_series(1, ${Math.ceil(boxes / BOXES_PER_DOMAIN)}::int) n
  `;
  await sql`
    insert into vaultboxes (user_id, domain, alias, name)
    select d.user_id, d.domain, 'a' || n, 'a' || n
    from domains d, generate_series(1, ${BOXES_PER_DOMAIN}::int) n
    where d.domain like 'e%.example'
  `;
  await sql`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select domain, alias, id, 'own' from vaultboxes
  `;
  await sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after,
      is_newest, has_readers
    )
    select id, repeat('x', 1300), encode(sha256(id::text::bytea), 'hex'),
      now(), now() + interval '1 year', true, true
    from vaultboxes
  `;
  await sql`
    insert into messages (
      id, vaultbox_id, message_id, from_domain, to_alias, size_bytes, storage
    )
    select gen_random_uuid(), id, '<1@sender.example>', 'sender.example', 'a',
      20000, '{"file": "f", "hmac": "00", "encrypted_by": "appliance"}'
    from vaultboxes, generate_series(1, 5)
  `;
  await sql`set session_replication_role = default`;
}

/** Files in Maildirs that get no mail; holes, so that they take inodes only. */
async function loadFiles(mail: string, files: number): Promise<void> {
  if (files === 0) return;
  const script = `
    my ($mail, $files) = @ARGV;
    for my $n (0 .. $files - 1) {
      my $box = sprintf "%s/00000000-0000-4000-9000-%012d", $mail, $n / 500;
      if ($n % 500 == 0) {
        mkdir $_ or die $! for $box, "$box/tmp", map "$box/Maildir$_", "", "/cur", "/new", "/tmp";
      }
      open my $file, ">", "$box/Maildir/cur/$n.M1.mail.example,S=8000,W=8000:2,S" or die $!;
      truncate $file, 8000;
    }
  `;
  const { success } = await new Deno.Command("perl", {
    args: ["-e", script, mail, String(files)],
  }).output();
  if (!success) throw new Error("The files could not be made");
}

async function startIntake(
  stack: AsyncDisposableStack,
  directory: string,
  databaseUrl: string,
): Promise<Pick<Store, "pid" | "socket" | "lmtpSocket">> {
  const socket = `${directory}/intake.sock`;
  const lmtpSocket = `${directory}/lmtp.sock`;
  const log = `${directory}/intake.log`;
  await Deno.writeTextFile(`${directory}/hmac.key`, "07".repeat(32));
  // Another build, to compare two or to look into one.
  const program = Deno.env.get("BENCH_PROGRAM") ??
    new URL("../../../dist/encimap", import.meta.url).pathname;
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$0" intake 2>"$1"', program, log],
    cwd: "/",
    clearEnv: true,
    env: {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      ENCIMAP_CONFIG_FILE: "/dev/null",
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_DATABASE_URL: databaseUrl,
      MAILDIR_BASE_PATH: `${directory}/mail`,
      ENCIMAP_HMAC_KEY_FILE: `${directory}/hmac.key`,
      ENCIMAP_INTAKE_SOCKET: socket,
      ENCIMAP_LMTP_SOCKET: lmtpSocket,
      ENCIMAP_MAX_MESSAGE_BYTES: "60000000",
    },
    stdin: "null",
  }).spawn();
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  stack.defer(async () => {
    await endChild(child);
  });
  await until("the intake listens", async () => {
    const text = await Deno.readTextFile(log).catch(() => "");
    if (hasEnded) throw new Error(text);
    return text.includes("event=listening");
  });
  return { pid: child.pid, socket, lmtpSocket };
}

/** Removes the messages and leaves the folders. */
async function removeFiles(
  mail: string,
  lists: Readonly<Record<1 | 5, readonly Box[]>>,
): Promise<void> {
  for (const { id } of [...lists[1], ...lists[5]]) {
    for (const folder of ["tmp", "Maildir/new"]) {
      const path = `${mail}/${id}/${folder}`;
      for (const name of await names(path)) {
        await Deno.remove(`${path}/${name}`);
      }
    }
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) =>
      name
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
