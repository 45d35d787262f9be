/**
 * Password-based encryption of PKCS#12 itself, for importers that read nothing
 * newer.
 *
 * @module
 */

import { createCipheriv } from "node:crypto";
import { concat } from "../mail/octets.ts";
import {
  algorithmIdentifier,
  type Der,
  integer,
  octetString,
  sequence,
} from "./der.ts";
import { ID_PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC } from "./object_identifiers.ts";
import type { Encrypted } from "./pbes2.ts";
import { pkcs12Kdf } from "./pkcs12_kdf.ts";

/**
 * Encrypts octets with a password: 3DES in CBC mode, key and IV derived with
 * SHA-1.
 *
 * ```asn1
 * pkcs-12PbeParams ::= SEQUENCE { salt OCTET STRING, iterations INTEGER }
 * ```
 *
 * @param plaintext What to encrypt.
 * @param password Password, ASCII.
 * @param iterations Rounds of the key derivation.
 * @returns Algorithm and ciphertext.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#appendix-C | RFC 7292 appendix C}
 */
export async function pbeTripleDesEncrypt(
  plaintext: Der,
  password: string,
  iterations: number,
): Promise<Encrypted> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const inputs = { hash: "SHA-1", password, salt, iterations } as const;
  const key = await pkcs12Kdf({ ...inputs, purpose: "key", length: 24 });
  // One salt of 128: GnuPG would not open the file.
  if (key.leadingZero) {
    return await pbeTripleDesEncrypt(plaintext, password, iterations);
  }
  const iv = await pkcs12Kdf({ ...inputs, purpose: "iv", length: 8 });
  // WebCrypto has no 3DES.
  const cipher = createCipheriv("des-ede3-cbc", key.octets, iv.octets);
  return {
    algorithm: algorithmIdentifier(
      ID_PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC,
      sequence(octetString(salt), integer(iterations)),
    ),
    octets: concat([cipher.update(plaintext), cipher.final()]),
  };
}
