/**
 * `encimap verify`: names altered and foreign files in the Maildirs.
 *
 * @module
 */

import { NOTHING_SEEN, type VerifiedVaultbox } from "../db/verifications.ts";
import { AppError } from "../errors.ts";
import { createLog } from "../log.ts";
import { openVerification } from "../open.ts";
import { dropPermissions } from "../system/permissions.ts";
import {
  type Finding,
  type VerifyApp,
  verifyVaultbox,
  type Watcher,
} from "../vaultbox/verify.ts";
import {
  type RunReport,
  type RunWatcher,
  verifyAll,
} from "../vaultbox/verify_all.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { find, parse } from "./operator.ts";
import { isUnfinished } from "./unfinished.ts";

/** Exit status if there are findings. */
const FOUND = 2;

/** Milliseconds between two words on the progress. */
const PROGRESS_MS = 500;

/** What a person is told of each kind of finding but `client`. */
const MEANINGS: Readonly<Record<string, string>> = {
  altered: "not as it was stored",
  foreign: "in INBOX, not stored by the appliance",
  strange: "no plain file",
  unreadable: "cannot be read",
  ownerless: "folder of no vaultbox",
};

/** `verify`. */
export async function runVerify(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    all: { type: "boolean" },
    ids: { type: "boolean" },
    json: { type: "boolean" },
    restart: { type: "boolean" },
  }, undefined);
  const config = loadConfig(io);
  if (await isUnfinished(config.hmacKeyFile)) {
    throw new AppError(
      "conflict",
      "The rotation of the HMAC key is not finished: encimap keys rotate-hmac goes on with it",
    );
  }
  const level = config.logLevel === "info" ? "warn" : config.logLevel;
  await using app = await openVerification(config, createLog(io.warn, level));
  // Not "write": Deno asks for it to connect to the Unix socket of the database.
  dropPermissions("run");
  const printer = new Printer(io, {
    json: values["json"] === true,
    all: values["all"] === true,
    ids: values["ids"] === true,
  });
  const report = positionals.length > 0
    ? await verifyNamed(app, positionals, printer)
    : await verifyAll(app, { restart: values["restart"] === true }, printer);
  if (report === undefined) {
    io.warn("Another run is at it");
    return EXIT.tempfail;
  }
  printer.summarize(report);
  return countOf(report) === 0 ? EXIT.ok : FOUND;
}

async function verifyNamed(
  app: VerifyApp,
  wanted: readonly string[],
  printer: Printer,
): Promise<RunReport> {
  const sum = {
    ...NOTHING_SEEN,
    vaultboxes: 0,
    ownerless: 0,
  };
  // All first: a slip in the last name is told before hours of work.
  const vaultboxes = await Promise.all(wanted.map((each) => find(app, each)));
  for (const vaultbox of new Map(vaultboxes.map((v) => [v.id, v])).values()) {
    printer.begun(vaultbox);
    const tally = await verifyVaultbox(app, vaultbox.id, printer);
    sum.vaultboxes++;
    for (const [name, count] of Object.entries(tally)) {
      sum[name as keyof typeof sum] += count;
    }
  }
  return sum;
}

function countOf(report: RunReport): number {
  return report.altered + report.foreignFiles + report.strange +
    report.unreadable + report.ownerless;
}

/** Says what is found, to people or to programs. */
class Printer implements RunWatcher {
  readonly #io: Io;
  readonly #json: boolean;
  readonly #all: boolean;
  readonly #ids: boolean;
  #vaultbox: VerifiedVaultbox | undefined;
  #files = 0;
  #bytes = 0;
  #shownAt = 0;

  constructor(
    io: Io,
    options: { json: boolean; all: boolean; ids: boolean },
  ) {
    this.#io = io;
    this.#json = options.json;
    this.#all = options.all;
    this.#ids = options.ids;
  }

