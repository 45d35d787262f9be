/**
 * The mail of a vaultbox as it was at one moment: hard links to its files, so
 * that a backup can take hours while clients rename, move and expunge.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { removeIfThere } from "../system/files.ts";
import { messageIdOf } from "./maildir_names.ts";

/** Folder below MAILDIR_BASE_PATH; no vaultbox has such a name. */
const FROZEN_FOLDER = ".backup";

/** Only the mail user may enter. */
const DIRECTORY_MODE = 0o700;

/** Looks at a vaultbox that does not come to rest, at most. */
const LOOKS_MAX = 10;

/**
 * UIDs that a restored folder leaves out. What came after the backup had some of
 * them, and a client that remembers one must not take other mail for it (RFC 9051
 * section 2.3.1.1).
 */
const UIDS_LEFT_OUT = 1_000_000;

/**
 * What Dovecot makes again from the names of files and from dovecot-uidlist; a
 * copy of a file that is being written would only be found broken.
 */
const MADE_AGAIN_REGEXP = /^dovecot\.index|\.lock$|\.tmp$|\.log$/;

/** A file of a vaultbox. */
interface Found {
  /** Path from the vaultbox's folder on. */
  readonly path: string;
  /** Folder of IMAP, or `tmp` for staged files. */
  readonly folder: string;
  /** UUID of the message that its name says. */
  readonly id: string | undefined;
}

/** What was frozen of a vaultbox. */
export interface Frozen {
  /** Messages, staged ones included. */
  readonly files: number;
  /**
   * False if clients moved mail all the time: then a message may be there twice,
   * in the folders that it was in.
   */
  readonly isExact: boolean;
  /** Path of a message and UUID of its row, as a sample. */
  readonly sample: { readonly path: string; readonly id: string } | undefined;
}

/** Says which messages belong to the backup, by the ids that names say. */
export type Wanted = (
  ids: readonly string[],
) => Promise<ReadonlyMap<string, "stored" | "newer" | "unknown">>;

/**
 * Links the files of a vaultbox. What is newer than the backup is left out, and
 * so are staged files that the database of the backup knows nothing of.
 *
 * It looks until two looks, one after the other, find the same: a message that
 * is moved meanwhile is missed by one look, never by the last two.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @param wanted Which messages.
 * @returns What was frozen; undefined if the vaultbox never had mail.
 */
export async function freezeMail(
  base: string,
  vaultboxId: string,
  wanted: Wanted,
): Promise<Frozen | undefined> {
  const home = join(base, vaultboxId);
  const target = join(base, FROZEN_FOLDER, vaultboxId);
  const kinds = new Map<string, "stored" | "newer" | "unknown">();
  const linked = new Map<string, string>();
  let before: ReadonlyMap<string, Found> | undefined;
  let isExact = false;
  for (let look = 0; look < LOOKS_MAX && !isExact; look++) {
    const found = await listFiles(home);
    await learn([...found.values()], kinds, wanted);
    for (const [key, file] of found) {
      if (!isKept(file, kinds)) found.delete(key);
    }
    const isWhole = linkAll(home, target, found, linked);
    isExact = isWhole && before !== undefined && isSame(before, found);
    before = found;
  }
  if (before === undefined || before.size === 0 && !await isThere(home)) {
    return undefined;
  }
  // What has moved or is expunged. Where that never ends, it stays.
  for (const [key, path] of isExact ? linked : []) {
    if (before.has(key)) continue;
    await removeIfThere(join(target, path));
    linked.delete(key);
  }
  let sample: Frozen["sample"];
  for (const [key, path] of linked) {
    const id = before.get(key)?.id;
    if (id === undefined || kinds.get(id) !== "stored") continue;
    sample = { path: join(target, path), id };
    break;
  }
  await copyNotes(home, target);
  return { files: linked.size, isExact, sample };
}

/**
 * Makes the folder for what is frozen, and removes what a former backup has left.
 *
 * @param base MAILDIR_BASE_PATH.
 * @returns Held, it says that the backup is needed. The script that makes it
 * holds it, too, and for longer.
 */
export async function makeFrozen(base: string): Promise<Disposable> {
  const path = join(base, FROZEN_FOLDER);
  for (;;) {
    await removeIfThere(path);
    await Deno.mkdir(path, { mode: DIRECTORY_MODE });
    using stack = new DisposableStack();
    const folder = stack.use(await Deno.open(path));
    // Somebody may take it for abandoned before it is locked.
    if (!folder.tryLockSync(false)) continue;
    if (folder.statSync().nlink !== 0) return stack.move();
  }
}

/**
 * Removes what was frozen for a backup that nobody makes any more: links to mail
 * that its owner may have removed since, or that was sealed.
 *
 * @param base MAILDIR_BASE_PATH.
 * @returns False if a backup is being made: then it stays.
 */
