/**
 * Recognizes mail that its sender has encrypted.
 *
 * @module
 */

import {
  fields,
  fieldText,
  isUnambiguous,
  MAX_FIELDS,
  splitEntity,
} from "../mail/header.ts";
import type { Entity } from "../mail/header.ts";
import { canonicalizeLineEnds } from "../mail/line_ends.ts";
import { splitMultipart } from "../mail/multipart.ts";
import { latin1, trim } from "../mail/octets.ts";
import { parseParameterized } from "../mail/parameters.ts";
import type { Parameterized } from "../mail/parameters.ts";
import {
  decodeBody,
  parseTransferEncoding,
} from "../mail/transfer_encoding.ts";
import type { TransferEncoding } from "../mail/transfer_encoding.ts";
import { isEnveloped } from "./enveloped_data_reader.ts";
import { decodeArmor } from "./openpgp_armor.ts";
import { isEncryptedOpenPgp } from "./openpgp_packets.ts";

/** RFC 8551 §3.2, and the older name that RFC 2311 readers wrote. */
const PKCS7_MIME_TYPES: readonly string[] = [
  "application/pkcs7-mime",
  "application/x-pkcs7-mime",
];

/** RFC 8551 §3.2.1. */
const P7M_REGEXP = /\.p7m$/i;

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
/** Longer than any of {@linkcode PREAMBLES}, with space around it. */
const MAX_PREAMBLE_OCTETS = 100;

/**
 * The fields that go inside when we encrypt stay readable here, so they may not
 * be long enough for a text. All programs need far less than this.
 */
const MAX_CONTENT_FIELDS_OCTETS = 1000;

/** What we store has the message's fields and ours. */
const MAX_STORED_FIELDS = MAX_FIELDS + 100;

/** What the MIME fields of a message or part say about its body. */
interface MimeFields {
  /** Media type, and its parameters. */
  readonly contentType: Parameterized;
  /** How the body is encoded. */
  readonly transferEncoding: TransferEncoding;
  /** Value of Content-Disposition, if there is one. */
  readonly disposition: Parameterized | undefined;
}

/**
 * Says whether a message is encrypted already, with S/MIME or OpenPGP, and
 * holds no readable text besides.
 *
 * The structure decides, not what the header claims: the protected part is
 * decoded and walked to its last octet. In doubt the answer is no; the message
 * is then encrypted (once more), which costs comfort, where a wrong yes would
 * store text in clear. Signed and compressed messages are readable, so they are
 * not encrypted. Recognized are
 *
 * - `application/pkcs7-mime` (or `application/octet-stream` named `*.p7m`) that
 *   is EnvelopedData or AuthEnvelopedData;
 * - `multipart/encrypted` of OpenPGP with its two parts;
 * - `text/plain` that is one armored OpenPGP message.
 *
 * @param message Whole message with CRLF or LF line ends; may be hostile. It
 * takes time and memory in proportion to its length.
 * @returns True if it can be stored as it is. Never throws.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8551#section-3.2 | RFC 8551 §3.2}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3156#section-4 | RFC 3156 §4}
 */
export function isEncrypted(message: Uint8Array<ArrayBuffer>): boolean {
  try {
    const entity = splitEntity(
      canonicalizeLineEnds(message),
      MAX_STORED_FIELDS,
    );
    const mime = readMimeFields(entity);
    // Without the empty line, readers disagree about where the body begins.
    return mime !== undefined && entity.hasEmptyLine &&
      isProtected(mime, entity.body);
  } catch {
    // A bug here, or no memory for the decoded body, must not keep mail from
    // being encrypted.
    return false;
  }
}

function isProtected(
  mime: MimeFields,
  body: Uint8Array<ArrayBuffer>,
): boolean {
  const type = mime.contentType.value;
  if (PKCS7_MIME_TYPES.includes(type) || isNamedP7m(mime)) {
    return isProtectedCms(mime, body);
  }
  if (type === "multipart/encrypted") return isProtectedMultipart(mime, body);
  if (type === "text/plain") {
    const text = decodeBody(body, mime.transferEncoding);
    const packets = text && decodeArmor(text);
    return packets !== undefined && isEncryptedOpenPgp(packets);
  }
  return false;
}