  /** A word that programs need not read. */
  say(text: string): void {
    this.#io.progress?.("");
    if (this.#json) this.#io.warn(text);
    else this.#io.print(text);
  }

  resumed: RunWatcher["resumed"] = (run, { vaultboxes, withFindings }) => {
    this.say(
      `Going on with the run of ${run.startedAt.toISOString()}, ${vaultboxes} vaultbox(es) are done; --restart begins anew`,
    );
    for (const vaultbox of withFindings) {
      const name = this.#ids ? vaultbox.id : addressOf(vaultbox);
      this.say(`It found something in ${name}`);
    }
  };

  begun(vaultbox: VerifiedVaultbox): void {
    this.#vaultbox = vaultbox;
  }

  looked(bytes: number): void {
    this.#files++;
    this.#bytes += bytes;
    const { progress } = this.#io;
    if (progress === undefined) return;
    const now = Date.now();
    if (now - this.#shownAt < PROGRESS_MS) return;
    this.#shownAt = now;
    const where = this.#vaultbox === undefined
      ? ""
      : ` ${addressOf(this.#vaultbox)}`;
    progress(`${this.#files} files, ${mebibytes(this.#bytes)} MiB${where}`);
  }

  found(finding: Finding): void {
    const { kind, vaultboxId, path } = finding;
    if (kind === "client" && !this.#all) return;
    const address = this.#addressOf(vaultboxId);
    if (this.#json) {
      this.#print({ finding: kind, "vaultbox_id": vaultboxId, address, path });
      return;
    }
    const words = [kind, address ?? vaultboxId, printable(path)];
    const meaning = MEANINGS[kind];
    this.#line([...words, ...meaning === undefined ? [] : [meaning]]);
  }

  mended: Watcher["mended"] = (mended) => {
    const { vaultboxId, messageCount, totalBytes, messages, bytes } = mended;
    const address = this.#addressOf(vaultboxId);
    if (this.#json) {
      this.#print({
        mended: "counters",
        "vaultbox_id": vaultboxId,
        address,
        "message_count": { was: messageCount, is: messages },
        "total_bytes": { was: totalBytes, is: bytes },
      });
      return;
    }
    this.#line([
      "mended",
      address ?? vaultboxId,
      `messages ever ${messageCount}, now ${messages}; octets ${totalBytes}, now ${bytes}`,
    ]);
  };

  summarize(report: RunReport): void {
    const { vaultboxes, files, bytes, foreignFiles, byClient } = report;
    const { altered, strange, unreadable, ownerless } = report;
    if (this.#json) {
      this.#print({
        summary: {
          vaultboxes,
          files,
          bytes,
          altered,
          foreign: foreignFiles,
          strange,
          unreadable,
          ownerless,
          client: byClient,
        },
      });
      return;
    }
    this.#io.progress?.("");
    this.#io.print(
      `${vaultboxes} vaultbox(es), ${files} file(s), ${mebibytes(bytes)} MiB`,
    );
    this.#io.print(
      `Altered ${altered}, foreign ${foreignFiles}, strange ${strange}, unreadable ${unreadable}, folders of no vaultbox ${ownerless}`,
    );
    this.#io.print(`Stored by clients outside INBOX: ${byClient}`);
  }

  #addressOf(vaultboxId: string): string | undefined {
    if (this.#ids) return undefined;
    const vaultbox = this.#vaultbox;
    return vaultbox?.id === vaultboxId ? addressOf(vaultbox) : undefined;
  }

  #line(words: readonly string[]): void {
    this.#io.progress?.("");
    this.#io.print(words.join("\t"));
  }

  #print(value: unknown): void {
    this.#io.progress?.("");
    this.#io.print(JSON.stringify(value));
  }
}

function addressOf({ alias, domain }: VerifiedVaultbox): string {
  return `${alias}@${domain}`;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}

/**
 * Writes a path without what a terminal obeys: a name may have any character.
 *
 * @param path The path.
 * @returns The path, with `\u{…}` for control and format characters.
 */
export function printable(path: string): string {
  return path.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}\\]/gu,
    (letter) => `\\u{${letter.codePointAt(0)!.toString(16)}}`,
  );
}
