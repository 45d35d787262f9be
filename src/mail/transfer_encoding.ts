/**
 * Content transfer encodings: base64 and quoted-printable.
 *
 * @module
 */

import { CR, EQUALS_SIGN, isWhiteSpace, LF, SPACE, TAB } from "./octets.ts";

const LINE_OCTETS = 57;
/** Base64 characters in a full line of {@linkcode base64Lines}. */
const LINE_CHARACTERS = 76;
const encoder = new TextEncoder();

/** What a Content-Transfer-Encoding field may say. */
export type TransferEncoding =
  | "7bit"
  | "8bit"
  | "binary"
  | "base64"
  | "quoted-printable";

const TRANSFER_ENCODINGS: readonly string[] = [
  "7bit",
  "8bit",
  "binary",
  "base64",
  "quoted-printable",
] satisfies TransferEncoding[];

/**
 * Reads a Content-Transfer-Encoding.
 *
 * @param text Value of the field; `undefined` if there is none.
 * @returns The encoding, `7bit` if there is no field, `undefined` if it is
 * none of RFC 2045.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-6.1 | RFC 2045 §6.1}
 */
export function parseTransferEncoding(
  text: string | undefined,
): TransferEncoding | undefined {
  const name = (text ?? "7bit").toLowerCase();
  return TRANSFER_ENCODINGS.includes(name)
    ? name as TransferEncoding
    : undefined;
}

/**
 * Undoes a transfer encoding, by the letter: what a lenient reader would skip
 * could be text.
 */
export interface Decoder {
  /**
   * Takes encoded octets, cut anywhere.
   *
   * @param octets The next octets; not after it gave `undefined`.
   * @returns What they decode to so far; `undefined` if the encoding is damaged.
   */
  next(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined;
  /**
   * Says that no more octets come.
   *
   * @returns What is left; `undefined` if the encoding is damaged.
   */
  end(): Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Makes what undoes a transfer encoding.
 *
 * @param encoding How octets are encoded.
 * @returns The decoder, for one body.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-6 | RFC 2045 §6}
 */
export function decoder(encoding: TransferEncoding): Decoder {
  if (encoding === "base64") return new Base64Decoder();
  if (encoding === "quoted-printable") return new QuotedPrintableDecoder();
  return { next: (octets) => octets, end: () => new Uint8Array() };
}

// One character for each octet; what it maps wrongly is not in the alphabet
// either way.
const LATIN1 = new TextDecoder("latin1");

const WHITE_SPACE_REGEXP = /[ \t\r\n\f]+/g;

/**
 * Decodes base64 with white space in it: no other character, and nothing behind
 * the padding, which must be there.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc4648#section-4 | RFC 4648 §4}
 */
export class Base64Decoder implements Decoder {
  /** Characters of a group of four that is not complete, or of the last one. */
  #held = "";
  /** Whether there was padding. */
  #isLast = false;

  /**
   * Takes octets, cut anywhere.
   *
   * @param octets The next octets.
   * @returns As the interface says.
   */
  next(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const text = this.#held + LATIN1.decode(octets);
    const padding = this.#isLast ? 0 : text.indexOf("=");
    this.#isLast = padding >= 0;
    const whole = this.#isLast ? text.slice(0, padding) : text;
    const out = new Uint8Array(Math.ceil(whole.length / 4) * 3);
    try {
      const { read, written } = out.setFromBase64(whole, {
        lastChunkHandling: "stop-before-partial",
      });
      this.#held = text.slice(read).replace(WHITE_SPACE_REGEXP, "");
      return this.#held.length > 4 ? undefined : out.subarray(0, written);
    } catch {
      return undefined;
    }
  }

  /**
   * Says that no more octets come.
   *
   * @returns As the interface says.
   */
  end(): Uint8Array<ArrayBuffer> | undefined {
    try {
      return Uint8Array.fromBase64(this.#held, { lastChunkHandling: "strict" });
    } catch {
      return undefined;
    }
  }
}

/** RFC 2045 §6.7. */
class QuotedPrintableDecoder implements Decoder {
  /** What came behind an equals sign: nothing, blanks, a CR, or a digit. */
  #state: "text" | "sign" | "blanks" | "cr" | "digit" = "text";
  /** Value of the first digit. */
  #high = 0;

