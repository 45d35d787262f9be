/**
 * The key derivation function of ANSI X9.63.
 *
 * @module
 */

import { concat } from "../mail/octets.ts";

/** Octets that one round gives. */
const HASH_OCTETS = { "SHA-256": 32, "SHA-384": 48 };

/**
 * Derives a key from a shared secret.
 *
 * @param hash Hash function.
 * @param secret Shared secret, Z.
 * @param sharedInfo What both sides know besides.
 * @param octets Length of the key in octets.
 * @returns The key, which the caller wipes.
 * @see {@link https://www.secg.org/sec1-v2.pdf | SEC 1 §3.6.1}
 */
export async function x963Kdf(
  hash: "SHA-256" | "SHA-384",
  secret: Uint8Array<ArrayBuffer>,
  sharedInfo: Uint8Array<ArrayBuffer>,
  octets: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const hashOctets = HASH_OCTETS[hash];
  const rounds = new Uint8Array(Math.ceil(octets / hashOctets) * hashOctets);
  const counter = new Uint8Array(4);
  for (let i = 0; i * hashOctets < octets; i++) {
    new DataView(counter.buffer).setUint32(0, i + 1);
    const input = concat([secret, counter, sharedInfo]);
    const output = new Uint8Array(await crypto.subtle.digest(hash, input));
    rounds.set(output, i * hashOctets);
    input.fill(0);
    output.fill(0);
  }
  const key = rounds.slice(0, octets);
  rounds.fill(0);
  return key;
}
