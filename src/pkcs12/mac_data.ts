/**
 * The MAC over a PKCS#12 file, by which importers also tell a wrong password.
 *
 * @module
 */

import {
  algorithmIdentifier,
  type Der,
  integer,
  octetString,
  sequence,
} from "./der.ts";
import type { HashName } from "./iterated_hash.ts";
import { ID_SHA1, ID_SHA256 } from "./object_identifiers.ts";
import { pkcs12Kdf } from "./pkcs12_kdf.ts";

/** Identifier and octets of each hash function. */
const DIGESTS = {
  "SHA-1": { algorithm: ID_SHA1, length: 20 },
  "SHA-256": { algorithm: ID_SHA256, length: 32 },
} as const satisfies Record<HashName, unknown>;

/** How the MAC key is made. */
export interface MacDataOptions {
  /** Hash function of HMAC and of the key derivation. */
  readonly hash: HashName;
  /** Password, ASCII. */
  readonly password: string;
  /** Rounds of the key derivation. */
  readonly iterations: number;
}

/**
 * Computes the MAC of a file in password integrity mode.
 *
 * ```asn1
 * MacData ::= SEQUENCE {
 *   mac DigestInfo,
 *   macSalt OCTET STRING,
 *   iterations INTEGER DEFAULT 1 }
 * DigestInfo ::= SEQUENCE {
 *   digestAlgorithm AlgorithmIdentifier,
 *   digest OCTET STRING }
 * ```
 *
 * @param authenticatedSafe Contents of the OCTET STRING in `authSafe`, without
 * its tag and length.
 * @param options How the MAC key is made.
 * @returns The structure, DER.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#section-4 | RFC 7292 §4}
 */
export async function macData(
  authenticatedSafe: Der,
  options: MacDataOptions,
): Promise<Der> {
  const { algorithm, length } = DIGESTS[options.hash];
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const { octets } = await pkcs12Kdf({
    ...options,
    purpose: "mac",
    salt,
    length,
  });
  const key = await crypto.subtle.importKey(
    "raw",
    octets,
    { name: "HMAC", hash: options.hash },
    false,
    ["sign"],
  );
  const digest = new Uint8Array(
    await crypto.subtle.sign("HMAC", key, authenticatedSafe),
  );
  return sequence(
    sequence(
      // RFC 8017 appendix B.1: parameters NULL, as all importers expect.
      algorithmIdentifier(algorithm),
      octetString(digest),
    ),
    octetString(salt),
    integer(options.iterations),
  );
}
