/**
 * The two encryption schemes of RSA, with a public key.
 *
 * `node:crypto` has them too, but takes 3 to 6 times as long for each key.
 * docs/design.md, "Decisions", says why BigInt is safe here.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { concat } from "../mail/octets.ts";

/** A public key of RSA, as {@linkcode readRecipientKey} takes it. */
export interface RsaPublicKey {
  /** Length of the modulus. */
  readonly bits: number;
  /** n, odd. */
  readonly modulus: bigint;
  /** e, odd, at least 3, at most 32 bits. */
  readonly publicExponent: bigint;
}

/** Least octets of padding in EME-PKCS1-v1_5. */
const PADDING_OCTETS_MIN = 8;

/** hLen: octets of a SHA-256 hash. */
const HASH_OCTETS = 32;

/** Octets of one word of a BigInt. */
const WORD_OCTETS = 8;

/**
 * Encrypts octets with RSAES-PKCS1-v1_5.
 *
 * @param key The recipient's.
 * @param message A key for another cipher; at most 11 octets less than the
 * modulus has.
 * @returns As many octets as the modulus has.
 * @throws {RangeError} If the message is too long.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8017#section-7.2.1 | RFC 8017 §7.2.1}
 */
export function rsaesPkcs1V15Encrypt(
  key: RsaPublicKey,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const paddingOctets = modulusOctets(key) - message.length - 3;
  return rsaesPkcs1V15(key, message, nonZeroOctets(Math.max(paddingOctets, 0)));
}

/**
 * RSAES-PKCS1-v1_5 with a given padding string; for known answers.
 *
 * @param key The recipient's.
 * @param message What is encrypted.
 * @param padding PS: octets other than zero, as many as fill the modulus.
 * @returns As many octets as the modulus has.
 * @throws {RangeError} If message and padding have not the right length.
 */
export function rsaesPkcs1V15(
  key: RsaPublicKey,
  message: Uint8Array,
  padding: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const encoded = concat([
    new Uint8Array([0, 2]),
    padding,
    new Uint8Array([0]),
    message,
  ]);
  if (
    padding.length < PADDING_OCTETS_MIN || encoded.length !== modulusOctets(key)
  ) {
    throw new RangeError("Cannot encrypt as the message does not fit the key");
  }
  return encryptEncoded(key, encoded);
}

/**
 * Encrypts octets with RSAES-OAEP: SHA-256, MGF1 with SHA-256, no label.
 *
 * @param key The recipient's.
 * @param message A key for another cipher; at most 66 octets less than the
 * modulus has.
 * @returns As many octets as the modulus has.
 * @throws {RangeError} If the message is too long.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8017#section-7.1.1 | RFC 8017 §7.1.1}
 */
export function rsaesOaepEncrypt(
  key: RsaPublicKey,
  message: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const seed = crypto.getRandomValues(new Uint8Array(HASH_OCTETS));
  return rsaesOaep(key, message, seed);
}

/**
 * RSAES-OAEP with a given seed; for known answers.
 *
 * @param key The recipient's.
 * @param message What is encrypted.
 * @param seed 32 octets.
 * @returns As many octets as the modulus has.
 * @throws {RangeError} If the message is too long.
 */
export function rsaesOaep(
  key: RsaPublicKey,
  message: Uint8Array,
  seed: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const octets = modulusOctets(key);
  const zeros = octets - message.length - 2 * HASH_OCTETS - 2;
  if (zeros < 0) {
    throw new RangeError("Cannot encrypt as the message does not fit the key");
  }
  const block = concat([
    sha256(new Uint8Array()), // lHash
    new Uint8Array(zeros),
    new Uint8Array([1]),
    message,
  ]);
  xor(block, mgf1(seed, block.length));
  const maskedSeed = Uint8Array.from(seed);
  xor(maskedSeed, mgf1(block, HASH_OCTETS));
  const encoded = concat([new Uint8Array([0]), maskedSeed, block]);
  return encryptEncoded(key, encoded);
}

function modulusOctets({ bits }: RsaPublicKey): number {
  return Math.ceil(bits / 8);
}

/** RFC 8017 §7.2.1: pseudo-randomly generated nonzero octets, all alike. */
function nonZeroOctets(length: number): Uint8Array<ArrayBuffer> {
  const octets = crypto.getRandomValues(new Uint8Array(length));
  for (let i = 0; i < length; i++) {
    while (octets[i] === 0) crypto.getRandomValues(octets.subarray(i, i + 1));
  }
  return octets;
}

/** OS2IP, RSAEP and I2OSP (RFC 8017 §4, §5.1.1); wipes what it is given. */
function encryptEncoded(
  key: RsaPublicKey,
  encoded: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const representative = integerOf(encoded);
  encoded.fill(0);
  const hex = powerOf(representative, key).toString(16);
  return Uint8Array.fromHex(hex.padStart(2 * encoded.length, "0"));
}

/** No string on the way: one could not be wiped, and would be copied. */
function integerOf(octets: Uint8Array<ArrayBuffer>): bigint {
  const first = octets.length % WORD_OCTETS;
  let integer = 0n;
  for (let i = 0; i < first; i++) integer = integer << 8n | BigInt(octets[i]!);
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  for (let i = first; i < octets.length; i += WORD_OCTETS) {
    integer = integer << 64n | view.getBigUint64(i);
  }
  return integer;
}

/** m ** e mod n: from the bit of e below the first, square and multiply. */
function powerOf(
  base: bigint,
  { modulus, publicExponent }: RsaPublicKey,
): bigint {
  let power = base;
  for (const bit of publicExponent.toString(2).slice(1)) {
    power = power * power % modulus;
    if (bit === "1") power = power * base % modulus;
  }
  return power;
}

/** RFC 8017 appendix B.2.1. */
function mgf1(seed: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(Math.ceil(length / HASH_OCTETS) * HASH_OCTETS);
  for (let at = 0; at < mask.length; at += HASH_OCTETS) {
    const counter = new Uint8Array(4);
    new DataView(counter.buffer).setUint32(0, at / HASH_OCTETS);
    mask.set(sha256(seed, counter), at);
  }
  return mask.subarray(0, length);
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function xor(octets: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < octets.length; i++) octets[i]! ^= mask[i]!;
}
