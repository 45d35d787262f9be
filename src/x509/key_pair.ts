/**
 * Key pairs of vaultboxes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";

/** Kinds of keys that are made: RSA with its bits, or a curve of RFC 5480. */
export const KEY_KINDS = ["rsa-2048", "rsa-3072", "rsa-4096", "p-256"] as const;

/** One of {@linkcode KEY_KINDS}. */
export type KeyKind = typeof KEY_KINDS[number];

/** Sizes of RSA moduli that are issued, in bits. RFC 8550 §4.3: >= 2048. */
const RSA_BITS: readonly number[] = [2048, 3072, 4096];

/**
 * Generates a key pair.
 *
 * @param kind What it shall be.
 * @returns PrivateKeyInfo (PKCS#8), DER. It holds the public key too.
 */
export function generateKey(kind: KeyKind): Promise<Uint8Array<ArrayBuffer>> {
  switch (kind) {
    case "rsa-2048":
      return generateRsaKey(2048);
    case "rsa-3072":
      return generateRsaKey(3072);
    case "rsa-4096":
      return generateRsaKey(4096);
    case "p-256":
      return generateEcKey();
  }
}

/**
 * Generates a key pair on the curve P-256, in less than a millisecond.
 *
 * @returns PrivateKeyInfo (PKCS#8), DER. It holds the public key too, as an
 * uncompressed point.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5915#section-3 | RFC 5915 §3}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8550#section-4.3 | RFC 8550 §4.3}
 */
async function generateEcKey(): Promise<Uint8Array<ArrayBuffer>> {
  // The scheme is not part of the PKCS#8 that comes out, which says
  // id-ecPublicKey and so serves ECDSA and ECDH alike.
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
}

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
