/**
 * The key derivation of PKCS#12 itself, RFC 7292 appendix B. New designs use
 * PBKDF2; every importer expects this one for the MAC.
 *
 * @module
 */

import { concat } from "../mail/octets.ts";
import { type Der, utf16be } from "./der.ts";
import { type HashName, iteratedHash } from "./iterated_hash.ts";

/** What the derived octets are for, RFC 7292 appendix B.3. */
export const PURPOSES = { key: 1, iv: 2, mac: 3 } as const;

/** Inputs of the derivation. */
export interface Pkcs12KdfOptions {
  /** Hash function; both have blocks of 64 octets. */
  readonly hash: HashName;
  /** What the octets are for. */
  readonly purpose: keyof typeof PURPOSES;
  /** Password, ASCII. */
  readonly password: string;
  /** Salt, at least 1 octet. */
  readonly salt: Uint8Array;
  /** Rounds. */
  readonly iterations: number;
  /** Octets to derive. */
  readonly length: number;
}

/** What was derived. */
export interface Derived {
  /** As many octets as were asked for. */
  readonly octets: Der;
  /**
   * Whether a block of I began with a zero octet after step 6.C. GnuPG loses
   * that octet, as it keeps the block as a number, and derives something else.
   */
  readonly leadingZero: boolean;
}

/** Octets in a block of the hash function: v / 8 in the RFC. */
const V = 64;

/**
 * Derives a key, an IV or a MAC key from a password.
 *
 * The variables have the RFC's names; its numbers of bits are octets here.
 *
 * @param options Inputs.
 * @returns `length` octets, and whether every program derives them.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#appendix-B.2 | RFC 7292 appendix B.2}
 */
export async function pkcs12Kdf(options: Pkcs12KdfOptions): Promise<Derived> {
  // 1. D is v octets of ID.
  const D = new Uint8Array(V).fill(PURPOSES[options.purpose]);
  // 2. to 4. I is salt and password, each repeated to a multiple of v octets.
  const I = concat([
    repeat(options.salt),
    repeat(bmpPassword(options.password)),
  ]);
  const A: Uint8Array[] = [];
  let leadingZero = false;
  for (let derived = 0; derived < options.length;) {
    // 6.B and 6.C: each block of I becomes I_j + B + 1 modulo 2^v.
    const last = A.at(-1);
    for (let j = 0; last !== undefined && j < I.length; j += V) {
      addOne(I.subarray(j, j + V), repeat(last).subarray(0, V));
      leadingZero ||= I[j] === 0;
    }
    // 6.A: A_i = H(H(H(... H(D || I)))).
    const Ai = await iteratedHash(
      options.hash,
      concat([D, I]),
      options.iterations,
    );
    A.push(Ai);
    derived += Ai.length;
  }
  return { octets: concat(A).slice(0, options.length), leadingZero };
}

/** RFC 7292 appendix B.1: as BMPString, with a NULL character at the end. */
function bmpPassword(password: string): Der {
  return concat([utf16be(password), new Uint8Array(2)]);
}

/** Repeats octets to a multiple of v; the last copy may be cut. */
function repeat(octets: Uint8Array): Der {
  const out = new Uint8Array(V * Math.ceil(octets.length / V));
  for (let i = 0; i < out.length; i++) out[i] = octets[i % octets.length]!;
  return out;
}

/** Adds `addend` and 1 to `block`, both big-endian, in place. */
function addOne(block: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let i = block.length - 1; i >= 0; i--) {
    const sum = block[i]! + addend[i]! + carry;
    block[i] = sum & 0xff;
    carry = sum >>> 8;
  }
}
