/**
 * Maildirs of other programs, as they are found.
 *
 * @module
 */

import { join, relative } from "node:path";
import { compareByTime } from "./maildir_names.ts";

/** A folder in a tree of Maildirs. */
export interface SourceFolder {
  /** `INBOX`, or a name with a dot in front, as Maildir++ has it. */
  readonly folder: string;
  /** Its directory. */
  readonly path: string;
}

/** Directories in directories, at most. */
const DEPTH_MAX = 20;

/**
 * Finds the folders of a tree: `.Sent` beside `cur` (Maildir++), or `Sent/cur`
 * (as isync and mutt have them), or both. Links are not followed.
 *
 * @param root The tree.
 * @returns Its folders, those that have a `cur`, in the order of their names.
 * @throws {Error} If a directory cannot be read.
 */
export async function sourceFolders(root: string): Promise<SourceFolder[]> {
  const found: SourceFolder[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    const inner: string[] = [];
    let isMaildir = false;
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (!isDirectory) continue;
      if (name === "cur") isMaildir = true;
      if (!["cur", "new", "tmp"].includes(name)) inner.push(join(path, name));
    }
    if (isMaildir) found.push({ folder: nameOf(relative(root, path)), path });
    if (depth >= DEPTH_MAX) return;
    for (const each of inner) await walk(each, depth + 1);
  };
  await walk(root, 0);
  return found.sort((a, b) => a.folder < b.folder ? -1 : 1);
}

function nameOf(path: string): string {
  if (path === "" || path === "INBOX") return "INBOX";
  return `.${path.split("/").map((part) => part.replace(/^\./, "")).join(".")}`;
}

/** A message in a Maildir of another program. */
export interface SourceFile {
  /** Path. */
  readonly path: string;
  /** Flags of Maildir; undefined in `new`. */
  readonly flags: string | undefined;
  /** Letters that only its folder has a meaning for. */
  readonly hasKeywords: boolean;
}

/**
 * Lists the messages of a folder, the oldest first as far as names tell.
 *
 * @param folder Its directory.
 * @returns The messages.
 */
export async function sourceFiles(folder: string): Promise<SourceFile[]> {
  const files: (SourceFile & { name: string })[] = [];
  for (const part of ["new", "cur"]) {
    const path = join(folder, part);
    for (const name of await namesIn(path)) {
      if (name.startsWith(".")) continue;
      const letters = /[:;!]2,([A-Za-z]*)/.exec(name)?.[1] ?? "";
      files.push({
        name,
        path: join(path, name),
        flags: part === "new" ? undefined : flagsOf(letters),
        hasKeywords: /[a-z]/.test(letters),
      });
    }
  }
  return files.sort((a, b) => compareByTime(a.name, b.name));
}

/**
 * Keeps the letters that mean the same in every Maildir.
 *
 * @param letters Letters behind `:2,` of a name.
 * @returns Those of passed, replied, seen, trashed, draft and flagged, in order.
 */
export function flagsOf(letters: string): string {
  return [..."DFPRST"].filter((flag) => letters.includes(flag)).join("");
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
