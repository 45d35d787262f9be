/**
 * Sealing what the database must not hold in clear.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc5869 | RFC 5869} (HKDF)
 */

import type { Sealer } from "../app.ts";
import { open, seal } from "./sealed.ts";

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
    seal: (octets, bound) => seal(sealing, bound, octets),
    open: (sealed, bound) => open(sealing, bound, sealed),
    async fingerprint(octets) {
      return new Uint8Array(await crypto.subtle.sign("HMAC", hashing, octets));
    },
  };
}
