/**
 * A message that may be larger than memory.
 *
 * @module
 */

import { canonicalizeLineEnds } from "./line_ends.ts";

/** Octets of any lengths, in order; an array if all of them are in memory. */
export type Chunks =
  | AsyncIterable<Uint8Array<ArrayBuffer>>
  | readonly Uint8Array<ArrayBuffer>[];

/**
 * Octets of a message that are held in memory. A header section has at most
 * half of that, so all of it is always there.
 */
export const MEMORY_OCTETS = 2_097_152;

/** A message with CRLF line ends, to be read as often as needed. */
export interface Message {
  /** Length. */
  readonly octets: number;
  /** Its first octets: all of them, or {@linkcode MEMORY_OCTETS}. */
  readonly head: Uint8Array<ArrayBuffer>;
  /**
   * Reads it, one reader at a time.
   *
   * @param from Offset of the first octet; 0 if left out.
   * @returns The octets from there on. A chunk is the reader's until it asks
   * for the next one, and is not to be changed.
   */
  chunks(from?: number): Chunks;
}

/**
 * Makes a message of octets that are in memory.
 *
 * @param octets Message as it came, with CRLF or LF line ends.
 * @returns The message.
 */
export function messageInMemory(octets: Uint8Array<ArrayBuffer>): Message {
  const head = canonicalizeLineEnds(octets);
  return {
    octets: head.length,
    head,
    chunks: (from = 0) => [head.subarray(from)],
  };
}
