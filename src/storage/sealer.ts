/**
 * Sealing what the database must not hold in clear.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc5869 | RFC 5869} (HKDF)
 */

import type { Sealer } from "../app.ts";

/** Octets of the nonce, NIST SP 800-38D section 5.2.1.1. */
const NONCE_BYTES = 12;

const encoder = new TextEncoder();

/**
 * Makes a sealer whose keys are derived from the master key, so that neither
 * tells anything about it or about the other.
 *
 * @param masterKey 32 octets.
 * @returns The sealer.
 */
export async function openSealer(
  masterKey: Uint8Array<ArrayBuffer>,
): Promise<Sealer> {
  const master = await crypto.subtle.importKey(
    "raw",
    masterKey,
    "HKDF",
    false,
    [
      "deriveKey",
    ],
  );
  const derive = (
    info: string,
    type: AesKeyGenParams | HmacKeyGenParams,
    usages: KeyUsage[],
  ): Promise<CryptoKey> =>
    crypto.subtle.deriveKey(
      {
        name: "HKDF",
        hash: "SHA-256",
        salt: new Uint8Array(),
        info: encoder.encode(info),
      },
      master,
      type,
      false,
      usages,
    );
  const sealing = await derive(
    "encimap seal 1",
    { name: "AES-GCM", length: 256 },
    ["encrypt", "decrypt"],
  );
  const hashing = await derive(
    "encimap fingerprint 1",
    { name: "HMAC", hash: "SHA-256", length: 256 },
    ["sign"],
  );
  return {
    async seal(octets, bound) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const sealed = await crypto.subtle.encrypt(
        gcm(iv, bound),
        sealing,
        octets,
      );
      const content = new Uint8Array(NONCE_BYTES + sealed.byteLength);
      content.set(iv);
      content.set(new Uint8Array(sealed), NONCE_BYTES);
      return content;
    },
    async open(content, bound) {
      const iv = content.slice(0, NONCE_BYTES);
      const sealed = content.slice(NONCE_BYTES);
      return new Uint8Array(
        await crypto.subtle.decrypt(gcm(iv, bound), sealing, sealed),
      );
    },
    async fingerprint(octets) {
      return new Uint8Array(await crypto.subtle.sign("HMAC", hashing, octets));
    },
  };
}

function gcm(iv: Uint8Array<ArrayBuffer>, bound: string): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: encoder.encode(bound) };
}
