/**
 * A hash function applied many times over, which is what makes the PKCS#12 key
 * derivation slow for attackers.
 *
 * The platform's digests are called per block and cost more for the call than
 * for the block: 100,000 rounds take 17 s with `crypto.subtle` and 0.4 s with
 * `node:crypto`, a compatible file needs seven times that, and a bundle up to
 * eight files. All rounds but the first hash a value of fixed length that fits
 * one block, so the block functions of FIPS 180-4 are enough here and take a
 * tenth of it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";

/** Hash functions of PKCS#12 files. */
export type HashName = "SHA-1" | "SHA-256";

/** A hash function by its parts. */
interface BlockHash {
  readonly name: string;
  /** Initial hash value, FIPS 180-4 §5.3. */
  readonly initial: Int32Array;
  /** Words in the message schedule. */
  readonly scheduleWords: number;
  /**
   * Hashes one block, FIPS 180-4 §6.
   *
   * @param state Hash value; changed.
   * @param schedule The block in the first 16 words; the rest is overwritten.
   */
  compress(state: Int32Array, schedule: Int32Array): void;
}

/** First words of SHA-256, FIPS 180-4 §5.3.3: roots of the first primes. */
const SHA256_INITIAL = primeRoots(8, Math.sqrt);

/** Constants of SHA-256, FIPS 180-4 §4.2.2: cube roots of the first primes. */
const SHA256_K = primeRoots(64, Math.cbrt);

const HASHES: Readonly<Record<HashName, BlockHash>> = {
  "SHA-1": {
    name: "sha1",
    initial: new Int32Array([
      0x67452301,
      0xefcdab89,
      0x98badcfe,
      0x10325476,
      0xc3d2e1f0,
    ]),
    scheduleWords: 80,
    compress: compressSha1,
  },
  "SHA-256": {
    name: "sha256",
    initial: SHA256_INITIAL,
    scheduleWords: 64,
    compress: compressSha256,
  },
};

/** Rounds between two looks at other work: about 5 ms. */
const ROUNDS_AT_ONCE = 10_000;

/**
 * Hashes octets, then hashes the result again, and so on.
 *
 * Other work of the process gets its turn every few milliseconds.
 *
 * @param hash Hash function.
 * @param octets What the first round hashes.
 * @param iterations Rounds, at least 1.
 * @returns The last hash value, 20 or 32 octets.
 */
export async function iteratedHash(
  hash: HashName,
  octets: Uint8Array,
  iterations: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, initial, scheduleWords, compress } = HASHES[hash];
  const digest = new Uint8Array(createHash(name).update(octets).digest());
  const view = new DataView(digest.buffer, digest.byteOffset, digest.length);
  const state = new Int32Array(initial.length);
  const schedule = new Int32Array(scheduleWords);
  for (let i = 0; i < state.length; i++) state[i] = view.getInt32(4 * i);
  // FIPS 180-4 §5.1.1: a 1 bit, zeros, and the length in bits. compress()
  // leaves these words alone.
  schedule[state.length] = 1 << 31;
  schedule[15] = digest.length * 8;
  for (let round = 1; round < iterations; round++) {
    schedule.set(state);
    state.set(initial);
    compress(state, schedule);
    if (round % ROUNDS_AT_ONCE === 0) await setImmediate();
  }
  for (let i = 0; i < state.length; i++) view.setInt32(4 * i, state[i]!);
  return digest;
}

/** FIPS 180-4 §6.1.2. */
function compressSha1(state: Int32Array, w: Int32Array): void {
  for (let t = 16; t < 80; t++) {
    w[t] = rotl(w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!, 1);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  for (let t = 0; t < 80; t++) {
    let f: number;
    if (t < 20) f = (b & c ^ ~b & d) + 0x5a827999;
    else if (t < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (t < 60) f = (b & c ^ b & d ^ c & d) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const next = rotl(a, 5) + f + e + w[t]! | 0;
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
}

/** FIPS 180-4 §6.2.2. */
function compressSha256(state: Int32Array, w: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const sigma0 = rotl(x, 25) ^ rotl(x, 14) ^ x >>> 3;
    const sigma1 = rotl(y, 15) ^ rotl(y, 13) ^ y >>> 10;
    w[t] = sigma1 + w[t - 7]! + sigma0 + w[t - 16]!;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let t = 0; t < 64; t++) {
    const sum1 = rotl(e, 26) ^ rotl(e, 21) ^ rotl(e, 7);
    const t1 = h + sum1 + (e & f ^ ~e & g) + SHA256_K[t]! + w[t]! | 0;
    const sum0 = rotl(a, 30) ^ rotl(a, 19) ^ rotl(a, 10);
    const t2 = sum0 + (a & b ^ a & c ^ b & c);
    h = g;
    g = f;
    f = e;
    e = d + t1 | 0;
    d = c;
    c = b;
    b = a;
    a = t1 + t2 | 0;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
  state[5] = state[5]! + f;
  state[6] = state[6]! + g;
  state[7] = state[7]! + h;
}

function rotl(word: number, bits: number): number {
  return word << bits | word >>> 32 - bits;
}

/** The first 32 bits of the fractions of roots of the first primes. */
function primeRoots(count: number, root: (prime: number) => number) {
  const out = new Int32Array(count);
  let found = 0;
  for (let n = 2; found < count; n++) {
    let prime = true;
    for (let i = 2; i * i <= n; i++) if (n % i === 0) prime = false;
    if (prime) out[found++] = Math.floor((root(n) % 1) * 2 ** 32);
  }
  return out;
}
