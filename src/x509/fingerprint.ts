/**
 * Fingerprints by which people and programs tell certificates apart.
 *
 * @module
 */

/**
 * Computes the SHA-256 fingerprint of a certificate, as
 * `openssl x509 -fingerprint -sha256` shows it, without the colons.
 *
 * @param der The certificate, DER.
 * @returns 64 lower-case hexadecimal digits.
 */
export async function fingerprintSha256(
  der: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", der)).toHex();
}
