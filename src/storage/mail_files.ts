/**
 * The files of a vaultbox as they are found, whoever has put them there.
 *
 * The names, the kinds and the sizes of what is found are hostile: nothing is
 * followed, nothing is waited for, and nothing is read beyond the size that was
 * asked for.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";

/** A directory whose files are messages. */
export interface MailDirectory {
  /**
   * What IMAP calls the folder: `INBOX`, or a name that begins with a dot.
   * Undefined for messages that are being stored, which IMAP does not show.
   */
  readonly folder: string | undefined;
  /** Path from MAILDIR_BASE_PATH on. */
  readonly path: string;
}

/** The directories of a vaultbox. */
export interface MailDirectories {
  /** Those that are there, in the order in which mail goes through them. */
  readonly directories: readonly MailDirectory[];
  /** Paths that should be directories and are something else. */
  readonly strange: readonly string[];
}

/** What a look at a file has shown. */
export type Look =
  | {
    /** A file, and the octets that it has. */
    readonly is: "file";
    readonly bytes: number;
    /** HMAC-SHA256 of its octets, hexadecimal; undefined if it was not read. */
    readonly hmac: string | undefined;
  }
  | {
    /** It was removed or renamed meanwhile. */
    readonly is: "gone";
  }
  | {
    /** A link, a fifo or the like, or it became another file meanwhile. */
    readonly is: "strange";
  }
  | {
    /** The system does not let it be read. */
    readonly is: "unreadable";
  };

/**
 * Finds the directories of a vaultbox that hold messages.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param vaultboxId UUID.
 * @returns The directories; none if it never had mail.
 */
export async function mailDirectories(
  base: string,
  vaultboxId: string,
): Promise<MailDirectories> {
  const directories: MailDirectory[] = [];
  const strange: string[] = [];
  const isDirectory = async (path: string): Promise<boolean> => {
    const kind = await kindOf(join(base, path));
    if (kind !== "directory" && kind !== "nothing") strange.push(path);
    return kind === "directory";
  };
  const add = async (folder: string | undefined, path: string) => {
    if (await isDirectory(path)) directories.push({ folder, path });
  };
  const maildir = join(vaultboxId, "Maildir");
  if (!await isDirectory(vaultboxId)) return { directories, strange };
  await add(undefined, join(vaultboxId, "tmp"));
  if (!await isDirectory(maildir)) return { directories, strange };
  for (const part of ["new", "cur"]) await add("INBOX", join(maildir, part));
  for (const name of await fileNames(base, maildir)) {
    const path = join(maildir, name);
    // Maildir++: each folder is a directory here that begins with a dot.
    if (!name.startsWith(".") || await kindOf(join(base, path)) === "file") {
      continue;
    }
    if (!await isDirectory(path)) continue;
    for (const part of ["new", "cur"]) await add(name, join(path, part));
  }
  return { directories, strange };
}

/**
 * Lists the names in a directory. A name that is not UTF-8 has U+FFFD where it
 * is not, and no file can be opened by it.
 *
 * @param base MAILDIR_BASE_PATH.
 * @param path Path from there on.
 * @returns The names; none if the directory is gone.
 */
export async function fileNames(base: string, path: string): Promise<string[]> {
  try {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(join(base, path))) {
      names.push(name);
    }
    return names;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** How files are looked at. */
export interface Looking {
  /** Key of the HMAC. */
  readonly key: Uint8Array;
  /** Where octets are read to; one for many files, as garbage is slow to go. */
  readonly buffer: Uint8Array;
  /** Says by the size in octets whether a file has to be read. */
  isWanted(bytes: number): Promise<boolean>;
  /** Waits between two pieces of a file. */
  rest(): Promise<void>;
}

/**
 * Looks at a file in constant memory.
 *
 * @param path The file.
 * @param how How; nothing else looks with the same buffer meanwhile.
 * @returns What it is.
 */
export async function lookAtFile(path: string, how: Looking): Promise<Look> {
  const { key, buffer } = how;
  try {
    const seen = await lstat(path);
    if (!seen.isFile()) return { is: "strange" };
    if (!await how.isWanted(seen.size)) {
      return { is: "file", bytes: seen.size, hmac: undefined };
    }
    // Without O_NONBLOCK a fifo that has taken its place would be waited for.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const file = await open(path, flags);
    try {
      const opened = await file.stat();
      if (opened.dev !== seen.dev || opened.ino !== seen.ino) {
        return { is: "strange" };
      }
      const hmac = createHmac("sha256", key);
      let bytes = 0;
      // One that grows while it is read is no message of anybody's.
      while (bytes <= seen.size) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length);
        if (bytesRead === 0) break;
        bytes += bytesRead;
        hmac.update(buffer.subarray(0, bytesRead));
        await how.rest();
      }
      return { is: "file", bytes: seen.size, hmac: hmac.digest("hex") };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { is: codeOf(error) === "ENOENT" ? "gone" : "unreadable" };
  }
}

/** A file that was found and opened; disposing of it closes it. */
export interface FoundFile extends AsyncDisposable {
  /** It is a file. */
  readonly is: "file";
  /** Its octets when it was opened. */
  readonly bytes: number;
  /** When it was changed last. */
  readonly modified: Date;
  /** When its name was changed last, or anything else of it. */
  readonly renamed: Date;
  /**
   * Reads it, once.
   *
   * @returns Its octets, no more than it had when it was opened.
   */
  chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>, void>;
}

/** Octets of a file that are read at a time. */
const READ_OCTETS = 262_144;

/**
 * Opens a file, whoever has put it there: no link is followed, and no fifo
 * waited for.
 *
 * @param path The file.
 * @returns The file, or what it is instead.
 */
export async function readFound(
  path: string,
): Promise<FoundFile | Exclude<Look, { is: "file" }>> {
  try {
    const seen = await lstat(path);
    if (!seen.isFile()) return { is: "strange" };
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const opened = await file.stat();
    if (opened.dev !== seen.dev || opened.ino !== seen.ino) {
      await file.close();
      return { is: "strange" };
    }
    return {
      is: "file",
      bytes: opened.size,
      modified: opened.mtime,
      renamed: opened.ctime,
      async *chunks() {
        for (let left = opened.size; left > 0;) {
          const buffer = new Uint8Array(Math.min(left, READ_OCTETS));
          const { bytesRead } = await file.read(buffer, 0, buffer.length);
          if (bytesRead === 0) return;
          left -= bytesRead;
          yield buffer.subarray(0, bytesRead);
        }
      },
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    return { is: codeOf(error) === "ENOENT" ? "gone" : "unreadable" };
  }
}

async function kindOf(
  path: string,
): Promise<"directory" | "file" | "nothing" | "other"> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return "directory";
    return found.isFile() ? "file" : "other";
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "nothing";
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
