/**
 * Recognizes `multipart/encrypted` of OpenPGP.
 *
 * @module
 */

import { fields, splitEntity } from "../mail/header.ts";
import { DelimiterScanner, type Found } from "../mail/delimiter_scanner.ts";
import { isBoundary } from "../mail/multipart.ts";
import { concat, latin1, trim } from "../mail/octets.ts";
import { decoder } from "../mail/transfer_encoding.ts";
import {
  MAX_CONTENT_FIELDS_OCTETS,
  type MimeFields,
  readMimeFields,
} from "./mime_fields.ts";
import { armor } from "./openpgp_armor.ts";
import { encryptedOpenPgp } from "./openpgp_packets.ts";
import { decoded, type Recognizer } from "./recognizer.ts";

/**
 * Preambles that OpenPGP mail programs write, word for word, so that they hold
 * nothing of the message: Thunderbird, Enigmail, Mailvelope, K-9 and others.
 */
const PREAMBLES: readonly string[] = [
  "",
  "This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)",
  "This is an OpenPGP/MIME encrypted message (RFC 2440 and 3156)",
  "This is a multi-part message in MIME format.",
];
/** More than a header of `Content-*` fields may have, and an empty line. */
const MAX_HEADER_OCTETS = MAX_CONTENT_FIELDS_OCTETS + 4;

/** More than any preamble or control part has, with white space around it. */
const MAX_SHORT_OCTETS = 1000;

/**
 * Recognizes the body of a `multipart/encrypted`.
 *
 * @param mime What its header says.
 * @returns The recognizer; undefined if the answer is no in any case.
 * @see {@link https://www.rfc-editor.org/rfc/rfc3156#section-4 | RFC 3156 §4}
 */
export function encryptedMultipart(mime: MimeFields): Recognizer | undefined {
  const { parameters } = mime.contentType;
  if (
    parameters.get("protocol")?.toLowerCase() !== "application/pgp-encrypted"
  ) {
    return undefined;
  }
  // RFC 2045 §6.4: a multipart has no encoding of its own.
  if (!["7bit", "8bit", "binary"].includes(mime.transferEncoding)) {
    return undefined;
  }
  const boundary = parameters.get("boundary") ?? "";
  return isBoundary(boundary) ? new Sections(boundary) : undefined;
}

/** Preamble, two parts, epilogue. */
class Sections implements Recognizer {
  readonly #scanner: DelimiterScanner;
  readonly #sections: readonly Recognizer[] = [
    new Short((text) => PREAMBLES.includes(text)),
    new Part(
      "application/pgp-encrypted",
      new Short((text) => /^version: ?1$/i.test(text)),
    ),
    new Part("application/octet-stream", new OpenPgp()),
    new Short((text) => text === ""),
  ];
  #current = 0;

  constructor(boundary: string) {
    this.#scanner = new DelimiterScanner(boundary);
  }

  next(octets: Uint8Array<ArrayBuffer>): boolean {
    return this.#take(this.#scanner.next(octets));
  }

  end(): boolean {
    return this.#take(this.#scanner.end()) &&
      this.#current === this.#sections.length - 1 &&
      this.#sections[this.#current]!.end();
  }

  #take(found: Iterable<Found>): boolean {
    for (const each of found) {
      const section = this.#sections[this.#current]!;
      if (typeof each !== "string") {
        if (!section.next(each)) return false;
        continue;
      }
      // The closing delimiter stands behind the last part, and only there.
      const wanted = ["delimiter", "delimiter", "close"][this.#current];
      if (each !== wanted || !section.end()) return false;
      this.#current++;
    }
    return true;
  }
}

/** Few octets that are held as a whole. */
class Short implements Recognizer {
  readonly #isRight: (text: string) => boolean;
  #octets: Uint8Array<ArrayBuffer> = new Uint8Array();

  /** @param isRight Says it of the text without white space around it. */
  constructor(isRight: (text: string) => boolean) {
    this.#isRight = isRight;
  }

  next(octets: Uint8Array<ArrayBuffer>): boolean {
    if (this.#octets.length + octets.length > MAX_SHORT_OCTETS) return false;
    this.#octets = concat([this.#octets, octets]);
    return true;
  }

  end(): boolean {
    return this.#isRight(latin1(trim(this.#octets)));
  }
}

/** A part with its header. */
class Part implements Recognizer {
  readonly #type: string;
  readonly #content: Recognizer;
  #header: Uint8Array<ArrayBuffer> = new Uint8Array();
  #body: Recognizer | undefined;

  constructor(type: string, content: Recognizer) {
    this.#type = type;
    this.#content = content;
  }

  next(octets: Uint8Array<ArrayBuffer>): boolean {
    if (this.#body !== undefined) return this.#body.next(octets);
    this.#header = concat([
      this.#header,
      octets.subarray(0, MAX_HEADER_OCTETS),
    ]);
    const { header, body, hasEmptyLine } = splitEntity(this.#header);
    if (!hasEmptyLine) return this.#header.length < MAX_HEADER_OCTETS;
    this.#body = this.#bodyOf(header);
    return this.#body !== undefined && this.#body.next(body) &&
      this.#body.next(octets.subarray(MAX_HEADER_OCTETS));
  }

  end(): boolean {
    return this.#body?.end() ?? false;
  }

  #bodyOf(header: Uint8Array<ArrayBuffer>): Recognizer | undefined {
    for (const field of fields(header)) {
      // RFC 2046 §5.1: other fields have no meaning here, so they are text.
      if (!field.name.startsWith("content-")) return undefined;
    }
    const mime = readMimeFields(header);
    return mime?.contentType.value === this.#type
      ? decoded(decoder(mime.transferEncoding), this.#content)
      : undefined;
  }
}

/** An OpenPGP message, armored or not. */
class OpenPgp implements Recognizer {
  #form: Recognizer | undefined;

  next(octets: Uint8Array<ArrayBuffer>): boolean {
    const [first] = octets;
    if (first === undefined) return true;
    // RFC 9580 §4.2: the first bit of a packet is always set, of text never.
    this.#form ??= (first & 0x80) === 0
      ? armor(encryptedOpenPgp())
      : encryptedOpenPgp();
    return this.#form.next(octets);
  }

  end(): boolean {
    return this.#form?.end() ?? false;
  }
}
