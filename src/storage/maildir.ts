/**
 * The files of a vaultbox: `<base>/<id>/tmp` for messages that are being
 * stored, `<base>/<id>/Maildir` for what IMAP shows.
 *
 * Messages are staged beside the Maildir and not in its own tmp/, because
 * Dovecot deletes files there that are older than 36 hours, and a staged
 * message may be one that Postfix no longer has.
 *
 * @module
 */

import { dirname, join } from "node:path";
import {
  makeDirectory,
  removeIfThere,
  syncDirectory,
  writeDurable,
} from "../system/files.ts";
import { UUID_REGEXP } from "./maildir_names.ts";

/** Only the mail user may enter. */
const DIRECTORY_MODE = 0o700;

/** Only the mail user may read. */
const FILE_MODE = 0o600;

/** How a message's file is made. */
const STAGED: Deno.OpenOptions = {
  write: true,
  createNew: true,
  mode: FILE_MODE,
};

/** Octets that are written without another thread. */
const SHORT_OCTETS = 65_536;

/** A message that is staged, and that nobody takes for abandoned. */
export interface Staged extends Disposable {
  /** Octets that were written. */
  readonly octets: number;
}

/**
 * Writes a message where IMAP does not see it, durably.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @param file Name made by `maildirName`.
 * @param chunks The message.
 * @param hash Is given the octets as they are written.
 * @param options `modified` is what IMAP calls INTERNALDATE; now if left out.
 * @returns The staged message. It is locked until it is disposed of, or the
 * process ends: to be done when it is known whether there is a row.
 */
export async function stageMessage(
  base: string,
  vaultboxId: string,
  file: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  hash: { update(octets: Uint8Array): unknown },
  options: { modified?: Date } = {},
): Promise<Staged> {
  const tmp = join(base, vaultboxId, "tmp");
  using stack = new DisposableStack();
  const staged = stack.use(await createStaged(base, vaultboxId, file));
  // Whoever finds it before it is locked may have removed it.
  if (!staged.tryLockSync(true) || staged.statSync().nlink === 0) {
    throw new Error("staged message was taken away");
  }
  let octets = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    await writeAll(staged, chunk);
    octets += chunk.length;
  }
  const { modified } = options;
  if (modified !== undefined) await staged.utime(modified, modified);
  // Both at once: a journal that is written for one has the other.
  await both(staged.sync(), syncDirectory(tmp));
  const held = stack.move();
  return { octets, [Symbol.dispose]: () => held.dispose() };
}

/**
 * Locks a staged message that no delivery has, in whichever process.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @param file Name of the staged file.
 * @returns The lock; undefined if a delivery has the file, or it is gone.
 */
export async function lockStaged(
  base: string,
  vaultboxId: string,
  file: string,
): Promise<Disposable | undefined> {
  const path = join(base, vaultboxId, "tmp", file);
  using stack = new DisposableStack();
  try {
    // To open a fifo would wait for its other end.
    if ((await Deno.lstat(path)).isFile) {
      if (!stack.use(await Deno.open(path)).tryLockSync(true)) return undefined;
    }
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  return stack.move();
}

async function createStaged(
  base: string,
  vaultboxId: string,
  file: string,
): Promise<Deno.FsFile> {
  const path = join(base, vaultboxId, "tmp", file);
  // A new name goes to memory, as a short chunk does: see writeAll().
  const create = () => Deno.openSync(path, STAGED);
  try {
    return create();
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  await makeDirectories(base, vaultboxId);
  return create();
}

/** Writes a chunk, all of it. */
async function writeAll(
  file: Deno.FsFile,
  chunk: Uint8Array,
): Promise<void> {
  for (let rest = chunk; rest.length > 0;) {
    // What is short goes to the page cache in microseconds; to have another
    // thread do it takes longer.
    const written = rest.length <= SHORT_OCTETS
      ? file.writeSync(rest)
      : await file.write(rest);
    rest = rest.subarray(written);
  }
}

/** Waits for both, also where one fails: a file in use is not to be closed. */
async function both(a: Promise<void>, b: Promise<void>): Promise<void> {
  for (const result of await Promise.allSettled([a, b])) {
    if (result.status === "rejected") throw result.reason;
  }
}

/**
 * Shows a staged message to IMAP.
 *
 * Nothing is synced: a power failure may undo it, and then the message is staged
 * again, which is as durable. The sweep after the start shows it again.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @param file Name of the staged file.
 * @param place Path below the Maildir that it gets, as `.Sent/cur/NAME:2,S`; a
 * new message of INBOX if left out.
 * @returns False if there is no such staged file.
 */
export async function showMessage(
  base: string,
  vaultboxId: string,
  file: string,
  place = `new/${file}`,
): Promise<boolean> {
  const home = join(base, vaultboxId);
  const staged = join(home, "tmp", file);
  const shown = join(home, "Maildir", place);
  for (let isSecond = false;; isSecond = true) {
    try {
      // deno-lint-ignore no-sync-fn-in-async-fn
      Deno.renameSync(staged, shown);
      return true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (!(await exists(staged))) return false;
      if (isSecond) throw error;
      // The folder is missing: it was removed, or is being made just now.
      await makeDirectories(base, vaultboxId);
      await makeFolder(dirname(dirname(shown)));
    }
  }
}

/**
 * Removes a staged message, if it is there.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @param file Name of the staged file.
 */
export async function discardMessage(
  base: string,
  vaultboxId: string,
  file: string,
): Promise<void> {
  await removeIfThere(join(base, vaultboxId, "tmp", file));
}

/**
 * Lists the vaultboxes that have a folder.
 *
 * @param base MAILDIR_BASE_PATH.
 * @returns UUIDs.
 */
export async function* vaultboxesWithMail(
  base: string,
): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(base)) {
    if (entry.isDirectory && UUID_REGEXP.test(entry.name)) yield entry.name;
  }
}

