/**
 * The second part of an export: the mail, as it lies in the Maildirs.
 *
 * @module
 */

import { join } from "node:path";
import type { IntakeApp } from "../app.ts";
import { concat } from "../mail/octets.ts";
import {
  fileNames,
  mailDirectories,
  type MailDirectory,
  readFound,
} from "../storage/mail_files.ts";
import {
  TAR_BLOCK,
  tarDirectory,
  tarEnd,
  tarFile,
  tarHeader,
  tarPadding,
} from "../storage/tar.ts";

/** Folder that all files of an export are in. */
const EXPORT_FOLDER = "encimap-export";

/**
 * Ends the first part of an archive, and is not kept: without it the process
 * that makes that part has failed, and what there is would pass for the whole.
 */
const MAIL_FOLLOWS: Uint8Array<ArrayBuffer> = new Uint8Array(TAR_BLOCK);
new TextEncoder().encodeInto("encimap export: mail follows", MAIL_FOLLOWS);

/** Files beside the mail that say more of it, with their limits in octets. */
const INDEX_FILES: readonly string[] = [
  "subscriptions",
  "dovecot-uidlist",
  "dovecot-uidvalidity",
  "dovecot-keywords",
];

/** Times that one looks for what clients have renamed or moved meanwhile. */
const LOOKS_AGAIN = 3;

/** Who is told. */
export interface CopyWatcher {
  /** A file was written. */
  copied(bytes: number): void;
  /** Something could not be read, or is no file. */
  leftOut(path: string, why: string): void;
}

/** A file of the first part. */
export interface ArchivedFile {
  /** Path in the folder of the export. */
  readonly path: string;
  /** Content. */
  readonly content: Uint8Array<ArrayBuffer> | string;
}

/**
 * Makes the first part of an archive.
 *
 * @param files Its files.
 * @param at When they were changed.
 * @yields Octets, which {@linkcode withoutEnd} takes.
 */
export async function* firstPart(
  files: AsyncIterable<ArchivedFile>,
  at: Date,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for await (const { path, content } of files) {
    yield tarFile(`${EXPORT_FOLDER}/${path}`, content, at);
  }
  yield MAIL_FOLLOWS;
}

/**
 * Passes the first part of an archive on, as {@linkcode firstPart} makes it.
 *
 * @param first The first part.
 * @yields It, but for the mark at its end.
 * @throws {Error} If it is not complete.
 */
export async function* withoutEnd(
  first: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  let held = new Uint8Array();
  for await (const chunk of first) {
    const all = concat([held, chunk]);
    const border = Math.max(0, all.length - TAR_BLOCK);
    if (border > 0) yield all.slice(0, border);
    held = all.slice(border);
  }
  const isComplete = held.length === TAR_BLOCK &&
    held.every((octet, i) => octet === MAIL_FOLLOWS[i]);
  if (!isComplete) throw new Error("the first part is not complete");
}

/**
 * Copies the Maildirs of vaultboxes into an archive and ends it. Of the mail
 * nothing is held but the names of one vaultbox.
 *
 * @param app Uses `config`.
 * @param vaultboxes Id and address of each.
 * @param watcher Who is told.
 * @yields Octets of the archive.
 * @throws {Error} If a file becomes shorter while it is read.
 */
export async function* copyMail(
  app: Pick<IntakeApp, "config">,
  vaultboxes: readonly { id: string; address: string }[],
  watcher: CopyWatcher,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const base = app.config.maildirBasePath;
  const now = Math.floor(Date.now() / 1000);
  for (const { id, address } of vaultboxes) {
    const { directories, strange } = await mailDirectories(base, id);
    for (const path of strange) watcher.leftOut(path, "is no directory");
    const shown = directories.filter(({ folder }) => folder !== undefined);
    // A vaultbox that never had mail has an empty INBOX, too.
    const homes = new Set([
      join(id, "Maildir"),
      ...shown.map(({ path }) => join(path, "..")),
    ]);
    for (const home of homes) {
      // Readers want all three.
      for (const part of ["cur", "new", "tmp"]) {
        yield tarDirectory(inArchive(join(home, part), id, address), now);
      }
      for (const name of INDEX_FILES) {
        const path = join(home, name);
        const to = inArchive(path, id, address);
        yield* copyFile(base, path, to, { ...watcher, leftOut: () => {} });
      }
    }
    yield* new Copying(base, { id, address }, watcher).copy(shown);
  }
  yield tarEnd();
}

