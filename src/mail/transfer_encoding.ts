/**
 * Content transfer encodings: base64 and quoted-printable.
 *
 * @module
 */

import { concat, CR, isWhiteSpace, LF, SPACE, TAB } from "./octets.ts";

const LINE_OCTETS = 57;
/** Base64 characters in a full line of {@linkcode base64Lines}. */
const LINE_CHARACTERS = 76;
const EQUALS_SIGN = 0x3d;
const ALPHABET = new TextEncoder().encode(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
);

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
 *
 * @param body Encoded octets.
 * @param encoding How they are encoded.
 * @returns Decoded octets, or `undefined` if the encoding is damaged.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-6 | RFC 2045 §6}
 */
export function decodeBody(
  body: Uint8Array<ArrayBuffer>,
  encoding: TransferEncoding,
): Uint8Array<ArrayBuffer> | undefined {
  if (encoding === "base64") return decodeBase64(body);
  if (encoding === "quoted-printable") return decodeQuotedPrintable(body);
  return body;
}

/**
 * Decodes base64 with white space in it.
 *
 * @param text Base64 in US-ASCII.
 * @returns Decoded octets, or `undefined` if there is another character, the
 * padding is missing, or anything follows it.
 * @see {@link https://www.rfc-editor.org/rfc/rfc4648#section-4 | RFC 4648 §4}
 */
export function decodeBase64(
  text: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    // "latin1" gives one character per octet; what it maps wrongly is not in
    // the alphabet either way.
    return Uint8Array.fromBase64(new TextDecoder("latin1").decode(text), {
      lastChunkHandling: "strict",
    });
  } catch {
    return undefined;
  }
}

/**
 * Encodes base64 in lines of 76 characters, each with CRLF.
 *
 * Written octet by octet into an array of the final size: a mail of 50 MB
 * needs no string of 67 MB.
 *
 * @param octets Octets to encode.
 * @returns The lines in US-ASCII; empty if there are no octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-6.8 | RFC 2045 §6.8}
 */
export function base64Lines(octets: Uint8Array): Uint8Array<ArrayBuffer> {
  const characters = Math.ceil(octets.length / 3) * 4;
  const lines = Math.ceil(characters / LINE_CHARACTERS);
  const out = new Uint8Array(characters + 2 * lines);
  let length = 0;
  for (let line = 0; line < octets.length; line += LINE_OCTETS) {
    const end = Math.min(line + LINE_OCTETS, octets.length);
    for (let i = line; i < end; i += 3) {
      const bits = octets[i]! << 16 | (octets[i + 1] ?? 0) << 8 |
        (octets[i + 2] ?? 0);
      out[length++] = ALPHABET[bits >> 18]!;
      out[length++] = ALPHABET[bits >> 12 & 63]!;
      out[length++] = i + 1 < end ? ALPHABET[bits >> 6 & 63]! : EQUALS_SIGN;
      out[length++] = i + 2 < end ? ALPHABET[bits & 63]! : EQUALS_SIGN;
    }
    out[length++] = CR;
    out[length++] = LF;
  }
  return out;
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
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of chunks) {
    const octets = rest.length === 0 ? chunk : concat([rest, chunk]);
    const whole = octets.length - octets.length % LINE_OCTETS;
    if (whole > 0) yield base64Lines(octets.subarray(0, whole));
    rest = octets.slice(whole);
  }
  yield base64Lines(rest);
}

/** RFC 2045 §6.7. */
function decodeQuotedPrintable(
  text: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  const out = new Uint8Array(text.length);
  let length = 0;
  let i = 0;
  while (i < text.length) {
    const octet = text[i]!;
    if (octet === EQUALS_SIGN) {
      const next = lineEndBehind(text, i + 1);
      if (next !== undefined) {
        i = next;
        continue;
      }
      const value = hexPair(text, i + 1);
      if (value === undefined) return undefined;
      out[length++] = value;
      i += 3;
    } else if (isWhiteSpace(octet) || (octet > SPACE && octet < 0x7f)) {
      out[length++] = octet;
      i++;
    } else {
      return undefined;
    }
  }
  return out.subarray(0, length);
}

/** Offset behind blanks and a line end (a soft line break), if there is one. */
function lineEndBehind(text: Uint8Array, start: number): number | undefined {
  let i = start;
  while (text[i] === SPACE || text[i] === TAB) i++;
  if (text[i] === CR) i++;
  return text[i] === LF ? i + 1 : undefined;
}

function hexPair(text: Uint8Array, start: number): number | undefined {
  const high = hexDigit(text[start]);
  const low = hexDigit(text[start + 1]);
  return high === undefined || low === undefined ? undefined : high << 4 | low;
}

function hexDigit(octet: number | undefined): number | undefined {
  if (octet === undefined) return undefined;
  const value = parseInt(String.fromCharCode(octet), 16);
  return Number.isNaN(value) ? undefined : value;
}