/**
 * Lists the staged messages of a vaultbox.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @returns Names.
 */
export async function stagedMessages(
  base: string,
  vaultboxId: string,
): Promise<string[]> {
  return await namesIn(join(base, vaultboxId, "tmp"));
}

/** Octets of a message as its name says it. */
const SIZE_REGEXP = /,S=(\d+)/;

/**
 * Counts the messages of a vaultbox in all folders, staged ones included. What
 * a client moves from folder to folder meanwhile may be missed.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @returns Octets and messages; `staged` of these are staged.
 */
export async function countMessages(
  base: string,
  vaultboxId: string,
): Promise<{ bytes: number; messages: number; staged: number }> {
  const home = join(base, vaultboxId);
  const maildir = join(home, "Maildir");
  // Staged files first: one that is shown meanwhile is found again, and its
  // name is known by then.
  const folders = [
    join(home, "tmp"),
    join(maildir, "new"),
    join(maildir, "cur"),
  ];
  for (const name of await namesIn(maildir)) {
    if (!name.startsWith(".")) continue;
    folders.push(join(maildir, name, "new"), join(maildir, name, "cur"));
  }
  const staged = new Set<string>();
  let bytes = 0;
  let messages = 0;
  for (const [index, folder] of folders.entries()) {
    for (const name of await namesIn(folder)) {
      if (index === 0) staged.add(name);
      else if (staged.has(name)) continue;
      const size = SIZE_REGEXP.exec(name);
      bytes += size === null
        ? await sizeOf(join(folder, name))
        : Number(size[1]);
      messages++;
    }
  }
  return { bytes, messages, staged: staged.size };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map((e) => e.name);
  } catch (error) {
    if (isNotFound(error) || error instanceof Deno.errors.NotADirectory) {
      return [];
    }
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.lstat(path)).size;
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
}

/**
 * Removes all files of a vaultbox. Where one cannot be removed, all others are.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @returns Whether there were any.
 * @throws {Error} If something could not be removed.
 */
export function removeMail(base: string, vaultboxId: string): Promise<boolean> {
  return removeAll(join(base, vaultboxId));
}

async function removeAll(path: string): Promise<boolean> {
  try {
    return await removeIfThere(path);
  } catch (error) {
    // It has ended at the first obstacle. A link is no directory.
    if (!(await Deno.lstat(path)).isDirectory) throw error;
    for (const name of await namesIn(path)) {
      await removeAll(join(path, name)).catch(() => {});
    }
    throw error;
  }
}

/**
 * Makes sure that messages can be stored.
 *
 * @param base MAILDIR_BASE_PATH.
 * @throws {Error} If a file cannot be written there.
 */
export async function checkStore(base: string): Promise<void> {
  const probe = join(base, `.probe-${crypto.randomUUID()}`);
  await writeDurable(probe, new Uint8Array(1), FILE_MODE);
  await Deno.remove(probe);
}

async function makeDirectories(base: string, id: string): Promise<void> {
  const home = join(base, id);
  await makeDirectory(home, DIRECTORY_MODE);
  await makeDirectory(join(home, "tmp"), DIRECTORY_MODE);
  await makeFolder(join(home, "Maildir"));
}

async function makeFolder(path: string): Promise<void> {
  for (const name of ["", "cur", "new", "tmp"]) {
    await makeDirectory(join(path, name), DIRECTORY_MODE);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function isNotFound(error: unknown): boolean {
  // node:fs has a code where Deno has a class.
  return error instanceof Error && "code" in error && error.code === "ENOENT" ||
    error instanceof Deno.errors.NotFound;
}