function isNamedP7m({ contentType, disposition }: MimeFields): boolean {
  const names = [
    contentType.parameters.get("name"),
    disposition?.parameters.get("filename"),
  ];
  return contentType.value === "application/octet-stream" &&
    names.some((name) => name !== undefined && P7M_REGEXP.test(name));
}

function isProtectedCms(
  mime: MimeFields,
  body: Uint8Array<ArrayBuffer>,
): boolean {
  // RFC 8551 §3.1.2: BER is binary, which 7bit cannot carry. Who wrote
  // quoted-printable here did not write S/MIME.
  if (!["base64", "binary", "8bit"].includes(mime.transferEncoding)) {
    return false;
  }
  const octets = decodeBody(body, mime.transferEncoding);
  return octets !== undefined && isEnveloped(octets);
}

/** RFC 3156 §4. */
function isProtectedMultipart(
  mime: MimeFields,
  body: Uint8Array<ArrayBuffer>,
): boolean {
  const { parameters } = mime.contentType;
  if (
    parameters.get("protocol")?.toLowerCase() !== "application/pgp-encrypted"
  ) {
    return false;
  }
  // RFC 2045 §6.4: a multipart has no encoding of its own.
  if (!["7bit", "8bit", "binary"].includes(mime.transferEncoding)) return false;
  const multipart = splitMultipart(body, parameters.get("boundary") ?? "");
  if (multipart === undefined || multipart.parts.length !== 2) return false;
  if (!isKnownPreamble(multipart.preamble)) return false;
  if (trim(multipart.epilogue).length > 0) return false;

  const [control, encrypted] = multipart.parts.map(readPart);
  return control?.type === "application/pgp-encrypted" &&
    /^version: ?1$/i.test(latin1(trim(control.octets).subarray(0, 12))) &&
    encrypted?.type === "application/octet-stream" &&
    isEncryptedOpenPgp(decodeArmor(encrypted.octets) ?? encrypted.octets);
}

function isKnownPreamble(preamble: Uint8Array<ArrayBuffer>): boolean {
  const text = trim(preamble);
  return text.length < MAX_PREAMBLE_OCTETS && PREAMBLES.includes(latin1(text));
}

/** A part of a multipart: media type and decoded body. */
interface Part {
  readonly type: string;
  readonly octets: Uint8Array<ArrayBuffer>;
}

function readPart(octets: Uint8Array<ArrayBuffer>): Part | undefined {
  const entity = splitEntity(octets);
  if (!entity.hasEmptyLine) return undefined;
  for (const field of fields(entity.header)) {
    // RFC 2046 §5.1: other fields have no meaning here, so they are text.
    if (!field.name.startsWith("content-")) return undefined;
  }
  const mime = readMimeFields(entity);
  const body = mime && decodeBody(entity.body, mime.transferEncoding);
  return body && { type: mime.contentType.value, octets: body };
}

/**
 * Reads the MIME fields of a header section; RFC 2045 §5.2 and §6.1 give what
 * holds if they are missing.
 *
 * @returns `undefined` if a field is twice there, malformed, or may be read in
 * two ways, or if all of them are longer than 1000 octets.
 */
function readMimeFields({ header }: Entity): MimeFields | undefined {
  const texts = new Map<string, string>();
  let length = 0;
  for (const field of fields(header)) {
    if (!isUnambiguous(field)) return undefined;
    if (!field.name.startsWith("content-")) continue;
    length += field.octets.length;
    if (texts.has(field.name) || length > MAX_CONTENT_FIELDS_OCTETS) {
      return undefined;
    }
    texts.set(field.name, fieldText(field));
  }
  const contentType = parseParameterized(
    texts.get("content-type") ?? "text/plain",
  );
  const transferEncoding = parseTransferEncoding(
    texts.get("content-transfer-encoding"),
  );
  if (contentType === undefined || transferEncoding === undefined) {
    return undefined;
  }
  const disposition = parseParameterized(
    texts.get("content-disposition") ?? "",
  );
  return { contentType, transferEncoding, disposition };
}
