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
import type { Chunks, Message } from "../mail/message.ts";
import { concat } from "../mail/octets.ts";
import {
  base64LineChunks,
  base64Lines,
  base64LinesOctets,
} from "../mail/transfer_encoding.ts";
import type { HeaderProtection } from "../encryption_policy.ts";
import {
  type Content,
  envelope,
  type EnvelopeOptions,
} from "./enveloped_data.ts";
import { divideMessage } from "./header_protection.ts";
import { isEncrypted } from "./is_encrypted.ts";
import {
  type Border,
  type Encryption,
  isForged,
  receipt,
  verdictOf,
} from "./receipt.ts";
import type { Recipient } from "./recipient.ts";

const encoder = new TextEncoder();

/** A field line without its end: no control character but the tab. */
const FIELD_LINE_REGEXP = /^[!-9;-~]+:(?:\t|\P{Cc})*$/u;

/** How a message is encrypted. */
export interface EncryptOptions extends EnvelopeOptions {
  /**
   * Field lines of ours that come first, complete but without line end, as
   * `Delivered-To: cat@example.com`.
   */
  readonly traceFields: readonly string[];
  /** What happens to the header; `off` if left out. */
  readonly headerProtection?: HeaderProtection;
  /** For the receipt; none is made if left out. */
  readonly border?: Border;
}

/** A message as it goes to disk. */
export interface StoredMessage {
  /** Length of the file. */
  readonly octets: number;
  /**
   * The file, with CRLF line ends, to be read once; in memory if the message is.
   */
  readonly chunks: Chunks;
  /** Who encrypted it: we, or the sender before us. */
  readonly encryptedBy: "appliance" | "sender";
}

/**
 * Encrypts a message to the certificates of a vaultbox, unless its sender has
 * encrypted it already; then it is kept.
 *
 * Outside stay our trace fields and every field but `Content-*`, octet by octet
 * and in order; then come our own fields, the receipt first. Inside go the
 * `Content-*` fields in order, an empty line and the body, also octet by octet
 * but for CRLF line ends. So outside without our fields, and inside, give the
 * message back; {@linkcode divideMessage} says what header protection changes.
 * Fields that pretend to be ours are dropped, also from what is kept.
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
 * It takes constant memory beside the head of the message. What is behind the
 * head is not looked at for texts that a hidden subject could be shown in.
 *
 * @param message Message as received.
 * @param recipients Each of them can open it.
 * @param options How, and our trace fields.
 * @returns What is to be stored.
 * @throws {RangeError} If there is no recipient, one has a key that cannot be
 * used, or a trace field is no single field line.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8551#section-3 | RFC 8551 §3}
 */
export async function encryptMessage(
  message: Message,
  recipients: readonly Recipient[],
  options: EncryptOptions,
): Promise<StoredMessage> {
  const trace = options.traceFields.map((line) => {
    if (!FIELD_LINE_REGEXP.test(line)) {
      throw new RangeError("Cannot add a trace field as it must be one line");
    }
    return encoder.encode(`${line}\r\n`);
  });
  const head = escapeMailboxLine(message.head);
  const { header, body, hasEmptyLine } = splitEntity(head);
  /** The message from an offset in its head on. */
  const from = (offset: number): Content =>
    withRest([head.subarray(offset)], message);
  const all = [...fields(header)];
  const { border } = options;
  const kept = all.filter((field) => !isForged(field, border));
  const verdict = verdictOf(all, border?.authservId);
  const receiptOf = (encryption: Encryption): Uint8Array<ArrayBuffer> =>
    encoder.encode(border ? receipt(encryption, border, verdict) : "");
  // Behind more fields than a header may have, forged ones would be kept.
  if (
    hasEmptyLine &&
    await isEncrypted(header, from(head.length - body.length).chunks)
  ) {
    const outside = concat([
      ...trace,
      receiptOf({ by: "sender" }),
      ...kept.map((field) => field.octets),
    ]);
    const stored = inOne(outside, from(header.length));
    return { ...stored, encryptedBy: "sender" };
  }

  const isCut = message.octets > message.head.length;
  const { outer, inner, headerProtection } = divideMessage(
    kept,
    body,
    options.headerProtection ?? "off",
    { isCut },
  );
  const contentInfo = await envelope(
    withRest(inner, message),
    recipients,
    options,
  );
  const { contentCipher = "aes-256-cbc", keyTransport = "rsaes-pkcs1-v1_5" } =
    options;
  const encryption: Encryption = {
    by: "appliance",
    contentCipher,
    headerProtection,
    recipients: recipients.map(({ keyType, fingerprintSha256 }) => ({
      keyTransport: keyType === "RSA" ? keyTransport : "ecdh",
      fingerprintSha256,
    })),
  };
  const outside = concat([
    ...trace,
    ...outer,
    receiptOf(encryption),
    // RFC 2045 §4: without it, readers may ignore the fields that follow.
    encoder.encode(hasMimeVersion(kept) ? "" : "MIME-Version: 1.0\r\n"),
    encoder.encode(pkcs7MimeFields(options)),
  ]);
  const stored = inOne(outside, {
    octets: base64LinesOctets(contentInfo.octets),
    chunks: contentInfo.chunks instanceof Array
      ? [base64Lines(concat(contentInfo.chunks))]
      : base64LineChunks(contentInfo.chunks),
  });
  return { ...stored, encryptedBy: "appliance" };
}

/** Adds what is behind the head of a message. */
function withRest(
  first: readonly Uint8Array<ArrayBuffer>[],
  { octets, head, chunks }: Message,
): Content {
  const length = first.reduce((sum, each) => sum + each.length, 0);
  return octets === head.length ? { octets: length, chunks: first } : {
    octets: length + octets - head.length,
    chunks: joined(first, chunks(head.length)),
  };
}

/** Puts octets before others; in memory, in one array for one write. */
function inOne(
  first: Uint8Array<ArrayBuffer>,
  { octets, chunks }: Content,
): Content {
  return {
    octets: first.length + octets,
    chunks: chunks instanceof Array
      ? [concat([first, ...chunks])]
      : joined([first], chunks),
  };
}

async function* joined(
  first: Chunks,
  second: Chunks,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  yield* first;
  yield* second;
}

function hasMimeVersion(kept: readonly Field[]): boolean {
  return kept.some((field) =>
    field.name === "mime-version" && isUnambiguous(field)
  );
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
