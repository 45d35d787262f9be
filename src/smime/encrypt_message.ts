/**
 * Encrypts a message as a whole, for storing.
 *
 * @module
 */

import type { Field } from "../mail/header.ts";
import {
  escapeMailboxLine,
  fields,
  isUnambiguous,
  splitEntity,
} from "../mail/header.ts";
import { canonicalizeLineEnds } from "../mail/line_ends.ts";
import { concat, LF } from "../mail/octets.ts";
import { base64LineChunks } from "../mail/transfer_encoding.ts";
import { envelope, type EnvelopeOptions } from "./enveloped_data.ts";
import { isEncrypted } from "./is_encrypted.ts";

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

/** A field line without its end: no control character but the tab. */
const FIELD_LINE_REGEXP = /^[!-9;-~]+:(?:\t|\P{Cc})*$/u;

/** How a message is encrypted. */
export interface EncryptOptions extends EnvelopeOptions {
  /**
   * Field lines of ours that come first, complete but without line end, as
   * `Delivered-To: cat@example.com`.
   */
  readonly traceFields: readonly string[];
}

/** A message as it goes to disk. */
export interface StoredMessage {
  /** The whole file, with CRLF line ends. */
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Who encrypted it: we, or the sender before us. */
  readonly encryptedBy: "appliance" | "sender";
}

/**
 * Encrypts a message to the certificates of a vaultbox, unless its sender has
 * encrypted it already; then it is kept.
 *
 * Outside stay our trace fields and every field but `Content-*`, octet by octet
 * and in order; then come our own fields. Inside go the `Content-*` fields in
 * order, an empty line and the body, also octet by octet but for CRLF line
 * ends. So outside without our fields, and inside, give the message back.
 *
 * What is no clean header goes inside too, where it cannot end the header early
 * or pass for a field of ours:
 *
 * - A field with a bare CR or a NUL, in order among the `Content-*` fields.
 * - From the first line that is no field (and no continuation of one) on,
 *   everything is body, as for Postfix. The empty line that is then missing
 *   is the one thing that is added.
 * - An mbox separator (`From ...`) in the first line becomes an
 *   `X-Mailbox-Line` field, as Postfix makes it.
 *
 * @param message Message as received; CRLF, or LF as pipe(8) gives it.
 * @param certificates Certificates of the recipients, DER; each can open it.
 * @param options How, and our trace fields.
 * @returns What is to be stored.
 * @throws {RangeError} If there is no certificate, one has a key that cannot be
 * used, or a trace field is no single field line.
 * @throws {SyntaxError} If a certificate cannot be read.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8551#section-3 | RFC 8551 §3}
 */
export async function encryptMessage(
  message: Uint8Array<ArrayBuffer>,
  certificates: readonly Uint8Array<ArrayBuffer>[],
  options: EncryptOptions,
): Promise<StoredMessage> {
  const trace = options.traceFields.map((line) => {
    if (!FIELD_LINE_REGEXP.test(line)) {
      throw new RangeError("Cannot add a trace field as it must be one line");
    }
    return encoder.encode(`${line}\r\n`);
  });
  const canonical = escapeMailboxLine(canonicalizeLineEnds(message));
  if (isEncrypted(canonical)) {
    return { octets: concat([...trace, canonical]), encryptedBy: "sender" };
  }

  const { header, body } = splitEntity(canonical);
  const outer: Uint8Array<ArrayBuffer>[] = [];
  const inner: Uint8Array<ArrayBuffer>[] = [];
  let hasMimeVersion = false;
  for (const field of fields(header)) {
    if (field.name.startsWith("content-") || !isUnambiguous(field)) {
      inner.push(...completeLine(field));
    } else {
      outer.push(...completeLine(field));
      if (field.name === "mime-version") hasMimeVersion = true;
    }
  }
  const chunks = [...inner, CRLF, body];
  const contentInfo = envelope(
    { octets: chunks.reduce((sum, { length }) => sum + length, 0), chunks },
    certificates,
    options,
  );
  const octets = concat([
    ...trace,
    ...outer,
    // RFC 2045 §4: without it, readers may ignore the fields that follow.
    encoder.encode(hasMimeVersion ? "" : "MIME-Version: 1.0\r\n"),
    encoder.encode(pkcs7MimeFields(options)),
    ...await Array.fromAsync(base64LineChunks(contentInfo)),
  ]);
  return { octets, encryptedBy: "appliance" };
}

/** Our fields. RFC 8551 §3.2; Content-Description is what mutt goes by. */
function pkcs7MimeFields({ contentCipher }: EnvelopeOptions): string {
  const smimeType = contentCipher === "aes-256-gcm"
    ? "authEnveloped-data"
    : "enveloped-data";
  return [
    `Content-Type: application/pkcs7-mime; smime-type=${smimeType}; name="smime.p7m"`,
    "Content-Transfer-Encoding: base64",
    'Content-Disposition: attachment; filename="smime.p7m"',
    "Content-Description: S/MIME Encrypted Message",
    "",
    "",
  ].join("\r\n");
}

/** The last field of a message without a body may lack its line end. */
function completeLine({ octets }: Field): Uint8Array<ArrayBuffer>[] {
  return octets.at(-1) === LF ? [octets] : [octets, CRLF];
}