export async function thawAbandoned(base: string): Promise<boolean> {
  const path = join(base, FROZEN_FOLDER);
  try {
    using folder = await Deno.open(path);
    if (!folder.tryLockSync(true)) return false;
    await removeIfThere(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}

/** Staged files first and new/ before cur/: so mail moves while nobody acts. */
async function listFiles(home: string): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const add = async (folder: string, path: string): Promise<void> => {
    for (const { name, isFile } of await entriesOf(join(home, path))) {
      if (!isFile) continue;
      // A client changes what follows the colon.
      const key = `${folder}/${name.split(":")[0]}`;
      const id = messageIdOf(name);
      found.set(key, { path: join(path, name), folder, id });
    }
  };
  await add("tmp", "tmp");
  for (const folder of await foldersOf(home)) {
    for (const part of ["new", "cur"]) await add(folder, join(folder, part));
  }
  return found;
}

/** INBOX, and what Maildir++ has beside it, each a directory with a dot. */
async function foldersOf(home: string): Promise<string[]> {
  const inbox = await entriesOf(join(home, "Maildir"));
  const others = inbox
    .filter(({ name, isDirectory }) => isDirectory && name.startsWith("."))
    .map(({ name }) => join("Maildir", name));
  return ["Maildir", ...others];
}

async function learn(
  files: readonly Found[],
  kinds: Map<string, "stored" | "newer" | "unknown">,
  wanted: Wanted,
): Promise<void> {
  // A staged file may get its row at any time; in a Maildir it has one by then.
  const ids = files.flatMap(({ id }) =>
    id === undefined || (kinds.get(id) ?? "unknown") !== "unknown" ? [] : id
  );
  if (ids.length === 0) return;
  for (const [id, kind] of await wanted([...new Set(ids)])) kinds.set(id, kind);
}

function isKept(
  { folder, id }: Found,
  kinds: ReadonlyMap<string, "stored" | "newer" | "unknown">,
): boolean {
  const kind = id === undefined ? "unknown" : kinds.get(id);
  return kind === "stored" || kind === "unknown" && folder !== "tmp";
}

/** False if a file was renamed or removed meanwhile. */
function linkAll(
  home: string,
  target: string,
  found: ReadonlyMap<string, Found>,
  linked: Map<string, string>,
): boolean {
  let isWhole = true;
  let made = "";
  for (const [key, { path }] of found) {
    if (linked.has(key)) continue;
    const to = join(target, path);
    if (dirname(to) !== made) {
      made = dirname(to);
      Deno.mkdirSync(made, { recursive: true, mode: DIRECTORY_MODE });
    }
    try {
      Deno.linkSync(join(home, path), to);
      linked.set(key, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      isWhole = false;
    }
  }
  return isWhole;
}

function isSame(
  a: ReadonlyMap<string, unknown>,
  b: ReadonlyMap<string, unknown>,
): boolean {
  return a.size === b.size && a.keys().every((key) => b.has(key));
}

/** Dovecot's own small files: UIDs, keywords, subscriptions. */
async function copyNotes(home: string, target: string): Promise<void> {
  for (const folder of await foldersOf(home)) {
    const entries = await entriesOf(join(home, folder));
    // A folder without mail is a folder, too.
    const options = { recursive: true, mode: DIRECTORY_MODE };
    for (const part of ["cur", "new", "tmp"]) {
      await Deno.mkdir(join(target, folder, part), options);
    }
    for (const { name, isFile } of entries) {
      if (!isFile || MADE_AGAIN_REGEXP.test(name)) continue;
      let content: Uint8Array;
      try {
        content = await Deno.readFile(join(home, folder, name));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) continue;
        throw error;
      }
      if (name === "dovecot-uidlist") content = leaveUidsOut(content);
      const to = join(target, folder, name);
      await Deno.writeFile(to, content, { mode: 0o600 });
    }
  }
}

/**
 * Raises the next UID in a dovecot-uidlist, version 3, so that the UIDs of mail
 * that is not in it are not given again. A last line that is not complete goes.
 *
 * @param content The file.
 * @returns The file as it is restored.
 */
export function leaveUidsOut(content: Uint8Array): Uint8Array<ArrayBuffer> {
  // Keywords and names of files may have any octets.
  const text = Array.from(content, (octet) => String.fromCharCode(octet))
    .join("");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const raised = whole.replace(
    /^(3 (?:[^ \n]+ )*?N)(\d+)/,
    (_, before: string, next: string) =>
      `${before}${Number(next) + UIDS_LEFT_OUT}`,
  );
  return Uint8Array.from(raised, (letter) => letter.charCodeAt(0));
}

async function entriesOf(path: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(path));
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return [];
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
