/**
 * Spool files for what is too large for memory.
 *
 * A spool file holds nothing that anybody can read: its content is encrypted
 * under a key that is in memory only, and its name is removed as soon as it is
 * open, so that a crash leaves neither a file nor a key. Nothing is synced, as
 * nothing of it is to last.
 *
 * @module
 */

import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, removeIfThere, writeAll } from "../system/files.ts";

/** Octets that are encrypted at a time. */
const PIECE_OCTETS = 262_144;
/** Octets of a GCM tag. */
const TAG_OCTETS = 16;
/** Octets of a GCM nonce. */
const NONCE_OCTETS = 12;

/** Octets on disk, encrypted; disposing of it frees them. */
export interface Spool extends AsyncDisposable {
  /**
   * Appends octets.
   *
   * @param octets Octets; they may be overwritten then.
   */
  write(octets: Uint8Array): Promise<void>;
  /** Ends writing; reading begins. */
  end(): Promise<void>;
  /**
   * Reads, one reader at a time.
   *
   * @param from Offset of the first octet.
   * @returns The octets from there on.
   * @throws {Error} If what is on disk is not what was written.
   */
  read(from: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void>;
}

/**
 * Makes a spool file.
 *
 * @param base MAILDIR_BASE_PATH; the file is in its folder `.spool`.
 * @returns The file, empty.
 */
export async function openSpool(base: string): Promise<Spool> {
  const file = await openUnlinked(join(base, ".spool"));
  const key = await crypto.subtle.generateKey(
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
  const piece = new Uint8Array(PIECE_OCTETS);
  let length = 0;
  let pieces = 0;

  async function writePiece(): Promise<void> {
    const sealed = new Uint8Array(
      await crypto.subtle.encrypt(
        { name: "AES-GCM", iv: nonce(pieces) },
        key,
        piece.subarray(0, length),
      ),
    );
    await writeAll(file, sealed, offsetOf(pieces));
    pieces++;
    length = 0;
  }

  async function readPiece(
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const isLast = index === pieces - 1;
    const sealed = buffer.subarray(
      0,
      (isLast ? length : PIECE_OCTETS) + TAG_OCTETS,
    );
    await readAll(file, sealed, offsetOf(index));
    return new Uint8Array(
      await crypto.subtle.decrypt(
        { name: "AES-GCM", iv: nonce(index) },
        key,
        sealed,
      ),
    );
  }

  return {
    async write(octets) {
      for (let offset = 0; offset < octets.length;) {
        const part = octets.subarray(offset, offset + PIECE_OCTETS - length);
        piece.set(part, length);
        offset += part.length;
        length += part.length;
        if (length === PIECE_OCTETS) await writePiece();
      }
    },
    async end() {
      const lastOctets = length;
      await writePiece();
      length = lastOctets;
      piece.fill(0);
    },
    async *read(from) {
      const first = Math.floor(from / PIECE_OCTETS);
      const buffer = new Uint8Array(PIECE_OCTETS + TAG_OCTETS);
      for (let index = first; index < pieces; index++) {
        const octets = await readPiece(index, buffer);
        yield index === first ? octets.subarray(from % PIECE_OCTETS) : octets;
      }
    },
    async [Symbol.asyncDispose]() {
      piece.fill(0);
      await file.close();
    },
  };
}

/**
 * Makes the folder of spool files, and removes what a crash between making and
 * unlinking a file has left: a file without content.
 *
 * @param base MAILDIR_BASE_PATH.
 */
export async function clearSpools(base: string): Promise<void> {
  const folder = join(base, ".spool");
  await makeDirectory(folder, 0o700);
  for await (const { name } of Deno.readDir(folder)) {
    await removeIfThere(join(folder, name));
  }
}

async function openUnlinked(folder: string): Promise<FileHandle> {
  const path = join(folder, crypto.randomUUID());
  let file;
  try {
    file = await open(path, "wx+", 0o600);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
    await makeDirectory(folder, 0o700);
    file = await open(path, "wx+", 0o600);
  }
  try {
    await removeIfThere(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function offsetOf(index: number): number {
  return index * (PIECE_OCTETS + TAG_OCTETS);
}

/** A number that no other piece under the key has. */
function nonce(index: number): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(NONCE_OCTETS);
  new DataView(octets.buffer).setUint32(NONCE_OCTETS - 4, index);
  return octets;
}

async function readAll(
  file: FileHandle,
  octets: Uint8Array,
  position: number,
): Promise<void> {
  for (let offset = 0; offset < octets.length;) {
    const { bytesRead } = await file.read(
      octets,
      offset,
      octets.length - offset,
      position + offset,
    );
    if (bytesRead === 0) throw new Error("spool file is too short");
    offset += bytesRead;
  }
}
