/**
 * Public keys of certificates.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";

/**
 * Reads the public key of a certificate: renewals have the same one.
 *
 * @param certificate DER.
 * @returns SubjectPublicKeyInfo, DER, hexadecimal.
 * @throws {Error} If it is no certificate.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.7 | RFC 5280 §4.1.2.7}
 */
export function publicKeyHex(certificate: Uint8Array<ArrayBuffer>): string {
  const { publicKey } = new X509Certificate(certificate);
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }))
    .toHex();
}