  next(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    const out = new Uint8Array(octets.length);
    let length = 0;
    for (let i = 0; i < octets.length; i++) {
      const octet = octets[i]!;
      if (this.#state === "text") {
        if (octet === EQUALS_SIGN) this.#state = "sign";
        else if (isWhiteSpace(octet) || octet > SPACE && octet < 0x7f) {
          out[length++] = octet;
        } else return undefined;
      } else if (this.#state === "digit") {
        const low = hexDigit(octet);
        if (low === undefined) return undefined;
        out[length++] = this.#high << 4 | low;
        this.#state = "text";
      } else if (!this.#behindSign(octet)) return undefined;
    }
    return out.subarray(0, length);
  }

  /** A soft line break, or the first digit. */
  #behindSign(octet: number): boolean {
    const digit = this.#state === "sign" ? hexDigit(octet) : undefined;
    if (digit !== undefined) {
      this.#high = digit;
      this.#state = "digit";
    } else if (octet === LF) {
      this.#state = "text";
    } else if (this.#state === "cr") {
      return false;
    } else if (octet === CR) {
      this.#state = "cr";
    } else if (octet === SPACE || octet === TAB) {
      this.#state = "blanks";
    } else {
      return false;
    }
    return true;
  }

  end(): Uint8Array<ArrayBuffer> | undefined {
    return this.#state === "text" ? new Uint8Array() : undefined;
  }
}

/**
 * Encodes base64 in lines of 76 characters, each with CRLF.
 *
 * @param octets Octets to encode.
 * @returns The lines in US-ASCII; empty if there are no octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-6.8 | RFC 2045 §6.8}
 */
export function base64Lines(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(base64LinesOctets(octets.length));
  const text = octets.toBase64();
  encoder.encodeInto(text, out);
  // From the last line to the first: each goes where nothing is needed any more.
  let from = text.length;
  let to = out.length;
  while (from > 0) {
    const line = Math.floor((from - 1) / LINE_CHARACTERS) * LINE_CHARACTERS;
    out[--to] = LF;
    out[--to] = CR;
    to -= from - line;
    out.copyWithin(to, line, from);
    from = line;
  }
  return out;
}

/**
 * Says how long the lines are that {@linkcode base64Lines} gives.
 *
 * @param octets Octets to encode.
 * @returns Octets of the lines, line ends included.
 */
export function base64LinesOctets(octets: number): number {
  const characters = Math.ceil(octets / 3) * 4;
  return characters + 2 * Math.ceil(characters / LINE_CHARACTERS);
}

/**
 * Encodes a stream as {@linkcode base64Lines} does.
 *
 * @param chunks Octets to encode, in chunks of any lengths.
 * @returns The same lines, in chunks of whole lines.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-6.8 | RFC 2045 §6.8}
 */
export async function* base64LineChunks(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  // One array for all chunks: garbage of their size would be most of what a
  // large mail takes.
  let joined = new Uint8Array();
  let rest = 0;
  for await (const chunk of chunks) {
    const length = rest + chunk.length;
    if (joined.length < length) {
      const larger = new Uint8Array(length + LINE_OCTETS);
      larger.set(joined.subarray(0, rest));
      joined = larger;
    }
    joined.set(chunk, rest);
    const whole = length - length % LINE_OCTETS;
    if (whole > 0) yield base64Lines(joined.subarray(0, whole));
    joined.copyWithin(0, whole, length);
    rest = length - whole;
  }
  yield base64Lines(joined.subarray(0, rest));
}

function hexDigit(octet: number): number | undefined {
  const value = parseInt(String.fromCharCode(octet), 16);
  return Number.isNaN(value) ? undefined : value;
}
