/**
 * CRLF, the line end that S/MIME encrypts.
 *
 * @module
 */

import { CR, LF } from "./octets.ts";

/**
 * Rewrites line ends as CRLF without losing a difference between two messages.
 *
 * pipe(8) of Postfix hands over each CRLF of the SMTP session as one LF, and
 * whatever else was in the message as it was. So if the first line ends with a
 * bare LF, every LF gets a CR before it, also one that follows a CR: that CR
 * was in the message. If the first line ends with CRLF, the message still has
 * its line ends of the wire, and only a bare LF gets its CR. A bare CR, NUL and
 * 8-bit octets stay as they are.
 *
 * @param octets Message; may be 8-bit or binary, so this is no text.
 * @returns The canonical form: the same array if there is nothing to do, else
 * a copy.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8551#section-3.1.1 | RFC 8551 §3.1.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-2.1 | RFC 5322 §2.1}
 */
export function canonicalizeLineEnds(
  octets: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return new LineEnds().next(octets);
}

/** {@linkcode canonicalizeLineEnds} of a message that comes in chunks. */
export class LineEnds {
  /** Whether lines end as in SMTP; undefined until the first one has ended. */
  #isWireForm: boolean | undefined;
  /** Last octet of the chunk before. */
  #last = 0;

  /**
   * Makes it.
   *
   * @param isWireForm True if it comes as in SMTP, whatever ends its first line.
   */
  constructor(isWireForm?: true) {
    this.#isWireForm = isWireForm;
  }

  /**
   * Takes the next chunk.
   *
   * @param octets Chunk of any length, cut anywhere.
   * @returns Its canonical form: the same array if there is nothing to do,
   * else a copy.
   */
  next(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const before = this.#last;
    this.#last = octets.at(-1) ?? before;
    const first = octets.indexOf(LF);
    if (first < 0) return octets;
    const isAfterCr = (at: number): boolean =>
      (at > 0 ? octets[at - 1] : before) === CR;
    const isWireForm = this.#isWireForm ??= isAfterCr(first);

    let missing = 0;
    for (let at = first; at >= 0; at = octets.indexOf(LF, at + 1)) {
      if (!isWireForm || !isAfterCr(at)) missing++;
    }
    if (missing === 0) return octets;

    const out = new Uint8Array(octets.length + missing);
    let length = 0;
    for (let i = 0; i < octets.length; i++) {
      const octet = octets[i]!;
      if (octet === LF && !(isWireForm && isAfterCr(i))) out[length++] = CR;
      out[length++] = octet;
    }
    return out;
  }
}
