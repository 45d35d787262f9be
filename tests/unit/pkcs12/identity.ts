/**
 * Keys and certificates for unit tests that look whether they are a pair.
 *
 * @module
 */

import { generateRsaKey } from "../../../src/x509/key_pair.ts";
import { selfSignedCertificate } from "../../../src/x509/self_signed.ts";

/** A key and its certificate. */
export interface Identity {
  /** PKCS#8 DER. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** Certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
}

/** Keys take long to make, and nothing here changes them. */
const identities = new Map<number, Promise<Identity>>();

/**
 * Makes a key and a certificate for cat@example.com, once for each number.
 *
 * @param n Number of the identity.
 * @returns Both.
 */
export function identity(n: number): Promise<Identity> {
  const made = identities.get(n) ?? make();
  identities.set(n, made);
  return made;
}

async function make(): Promise<Identity> {
  const privateKey = await generateRsaKey(2048);
  const { certificate } = await selfSignedCertificate("cat@example.com", {
    privateKey,
    notBefore: new Date("2026-11-22T12:00:00Z"),
    validityDays: 365,
  });
  return { privateKey, certificate };
}
