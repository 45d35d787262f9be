/**
 * ASCII armor of OpenPGP.
 *
 * @module
 */

import { latin1, LF, trim } from "../mail/octets.ts";
import { decodeBase64 } from "../mail/transfer_encoding.ts";

const BEGIN_LINE = "-----BEGIN PGP MESSAGE-----";
const END_LINE = "-----END PGP MESSAGE-----";

// RFC 4880 §6.2, RFC 9580 §6.2.2. Their values are readable text, so they are
// few and short.
const HEADER_REGEXP = /^(?:Version|Comment|MessageID|Charset):(?: [ -~]*)?$/;
const MAX_HEADERS = 4;
const MAX_LINE_LENGTH = 100;

const CHECKSUM_REGEXP = /^=[A-Za-z0-9+/]{4}$/;
/** RFC 9580 §6.1.1. */
const CRC24_INITIAL = 0xb704ce;
const CRC24_TABLE = crc24Table();

/**
 * Decodes an armored OpenPGP message that is all of a text, but for white space
 * around it.
 *
 * @param text Text in US-ASCII with CRLF (or LF) line ends; may be hostile.
 * @returns The packets, or `undefined` if there is any other text, the armor
 * is not complete, or a checksum is there and wrong.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9580#section-6 | RFC 9580 §6}
 */
export function decodeArmor(
  text: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  let rest = trim(text);
  /** A line without blanks at its end; `undefined` if it is long or the last. */
  const takeLine = (): string | undefined => {
    const end = rest.indexOf(LF);
    if (end < 0 || end > MAX_LINE_LENGTH) return undefined;
    const line = latin1(rest.subarray(0, end));
    rest = rest.subarray(end + 1);
    return line.replace(/[ \t\r]+$/, "");
  };
  const takeLastLine = (): string => {
    const start = rest.lastIndexOf(LF) + 1;
    const line = latin1(rest.subarray(start).subarray(0, END_LINE.length + 1));
    rest = trim(rest.subarray(0, start));
    return line;
  };

  if (takeLine() !== BEGIN_LINE) return undefined;
  for (let count = 0;; count++) {
    const line = takeLine();
    if (line === "") break;
    if (line === undefined || !HEADER_REGEXP.test(line)) return undefined;
    if (count === MAX_HEADERS) return undefined;
  }
  if (takeLastLine() !== END_LINE) return undefined;

  const checksumStart = rest.lastIndexOf(LF) + 1;
  const lastLine = latin1(rest.subarray(checksumStart).subarray(0, 6));
  if (!CHECKSUM_REGEXP.test(lastLine)) return decodeBase64(rest);
  const octets = decodeBase64(rest.subarray(0, checksumStart));
  const expected = decodeBase64(rest.subarray(checksumStart + 1));
  if (octets === undefined || expected === undefined) return undefined;
  const [high = 0, middle = 0, low = 0] = expected;
  // RFC 9580 §6.1 wants a wrong checksum ignored; here it says that this is
  // not what a sender encrypted.
  return crc24(octets) === (high << 16 | middle << 8 | low)
    ? octets
    : undefined;
}

function crc24(octets: Uint8Array): number {
  let crc = CRC24_INITIAL;
  for (let i = 0; i < octets.length; i++) {
    crc = (crc << 8 & 0xffffff) ^ CRC24_TABLE[crc >> 16 ^ octets[i]!]!;
  }
  return crc;
}

function crc24Table(): Uint32Array {
  const generator = 0x1864cfb;
  return Uint32Array.from({ length: 256 }, (_, octet) => {
    let crc = octet << 16;
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= generator;
    }
    return crc;
  });
}
