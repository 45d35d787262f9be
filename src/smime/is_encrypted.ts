/**
 * Recognizes mail that its sender has encrypted.
 *
 * @module
 */

import type { Chunks } from "../mail/message.ts";
import { decoder } from "../mail/transfer_encoding.ts";
import { encryptedMultipart } from "./encrypted_multipart.ts";
import { envelopedData } from "./enveloped_data_reader.ts";
import { type MimeFields, readMimeFields } from "./mime_fields.ts";
import { armor } from "./openpgp_armor.ts";
import { encryptedOpenPgp } from "./openpgp_packets.ts";
import { decoded, type Recognizer } from "./recognizer.ts";

/** RFC 8551 §3.2, and the older name that RFC 2311 readers wrote. */
const PKCS7_MIME_TYPES: readonly string[] = [
  "application/pkcs7-mime",
  "application/x-pkcs7-mime",
];

/** RFC 8551 §3.2.1. */
const P7M_REGEXP = /\.p7m$/i;

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
 * @param header Header section of the message with CRLF (or LF) line ends; an
 * empty line must stand behind it, or readers disagree about where the body
 * begins. May be hostile, as the body.
 * @param body Body, read as far as it takes to know; it takes time in
 * proportion to its length, and little memory.
 * @returns True if it can be stored as it is. Never throws, but if the body
 * cannot be read.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8551#section-3.2 | RFC 8551 §3.2}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3156#section-4 | RFC 3156 §4}
 */
export async function isEncrypted(
  header: Uint8Array<ArrayBuffer>,
  body: Chunks,
): Promise<boolean> {
  const recognizer = protectedBody(header);
  if (recognizer === undefined) return false;
  for await (const chunk of body) {
    if (!yes(() => recognizer.next(chunk))) return false;
  }
  return yes(() => recognizer.end());
}

/** A bug in a recognizer must not keep mail from being encrypted. */
function yes(answer: () => boolean): boolean {
  try {
    return answer();
  } catch {
    return false;
  }
}

/**
 * Makes what recognizes a protected body by itself, without the claims of its
 * header.
 *
 * @param header Header section of the message; may be hostile.
 * @returns The recognizer, for one body; undefined if the answer is no whatever
 * the body is.
 */
export function protectedBody(
  header: Uint8Array<ArrayBuffer>,
): Recognizer | undefined {
  const mime = readMimeFields(header);
  if (mime === undefined) return undefined;
  const type = mime.contentType.value;
  if (PKCS7_MIME_TYPES.includes(type) || isNamedP7m(mime)) {
    return protectedCms(mime);
  }
  if (type === "multipart/encrypted") return encryptedMultipart(mime);
  if (type !== "text/plain") return undefined;
  return decoded(decoder(mime.transferEncoding), armor(encryptedOpenPgp()));
}

function isNamedP7m({ contentType, disposition }: MimeFields): boolean {
  const names = [
    contentType.parameters.get("name"),
    disposition?.parameters.get("filename"),
  ];
  return contentType.value === "application/octet-stream" &&
    names.some((name) => name !== undefined && P7M_REGEXP.test(name));
}

function protectedCms(
  { transferEncoding }: MimeFields,
): Recognizer | undefined {
  // RFC 8551 §3.1.2: BER is binary, which 7bit cannot carry. Who wrote
  // quoted-printable here did not write S/MIME.
  return ["base64", "binary", "8bit"].includes(transferEncoding)
    ? decoded(decoder(transferEncoding), envelopedData())
    : undefined;
}
