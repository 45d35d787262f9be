/**
 * Password-based encryption of RFC 8018, as current importers read it.
 *
 * @module
 */

import { ID_AES256_CBC } from "../smime/object_identifiers.ts";
import {
  algorithmIdentifier,
  type Der,
  integer,
  octetString,
  sequence,
} from "./der.ts";
import {
  ID_HMAC_WITH_SHA256,
  ID_PBES2,
  ID_PBKDF2,
} from "./object_identifiers.ts";

/** What a password-based encryption gives. */
export interface Encrypted {
  /** AlgorithmIdentifier with all parameters but the password, DER. */
  readonly algorithm: Der;
  /** Ciphertext. */
  readonly octets: Der;
}

/**
 * Encrypts octets with a password: AES-256-CBC under PBKDF2 with HMAC-SHA-256.
 *
 * ```asn1
 * PBES2-params ::= SEQUENCE {
 *   keyDerivationFunc AlgorithmIdentifier {{PBES2-KDFs}},
 *   encryptionScheme AlgorithmIdentifier {{PBES2-Encs}} }
 * PBKDF2-params ::= SEQUENCE {
 *   salt CHOICE { specified OCTET STRING, ... },
 *   iterationCount INTEGER (1..MAX),
 *   keyLength INTEGER (1..MAX) OPTIONAL,
 *   prf AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
 * ```
 *
 * @param plaintext What to encrypt.
 * @param password Password, ASCII, so that its UTF-8 form is beyond doubt.
 * @param iterations Rounds of PBKDF2.
 * @returns Algorithm and ciphertext.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8018#section-6.2.1 | RFC 8018 §6.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8018#appendix-A.4 | RFC 8018 appendix A.4}
 */
export async function pbes2Encrypt(
  plaintext: Der,
  password: string,
  iterations: number,
): Promise<Encrypted> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const key = await crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(password),
      "PBKDF2",
      false,
      ["deriveKey"],
    ),
    { name: "AES-CBC", length: 256 },
    false,
    ["encrypt"],
  );
  const keyDerivationFunc = algorithmIdentifier(
    ID_PBKDF2,
    sequence(
      octetString(salt),
      integer(iterations),
      // No keyLength: gpgsm 2.4 rejects a file that has it.
      algorithmIdentifier(ID_HMAC_WITH_SHA256),
    ),
  );
  const encryptionScheme = algorithmIdentifier(ID_AES256_CBC, octetString(iv));
  return {
    algorithm: algorithmIdentifier(
      ID_PBES2,
      sequence(keyDerivationFunc, encryptionScheme),
    ),
    // WebCrypto pads as RFC 8018 appendix B.2.5 says.
    octets: new Uint8Array(
      await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, plaintext),
    ),
  };
}
