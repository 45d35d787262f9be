/**
 * What a client sends, as lines or as chunks.
 *
 * @module
 */

import { concat, CR, LF } from "../mail/octets.ts";

/** Octets that arrive; undefined at their end. */
export type Read = () => Promise<Uint8Array<ArrayBuffer> | undefined>;

/** A line that is longer than a command may be. */
export class LineTooLong extends Error {}

/** Holds what has arrived and was not taken. */
export class Input {
  readonly #read: Read;
  readonly #lineMax: number;
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /**
   * Makes an input.
   *
   * @param read Waits for more octets.
   * @param lineMax Octets of a line with its CRLF.
   */
  constructor(read: Read, lineMax: number) {
    this.#read = read;
    this.#lineMax = lineMax;
  }

  /** Whether a whole line is here. */
  get hasLine(): boolean {
    return lineEnd(this.#held, 0) >= 0;
  }

  /**
   * Takes a line.
   *
   * @returns The line without its CRLF; undefined where the input has ended,
   * also in the middle of a line.
   * @throws {LineTooLong} If no line ends within the limit.
   */
  async line(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let end = lineEnd(this.#held, 0);
    while (end < 0) {
      if (this.#held.length >= this.#lineMax) throw new LineTooLong();
      const chunk = await this.#read();
      if (chunk === undefined) return undefined;
      // The CR may be here and its LF in the chunk.
      const from = Math.max(0, this.#held.length - 1);
      this.#held = concat([this.#held, chunk]);
      end = lineEnd(this.#held, from);
    }
    if (end + 2 > this.#lineMax) throw new LineTooLong();
    const line = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end + 2);
    return line;
  }

  /**
   * Takes what has arrived, and waits for nothing.
   *
   * @returns At least one octet; undefined if there is none.
   */
  held(): Uint8Array<ArrayBuffer> | undefined {
    const chunk = this.#held;
    this.#held = new Uint8Array(0);
    return chunk.length === 0 ? undefined : chunk;
  }

  /**
   * Gives back what is behind a message.
   *
   * @param rest End of the chunk that was taken last.
   */
  unread(rest: Uint8Array<ArrayBuffer>): void {
    this.#held = rest;
  }
}

/** Where CRLF stands, or -1. */
function lineEnd(octets: Uint8Array, from: number): number {
  for (
    let i = octets.indexOf(CR, from);
    i >= 0;
    i = octets.indexOf(CR, i + 1)
  ) {
    if (octets[i + 1] === LF) return i;
  }
  return -1;
}