function inArchive(path: string, id: string, address: string): string {
  return `${EXPORT_FOLDER}/${address}${path.slice(id.length)}`;
}

/** The copy of one vaultbox's mail, which clients may move meanwhile. */
class Copying {
  readonly #base: string;
  readonly #vaultbox: { readonly id: string; readonly address: string };
  readonly #watcher: CopyWatcher;
  /** What was listed and is not copied, by the part of a name that stays. */
  readonly #missing = new Map<string, string>();

  constructor(
    base: string,
    vaultbox: { readonly id: string; readonly address: string },
    watcher: CopyWatcher,
  ) {
    this.#base = base;
    this.#vaultbox = vaultbox;
    this.#watcher = watcher;
  }

  /** Copies directories; what was moved is looked for in all of them again. */
  async *copy(
    directories: readonly MailDirectory[],
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    // Or what is moved, before its turn, to where all is copied would be missed.
    for (const { path } of directories) {
      for (const name of await this.#namesIn(path)) {
        this.#missing.set(baseOf(name), join(path, name));
      }
    }
    for (const { path } of directories) {
      yield* this.#copyNames(path, () => true);
    }
    for (let i = 0; i < LOOKS_AGAIN && this.#missing.size > 0; i++) {
      for (const { path } of directories) {
        yield* this.#copyNames(path, (name) => this.#missing.has(baseOf(name)));
      }
    }
    for (const path of this.#missing.values()) {
      this.#watcher.leftOut(path, "was moved or removed meanwhile");
    }
  }

  async *#copyNames(
    directory: string,
    isWanted: (name: string) => boolean,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const { id, address } = this.#vaultbox;
    for (const name of await this.#namesIn(directory)) {
      if (!isWanted(name)) continue;
      const path = join(directory, name);
      const key = baseOf(name);
      let isGone = false;
      yield* copyFile(this.#base, path, inArchive(path, id, address), {
        ...this.#watcher,
        leftOut: (left, why) => {
          isGone = why === WHY.gone;
          if (!isGone) this.#watcher.leftOut(left, why);
        },
      });
      if (isGone) this.#missing.set(key, path);
      else this.#missing.delete(key);
    }
  }

  async #namesIn(directory: string): Promise<string[]> {
    const names = await fileNames(this.#base, directory);
    return names.filter((name) => !name.startsWith("."));
  }
}

/** A client changes what follows the colon. */
function baseOf(name: string): string {
  return name.split(":")[0]!;
}

async function* copyFile(
  base: string,
  path: string,
  to: string,
  watcher: CopyWatcher,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const found = await readFound(join(base, path));
  if (found.is !== "file") {
    watcher.leftOut(path, WHY[found.is]);
    return;
  }
  await using file = found;
  const mtime = Math.floor(file.modified.getTime() / 1000);
  yield tarHeader({ path: to, size: file.bytes, mtime });
  let left = file.bytes;
  for await (const chunk of file.chunks()) {
    const part = chunk.subarray(0, left);
    left -= part.length;
    if (part.length > 0) yield part;
  }
  if (left > 0) throw new Error("a file became shorter while it was read");
  yield tarPadding(file.bytes);
  watcher.copied(file.bytes);
}

const WHY = {
  gone: "is gone",
  strange: "is no plain file",
  unreadable: "cannot be read",
} as const;
