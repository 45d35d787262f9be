/**
 * How mail is encrypted: what a vaultbox and the appliance can choose.
 *
 * @module
 */

/** Ciphers of the content, RFC 3565 and RFC 5084. */
export const CONTENT_CIPHERS = [
  "aes-128-cbc",
  "aes-256-cbc",
  "aes-256-gcm",
] as const;

/** One of {@linkcode CONTENT_CIPHERS}. */
export type ContentCipher = typeof CONTENT_CIPHERS[number];

/** Ways to an RSA key, RFC 8017 §7; EC keys always agree, RFC 5753. */
export const KEY_TRANSPORTS = ["rsaes-pkcs1-v1_5", "rsaes-oaep"] as const;

/** One of {@linkcode KEY_TRANSPORTS}. */
export type KeyTransport = typeof KEY_TRANSPORTS[number];

/**
 * What happens to the header, RFC 9788: nothing, copies of it inside, or
 * besides that no subject outside.
 */
export const HEADER_PROTECTIONS = ["off", "protect", "hide"] as const;

/** One of {@linkcode HEADER_PROTECTIONS}. */
export type HeaderProtection = typeof HEADER_PROTECTIONS[number];

/** How mail is encrypted. */
export interface EncryptionPolicy {
  /** Cipher of the content. */
  readonly contentCipher: ContentCipher;
  /** Way to RSA keys. */
  readonly keyTransport: KeyTransport;
  /** What happens to the header. */
  readonly headerProtection: HeaderProtection;
}

/** What a vaultbox has chosen; null is the appliance's default. */
export type ChosenPolicy = {
  readonly [K in keyof EncryptionPolicy]: EncryptionPolicy[K] | null;
};

/**
 * Says what is in force.
 *
 * @param chosen What the vaultbox has chosen.
 * @param fallback The appliance's default.
 * @returns The policy.
 */
export function policyInForce(
  chosen: ChosenPolicy,
  fallback: EncryptionPolicy,
): EncryptionPolicy {
  return {
    contentCipher: chosen.contentCipher ?? fallback.contentCipher,
    keyTransport: chosen.keyTransport ?? fallback.keyTransport,
    headerProtection: chosen.headerProtection ?? fallback.headerProtection,
  };
}
