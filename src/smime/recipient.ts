/**
 * Certificates of others as recipients, taken apart once for many messages.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { BerReader } from "./ber_reader.ts";
import { contextTag, der, INTEGER, SEQUENCE } from "./der.ts";
import { type KeyType, readRecipientKey } from "./recipient_key.ts";

/** Whom mail is encrypted to: what CMS needs of a certificate. */
export interface Recipient {
  /** IssuerAndSerialNumber (RFC 5652 §10.2.4), DER. */
  readonly issuerAndSerialNumber: Uint8Array<ArrayBuffer>;
  /** Kind of its key. */
  readonly keyType: KeyType;
  /** Length of the RSA modulus, or of the curve's field. */
  readonly bits: number;
  /** The key, ready for use. */
  readonly publicKey: KeyObject;
  /** SHA-256 over the certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
}

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
 * @throws {RangeError} If its key is none of {@linkcode readRecipientKey}, or
 * cannot be used.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 */
export function readRecipient(
  certificate: Uint8Array<ArrayBuffer>,
): Recipient {
  const reader = new BerReader(certificate, { der: true });
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
  const { keyType, bits } = readRecipientKey(subjectPublicKeyInfo);
  return {
    issuerAndSerialNumber: der(SEQUENCE, issuer, serialNumber),
    keyType,
    bits,
    publicKey: keyObject(subjectPublicKeyInfo),
    fingerprintSha256: createHash("sha256").update(certificate).digest("hex"),
  };
}

function element(reader: BerReader, tag: number): Uint8Array<ArrayBuffer> {
  if (reader.peek() !== tag) throw new SyntaxError("Not a certificate");
  return reader.skip();
}

function keyObject(subjectPublicKeyInfo: Uint8Array<ArrayBuffer>): KeyObject {
  try {
    return createPublicKey({
      key: Buffer.from(subjectPublicKeyInfo),
      format: "der",
      type: "spki",
    });
  } catch (error) {
    throw new RangeError(
      "Cannot encrypt to the certificate as its key cannot be used",
      { cause: error },
    );
  }
}
