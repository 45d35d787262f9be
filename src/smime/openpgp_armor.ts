/**
 * ASCII armor of OpenPGP.
 *
 * @module
 */

import {
  EQUALS_SIGN,
  HYPHEN,
  isWhiteSpace,
  latin1,
  LF,
} from "../mail/octets.ts";
import { Base64Decoder } from "../mail/transfer_encoding.ts";
import type { Recognizer } from "./recognizer.ts";

const encoder = new TextEncoder();

const BEGIN_LINE = "-----BEGIN PGP MESSAGE-----";
const END_LINE = "-----END PGP MESSAGE-----";

// RFC 4880 §6.2, RFC 9580 §6.2.2. Their values are readable text, so they are
// few and short.
const HEADER_REGEXP = /^(?:Version|Comment|MessageID|Charset):(?: [ -~]*)?$/;
const MAX_HEADERS = 4;
const MAX_LINE_LENGTH = 100;

/** Padding and a checksum have six characters and white space. */
const MAX_TAIL_LENGTH = 256;

const CHECKSUM_REGEXP = /^=[A-Za-z0-9+/]{4}$/;
/** RFC 9580 §6.1.1. */
const CRC24_INITIAL = 0xb704ce;
const CRC24_TABLE = crc24Table();

/**
 * Recognizes an armored OpenPGP message that is all of a text, but for white
 * space around it.
 *
 * @param packets Takes what was decoded.
 * @returns What says no also if there is any other text, the armor is not
 * complete, or a checksum is there and wrong. The text is US-ASCII with CRLF
 * (or LF) line ends.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9580#section-6 | RFC 9580 §6}
 */
export function armor(packets: Recognizer): Recognizer {
  return new Armor(packets);
}

class Armor implements Recognizer {
  readonly #packets: Recognizer;
  readonly #base64 = new Base64Decoder();
  #crc = CRC24_INITIAL;
  /** What comes next. */
  #part: "begin" | "headers" | "data" | "end" = "begin";
  /** A line of the beginning, or the end line, as far as it has come. */
  #line = "";
  #headers = 0;
  /** Base64 from a line on that begins with `=`: padding or a checksum. */
  #tail: string | undefined;
  /** Last octet of the data. */
  #last = LF;

  constructor(packets: Recognizer) {
    this.#packets = packets;
  }

  next(octets: Uint8Array<ArrayBuffer>): boolean {
    let at = 0;
    while (this.#part === "begin" || this.#part === "headers") {
      if (at === octets.length) return true;
      if (!this.#beginning(octets[at++]!)) return false;
    }
    const rest = octets.subarray(at);
    if (this.#part === "end") return this.#ending(rest);
    const hyphen = rest.indexOf(HYPHEN);
    if (hyphen < 0) return this.#data(rest);
    if (!this.#data(rest.subarray(0, hyphen)) || this.#last !== LF) {
      return false;
    }
    this.#part = "end";
    return this.#finishData() && this.#ending(rest.subarray(hyphen));
  }

  end(): boolean {
    return this.#part === "end" && this.#line === END_LINE &&
      this.#packets.end();
  }

  #beginning(octet: number): boolean {
    if (octet !== LF) {
      if (this.#part === "begin" && this.#line === "" && isWhiteSpace(octet)) {
        return true;
      }
      this.#line += String.fromCharCode(octet);
      return this.#line.length <= MAX_LINE_LENGTH;
    }
    if (this.#part === "begin" && this.#line === "") return true;
    const line = this.#line.replace(/[ \t\r]+$/, "");
    this.#line = "";
    if (this.#part === "begin") {
      this.#part = "headers";
      return line === BEGIN_LINE;
    }
    if (line === "") this.#part = "data";
    else if (!HEADER_REGEXP.test(line)) return false;
    return line === "" || ++this.#headers <= MAX_HEADERS;
  }

  #data(octets: Uint8Array<ArrayBuffer>): boolean {
    let end = octets.length;
    if (this.#tail === undefined) {
      let at = octets.indexOf(EQUALS_SIGN);
      while (at >= 0 && (at > 0 ? octets[at - 1] : this.#last) !== LF) {
        at = octets.indexOf(EQUALS_SIGN, at + 1);
      }
      if (at >= 0) {
        end = at;
        this.#tail = "";
      }
    }
    this.#last = octets.at(-1) ?? this.#last;
    if (this.#tail !== undefined) {
      const tail = octets.subarray(end === octets.length ? 0 : end);
      if (this.#tail.length + tail.length > MAX_TAIL_LENGTH) return false;
      this.#tail += latin1(tail);
      if (tail.length === octets.length) return true;
    }
    return this.#decode(octets.subarray(0, end));
  }

  #decode(octets: Uint8Array<ArrayBuffer>): boolean {
    return this.#decoded(this.#base64.next(octets));
  }

  #decoded(octets: Uint8Array<ArrayBuffer> | undefined): boolean {
    if (octets === undefined) return false;
    this.#crc = crc24(octets, this.#crc);
    return this.#packets.next(octets);
  }

  #finishData(): boolean {
    const tail = this.#tail?.replace(/[ \t\r\n]+$/, "") ?? "";
    const lastLine = tail.slice(tail.lastIndexOf("\n") + 1);
    const hasChecksum = CHECKSUM_REGEXP.test(lastLine);
    const data = hasChecksum ? tail.slice(0, -lastLine.length) : tail;
    const isWhole = this.#decode(encoder.encode(data)) &&
      this.#decoded(this.#base64.end());
    if (!isWhole || !hasChecksum) return isWhole;
    const [high = 0, middle = 0, low = 0] = Uint8Array.fromBase64(
      lastLine.slice(1),
    );
    // RFC 9580 §6.1 wants a wrong checksum ignored; here it says that this is
    // not what a sender encrypted.
    return this.#crc === (high << 16 | middle << 8 | low);
  }

  #ending(octets: Uint8Array<ArrayBuffer>): boolean {
    const missing = END_LINE.length - this.#line.length;
    this.#line += latin1(octets.subarray(0, missing));
    return END_LINE.startsWith(this.#line) &&
      octets.subarray(missing).every(isWhiteSpace);
  }
}

function crc24(octets: Uint8Array, start: number): number {
  let crc = start;
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
