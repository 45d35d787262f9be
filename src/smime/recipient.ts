/**
 * Certificates of others as recipients, taken apart once for many messages.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { DerReader } from "./der_reader.ts";
import { contextTag, der, INTEGER, SEQUENCE } from "./der.ts";
import { readRecipientKey, type RecipientKey } from "./recipient_key.ts";

/** Whom mail is encrypted to: what CMS needs of a certificate. */
export type Recipient = RecipientKey & {
  /** IssuerAndSerialNumber (RFC 5652 §10.2.4), DER. */
  readonly issuerAndSerialNumber: Uint8Array<ArrayBuffer>;
  /** SHA-256 over the certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
};

/**
 * Reads a certificate as a recipient. What it gives can be kept and used for
 * any number of messages, at the same time too.
 *
 * Issuer and serial number are copied octet by octet: readers of CMS compare
 * the encoded name.
 *
 * @param certificate DER; may be hostile.
 * @returns The recipient; it holds no view of `certificate`.
 * @throws {SyntaxError} If it is no certificate.
 * @throws {RangeError} If its key is none of {@linkcode readRecipientKey}.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 */
export function readRecipient(
  certificate: Uint8Array<ArrayBuffer>,
): Recipient {
  const reader = new DerReader(certificate);
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE); // tbsCertificate
  if (reader.peek() === contextTag(0)) reader.skip(); // version
  const serialNumber = element(reader, INTEGER);
  element(reader, SEQUENCE); // signature
  const issuer = element(reader, SEQUENCE);
  element(reader, SEQUENCE); // validity
  element(reader, SEQUENCE); // subject
  const subjectPublicKeyInfo = element(reader, SEQUENCE);
  while (!reader.isAtEnd()) reader.skip(); // extensions
  reader.leave();
  while (!reader.isAtEnd()) reader.skip(); // signatureAlgorithm, signature
  reader.leave();
  if (reader.rest.length > 0) {
    throw new SyntaxError("Octets follow the certificate");
  }
  return {
    ...readRecipientKey(subjectPublicKeyInfo),
    issuerAndSerialNumber: der(SEQUENCE, issuer, serialNumber),
    fingerprintSha256: createHash("sha256").update(certificate).digest("hex"),
  };
}

function element(reader: DerReader, tag: number): Uint8Array<ArrayBuffer> {
  if (reader.peek() !== tag) throw new SyntaxError("Not a certificate");
  return reader.skip();
}
