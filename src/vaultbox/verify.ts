/**
 * Verification: is what lies in the Maildirs what the intake has stored?
 *
 * @module
 */

import { basename, join } from "node:path";
import type { IntakeApp } from "../app.ts";
import { filesWithRows } from "../db/messages.ts";
import { findDrift, mendCounters } from "../db/recounts.ts";
import {
  findHmacs,
  findKnownHmacs,
  findLargest,
  isThere,
  NOTHING_SEEN,
  type Tally,
} from "../db/verifications.ts";
import {
  fileNames,
  lookAtFile,
  mailDirectories,
  type MailDirectory,
} from "../storage/mail_files.ts";
import { messageIdOf } from "../storage/maildir_names.ts";

/** What verification needs: no private key, and nothing to write with. */
export type VerifyApp = Pick<IntakeApp, "config" | "hmacKey" | "log" | "sql">;

/**
 * What a file is, if it is no stored message as it was stored.
 *
 * - `altered`: its name says which message it is, and its octets are others.
 * - `foreign`: it is in INBOX, where the appliance stores.
 * - `client`: it is in another folder, where clients store Sent and Drafts.
 * - `strange`: no file, as a link, or a name that is not UTF-8.
 * - `unreadable`: the system does not let it be read.
 * - `ownerless`: the folder of a vaultbox that there is not.
 */
export type FindingKind =
  | "altered"
  | "foreign"
  | "client"
  | "strange"
  | "unreadable"
  | "ownerless";

/** Something that was found. */
export interface Finding {
  /** What it is. */
  readonly kind: FindingKind;
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** Path from MAILDIR_BASE_PATH on. It may have any characters. */
  readonly path: string;
}

/** Counters of a vaultbox that were wrong, and are set right. */
export interface Mended {
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** Messages ever stored, as it was counted. */
  readonly messageCount: number;
  /** Octets ever stored, as it was counted. */
  readonly totalBytes: number;
  /** Messages that have a row. */
  readonly messages: number;
  /** Their octets. */
  readonly bytes: number;
}

/** Who is told. */
export interface Watcher {
  /** Something was found. */
  found(finding: Finding): void;
  /** Counters were set right. */
  mended(mended: Mended): void;
  /** A file was looked at. */
  looked(bytes: number): void;
}

/** Files whose rows are looked up at a time. */
const BATCH = 500;

/** Files that are looked up by their fingerprint alone, at a time. */
const UNKNOWN_BATCH = 5000;

/** Times that a directory is listed, as a client may rename what is in it. */
const LISTINGS = 3;

/** Octets that are read at a time. */
const BUFFER_BYTES = 65_536;

/** Milliseconds of work between two pauses of the same length. */
const WORK_MS = 50;

/** Where a tally has each kind of finding. */
const COLUMN: Readonly<Record<FindingKind, keyof Tally | undefined>> = {
  altered: "altered",
  foreign: "foreignFiles",
  client: "byClient",
  strange: "strange",
  unreadable: "unreadable",
  ownerless: undefined,
};

/** A file that was read. */
interface Seen {
  readonly directory: MailDirectory;
  readonly path: string;
  /** UUID of a message, by its name. */
  readonly id: string | undefined;
  /** Undefined if it is larger than any message. */
  readonly hmac: string | undefined;
}

/**
 * Verifies the files of one vaultbox, and compares its counters with its rows.
 *
 * A file is genuine if its HMAC is that of any message of the vaultbox: Dovecot
 * keeps the name of what a client moves or copies to another folder, but gives it
 * a new one where a file has that name already. A message that is missing was
 * expunged by its owner. Memory does not grow with the size of files; the names
 * in one folder are held.
 *
 * @param app What verification needs.
 * @param vaultboxId UUID.
 * @param watcher Who is told.
 * @returns What was found.
 */
export async function verifyVaultbox(
  app: VerifyApp,
  vaultboxId: string,
  watcher: Watcher,
): Promise<Tally> {
  const drift = await findDrift(app.sql, vaultboxId);
  if (drift !== undefined) {
    await app.sql.begin((tx) => mendCounters(tx, vaultboxId));
    watcher.mended({ vaultboxId, ...drift });
  }
  return await new Verification(app, vaultboxId, watcher).run();
}

