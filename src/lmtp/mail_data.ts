/**
 * The octets behind DATA: their end, and their dots.
 *
 * @module
 */

import { CR, LF } from "../mail/octets.ts";

const DOT = 0x2e;

/** What stands before the next octet. */
const enum Before {
  /** The beginning of the data, or CRLF. */
  LineStart,
  /** Something in a line. */
  InLine,
  /** CR. */
  Cr,
  /** A dot at the beginning of a line, held back. */
  Dot,
  /** Such a dot and CR, both held back. */
  DotCr,
}

/**
 * Takes the message out of what follows DATA, chunk by chunk, however the
 * chunks are cut.
 *
 * Only CRLF, dot, CRLF ends it, and only a dot behind CRLF is taken away: what
 * other servers take for a line end, LF or CR alone, is part of the message.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2 | RFC 5321 §4.5.2}
 */
export class MailData {
  #before: Before = Before.LineStart;

  /**
   * Takes a chunk.
   *
   * @param chunk Octets as they came; not kept and not changed.
   * @returns `octets` of the message that are now known, and, where the message
   * has ended, the `rest` of the chunk behind its end.
   */
  push(
    chunk: Uint8Array<ArrayBuffer>,
  ): {
    octets: Uint8Array<ArrayBuffer>;
    rest: Uint8Array<ArrayBuffer> | undefined;
  } {
    // What was held back is at most a CR: its dot is never given out.
    const out = new Uint8Array(chunk.length + 1);
    let length = 0;
    let i = 0;
    while (i < chunk.length) {
      if (this.#before === Before.InLine) {
        // All of the line but its end, at once.
        const found = chunk.indexOf(CR, i);
        const end = found < 0 ? chunk.length : found + 1;
        out.set(chunk.subarray(i, end), length);
        length += end - i;
        if (found >= 0) this.#before = Before.Cr;
        i = end;
        continue;
      }
      const octet = chunk[i++]!;
      switch (this.#before) {
        case Before.LineStart:
          if (octet === DOT) {
            this.#before = Before.Dot;
            continue;
          }
          break;
        case Before.Cr:
          if (octet === LF) {
            out[length++] = octet;
            this.#before = Before.LineStart;
            continue;
          }
          break;
        case Before.Dot:
          if (octet === CR) {
            this.#before = Before.DotCr;
            continue;
          }
          break;
        case Before.DotCr:
          if (octet === LF) {
            this.#before = Before.LineStart;
            return {
              octets: out.subarray(0, length),
              rest: chunk.subarray(i),
            };
          }
          out[length++] = CR;
          break;
      }
      out[length++] = octet;
      this.#before = octet === CR ? Before.Cr : Before.InLine;
    }
    return { octets: out.subarray(0, length), rest: undefined };
  }
}
