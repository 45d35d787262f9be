/**
 * What is left of a file system.
 *
 * @module
 */

import { statfs } from "node:fs/promises";

/** What a user that is not root may still take. */
export interface FreeSpace {
  /** Octets of the whole file system, taken or not. */
  readonly totalBytes: number;
  /** Octets. */
  readonly bytes: number;
  /** Files; Infinity where the file system makes them as they are needed. */
  readonly files: number;
}

/**
 * Asks a file system what is left of it.
 *
 * @param path Any file or folder on it.
 * @returns What is left.
 * @throws {Error} If there is no such path, or the disk cannot be read.
 */
export async function freeSpace(path: string): Promise<FreeSpace> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(path);
  return {
    totalBytes: blocks * bsize,
    bytes: bavail * bsize,
    files: files === 0 ? Infinity : ffree,
  };
}
