/**
 * Octets encrypted under the master key and bound to what they are for.
 *
 * @module
 */

/** Octets of the nonce, NIST SP 800-38D section 5.2.1.1. */
const NONCE_BYTES = 12;

/**
 * Imports the master key.
 *
 * @param masterKey 32 octets.
 * @returns The key.
 */
export function importMasterKey(
  masterKey: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  return crypto.subtle.importKey("raw", masterKey, "AES-GCM", false, usages);
}

/**
 * Encrypts octets.
 *
 * @param key Key of {@linkcode importMasterKey}.
 * @param bound What they are for; additional authenticated data.
 * @param octets What is encrypted.
 * @returns A nonce of 12 octets, then AES-256-GCM with its tag of 16.
 */
export async function seal(
  key: CryptoKey,
  bound: string,
  octets: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(gcm(iv, bound), key, octets);
  const content = new Uint8Array(NONCE_BYTES + sealed.byteLength);
  content.set(iv);
  content.set(new Uint8Array(sealed), NONCE_BYTES);
  return content;
}

/**
 * Opens what {@linkcode seal} made.
 *
 * @param key Key of {@linkcode importMasterKey}.
 * @param bound What they must be for.
 * @param content What `seal` gave.
 * @returns The octets.
 * @throws {DOMException} If they are damaged or for something else.
 */
export async function open(
  key: CryptoKey,
  bound: string,
  content: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = content.slice(0, NONCE_BYTES);
  const sealed = content.slice(NONCE_BYTES);
  return new Uint8Array(
    await crypto.subtle.decrypt(gcm(iv, bound), key, sealed),
  );
}

function gcm(iv: Uint8Array<ArrayBuffer>, bound: string): AesGcmParams {
  const additionalData = new TextEncoder().encode(bound);
  return { name: "AES-GCM", iv, additionalData };
}