/** The look at one vaultbox. */
class Verification {
  readonly #app: VerifyApp;
  readonly #vaultboxId: string;
  readonly #watcher: Watcher;
  readonly #tally: { -readonly [K in keyof Tally]: number } = {
    ...NOTHING_SEEN,
  };
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** Files to look up. */
  #seen: Seen[] = [];
  /** Files whose name says nothing, or nothing that is true. */
  #unknown: (Seen & { isNamed: boolean })[] = [];
  /** Octets of the largest message that is known of. */
  #largest = 0;
  #resumedAt = performance.now();

  constructor(app: VerifyApp, vaultboxId: string, watcher: Watcher) {
    this.#app = app;
    this.#vaultboxId = vaultboxId;
    this.#watcher = watcher;
  }

  async run(): Promise<Tally> {
    const base = this.#app.config.maildirBasePath;
    const { directories, strange } = await mailDirectories(
      base,
      this.#vaultboxId,
    );
    for (const path of strange) this.#found("strange", path);
    for (const directory of directories) await this.#walk(directory);
    await this.#lookUp();
    await this.#lookUpUnknown();
    return this.#tally;
  }

  #found(kind: FindingKind, path: string): void {
    const column = COLUMN[kind];
    if (column !== undefined) this.#tally[column]++;
    this.#watcher.found({ kind, vaultboxId: this.#vaultboxId, path });
  }

  /** Reads the files of a directory; one that was renamed is found again. */
  async #walk(directory: MailDirectory): Promise<void> {
    const base = this.#app.config.maildirBasePath;
    let renamed: Set<string> | undefined;
    for (let i = 0; i < LISTINGS && renamed?.size !== 0; i++) {
      const gone = new Set<string>();
      for (const name of await fileNames(base, directory.path)) {
        if (renamed !== undefined && !renamed.has(baseOf(name))) continue;
        if (!await this.#look(directory, name)) gone.add(baseOf(name));
      }
      renamed = gone;
    }
  }

  /** Reads a file; false if it is gone. */
  async #look(directory: MailDirectory, name: string): Promise<boolean> {
    // Dovecot shows no file whose name begins with a dot.
    if (name.startsWith(".")) return true;
    const path = join(directory.path, name);
    const look = await this.#lookAt(path);
    if (look.is === "gone") {
      if (!name.includes("\ufffd")) return false;
      this.#found("strange", path);
    } else if (look.is !== "file") {
      this.#found(look.is, path);
    } else {
      this.#tally.files++;
      this.#tally.bytes += look.bytes;
      this.#watcher.looked(look.bytes);
      const { hmac } = look;
      this.#seen.push({ directory, path, id: messageIdOf(name), hmac });
      if (this.#seen.length >= BATCH) await this.#lookUp();
    }
    return true;
  }

  #lookAt(path: string): ReturnType<typeof lookAtFile> {
    return lookAtFile(
      join(this.#app.config.maildirBasePath, path),
      {
        key: this.#app.hmacKey,
        buffer: this.#buffer,
        isWanted: (bytes) => this.#mayBeMessage(bytes),
        rest: () => this.#rest(),
      },
    );
  }

  /** What is larger than every message is none, and may be endless. */
  async #mayBeMessage(bytes: number): Promise<boolean> {
    await this.#rest();
    if (bytes <= this.#largest) return true;
    this.#largest = await findLargest(this.#app.sql, this.#vaultboxId);
    return bytes <= this.#largest;
  }

  /** Most files still have the name that the intake gave them. */
  async #lookUp(): Promise<void> {
    const seen = this.#seen;
    this.#seen = [];
    const ids = [...new Set(seen.flatMap(({ id }) => id ?? []))];
    const rows = ids.length === 0
      ? new Map<string, string>()
      : await findHmacs(this.#app.sql, this.#vaultboxId, ids);
    for (const each of seen) {
      const hmac = each.id === undefined ? undefined : rows.get(each.id);
      if (hmac !== undefined && hmac === each.hmac) continue;
      this.#unknown.push({ ...each, isNamed: hmac !== undefined });
      if (this.#unknown.length >= UNKNOWN_BATCH) await this.#lookUpUnknown();
    }
  }

  async #lookUpUnknown(): Promise<void> {
    const unknown = this.#unknown;
    this.#unknown = [];
    const hmacs = [...new Set(unknown.flatMap(({ hmac }) => hmac ?? []))];
    const known = hmacs.length === 0
      ? new Set<string>()
      : await findKnownHmacs(this.#app.sql, this.#vaultboxId, hmacs);
    const suspects = unknown.filter(({ hmac }) =>
      hmac === undefined || !known.has(hmac)
    );
    if (suspects.length === 0) return;
    // The rows go with the vaultbox, and the files a little later.
    if (!await isThere(this.#app.sql, this.#vaultboxId)) return;
    for (const each of suspects) await this.#judge(each);
  }

  async #judge(file: Seen & { isNamed: boolean }): Promise<void> {
    const { directory: { folder }, path } = file;
    if (folder === undefined) {
      // It may have been read while it was being written, and had no row then.
      if (file.isNamed && await this.#isStillAltered(file)) {
        this.#found("altered", path);
      }
    } else if (file.isNamed) this.#found("altered", path);
    else this.#found(folder === "INBOX" ? "foreign" : "client", path);
  }

  async #isStillAltered({ path, id }: Seen): Promise<boolean> {
    // An attempt that was killed before its row has left it: a later one has
    // encrypted the message anew, into a file of its own.
    const { sql } = this.#app;
    const files = await filesWithRows(sql, this.#vaultboxId, [id!]);
    if (!files.has(basename(path))) return false;
    const look = await this.#lookAt(path);
    if (look.is !== "file") return look.is !== "gone";
    const rows = await findHmacs(sql, this.#vaultboxId, [id!]);
    return rows.get(id!) !== look.hmac;
  }

  /** Leaves half of the time to others. */
  async #rest(): Promise<void> {
    const worked = performance.now() - this.#resumedAt;
    if (worked < WORK_MS) return;
    await new Promise((resolve) => setTimeout(resolve, worked));
    this.#resumedAt = performance.now();
  }
}

/** A client changes what follows the colon, as a message is read or answered. */
function baseOf(name: string): string {
  const [base] = name.split(":");
  return base!;
}
