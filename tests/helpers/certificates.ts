/**
 * Certificates that somebody else has made.
 *
 * @module
 */

import "reflect-metadata";
import {
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** What is in a certificate besides its key. */
export interface ForeignOptions {
  /** Length of the RSA key, or what it is else. */
  readonly key?: number | "P-256" | "P-384" | "P-521" | "pss";
  /** Addresses in subjectAltName. */
  readonly emails?: readonly string[];
  /** keyUsage; none if left out. */
  readonly usage?: KeyUsageFlags;
  /** Subject. */
  readonly subject?: string;
  /** First moment of validity. */
  readonly notBefore?: Date;
  /** Last moment of validity. */
  readonly notAfter?: Date;
}

const ALGORITHMS = {
  "P-256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "P-384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  "P-521": { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
  rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  pss: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
};

/**
 * Makes a certificate with a key of its own, signed with that.
 *
 * @param options What is in it.
 * @returns The certificate, PEM, and its key, PKCS#8 DER.
 */
export async function foreignCertificate(
  options: ForeignOptions = {},
): Promise<{ pem: string; privateKey: Uint8Array<ArrayBuffer> }> {
  const { key = 2048, emails = [], usage, subject = "CN=Cat" } = options;
  const algorithm = {
    ...ALGORITHMS[typeof key === "number" ? "rsa" : key],
    modulusLength: typeof key === "number" ? key : 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: subject,
    notBefore: options.notBefore ?? new Date("2026-01-01T00:00:00Z"),
    notAfter: options.notAfter ?? new Date("2056-01-01T00:00:00Z"),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      ...(emails.length === 0 ? [] : [
        new SubjectAlternativeNameExtension(
          emails.map((value) => ({ type: "email" as const, value })),
        ),
      ]),
      ...(usage === undefined ? [] : [new KeyUsagesExtension(usage, true)]),
    ],
  }, crypto);
  return {
    pem: certificate.toString("pem"),
    privateKey: new Uint8Array(
      await crypto.subtle.exportKey("pkcs8", keys.privateKey),
    ),
  };
}

export { KeyUsageFlags };
