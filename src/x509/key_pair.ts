/**
 * Key pairs of vaultboxes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";

/** Sizes of RSA moduli that are issued, in bits. RFC 8550 §4.3: >= 2048. */
const RSA_BITS: readonly number[] = [2048, 3072, 4096];

/**
 * Generates an RSA key pair with public exponent 65537.
 *
 * WebCrypto works on a thread of its own, so other requests go on; it takes
 * from 0.1 to some seconds all the same.
 *
 * @param bits Size of the modulus.
 * @returns PrivateKeyInfo (PKCS#8), DER. It holds the public key too.
 * @throws {RangeError} If `bits` is not one of the sizes.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5208#section-5 | RFC 5208 §5}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8550#section-4.3 | RFC 8550 §4.3}
 */
export async function generateRsaKey(
  bits: 2048 | 3072 | 4096,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!RSA_BITS.includes(bits)) {
    throw new RangeError(
      `Cannot generate RSA key as bits must be 2048, 3072 or 4096: current value is ${bits}`,
    );
  }
  // The scheme is not part of the PKCS#8 that comes out, which says
  // rsaEncryption and so serves signing and key transport alike.
  const { privateKey } = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: bits,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["sign", "verify"],
  );
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
}

/**
 * Takes the public half of a key pair.
 *
 * @param privateKey PKCS#8 DER.
 * @returns SubjectPublicKeyInfo, DER.
 */
export function publicKeyOf(
  privateKey: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  // By node:crypto, as WebCrypto would need the private key to be extractable.
  const publicKey = createPublicKey(createPrivateKey({
    key: Buffer.from(privateKey),
    format: "der",
    type: "pkcs8",
  }));
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}
