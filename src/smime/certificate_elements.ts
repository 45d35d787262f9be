/**
 * What CMS copies out of a certificate.
 *
 * @module
 */

import { BerReader } from "./ber_reader.ts";
import { contextTag, INTEGER, SEQUENCE } from "./der.ts";

/** Three elements of a certificate, each with identifier and length. */
export interface CertificateElements {
  /** Name, DER. */
  readonly issuer: Uint8Array<ArrayBuffer>;
  /** INTEGER, DER. */
  readonly serialNumber: Uint8Array<ArrayBuffer>;
  /** SubjectPublicKeyInfo, DER. */
  readonly subjectPublicKeyInfo: Uint8Array<ArrayBuffer>;
}

/**
 * Takes a certificate apart, octet by octet: readers of CMS compare the encoded
 * name (RFC 5652 §10.2.4).
 *
 * @param certificate DER; may be hostile.
 * @returns Views of it.
 * @throws {SyntaxError} If it is no certificate.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 */
export function certificateElements(
  certificate: Uint8Array<ArrayBuffer>,
): CertificateElements {
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
  return { issuer, serialNumber, subjectPublicKeyInfo };
}

function element(reader: BerReader, tag: number): Uint8Array<ArrayBuffer> {
  if (reader.peek() !== tag) throw new SyntaxError("Not a certificate");
  return reader.skip();
}
