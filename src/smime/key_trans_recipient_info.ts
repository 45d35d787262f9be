/**
 * Hands the content-encryption key to a recipient with an RSA key.
 *
 * @module
 */

import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import {
  ID_MGF1,
  ID_RSA_ENCRYPTION,
  ID_RSAES_OAEP,
  ID_SHA256,
} from "./object_identifiers.ts";
import type { Recipient } from "./recipient.ts";
import {
  rsaesOaepEncrypt,
  rsaesPkcs1V15Encrypt,
  type RsaPublicKey,
} from "./rsaes.ts";

/**
 * How the key goes to RSA keys; OAEP is with SHA-256. Every engine reads the
 * former.
 */
export type KeyTransport = "rsaes-pkcs1-v1_5" | "rsaes-oaep";

/** RFC 4055 §2.1: sha256Identifier. */
const SHA256_IDENTIFIER = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, ID_SHA256),
  der(NULL),
);

const SCHEMES = {
  "rsaes-pkcs1-v1_5": {
    // RFC 3370 §4.2.1: the parameters must be NULL.
    identifier: der(
      SEQUENCE,
      der(OBJECT_IDENTIFIER, ID_RSA_ENCRYPTION),
      der(NULL),
    ),
    encrypt: rsaesPkcs1V15Encrypt,
  },
  "rsaes-oaep": {
    // RFC 4055 §4.1: RSAES-OAEP-params; pSourceFunc is the default.
    identifier: der(
      SEQUENCE,
      der(OBJECT_IDENTIFIER, ID_RSAES_OAEP),
      der(
        SEQUENCE,
        der(contextTag(0), SHA256_IDENTIFIER), // hashFunc
        der(
          contextTag(1), // maskGenFunc
          der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_MGF1), SHA256_IDENTIFIER),
        ),
      ),
    ),
    encrypt: rsaesOaepEncrypt,
  },
} as const;

/**
 * Encrypts a content-encryption key to one recipient.
 *
 * ```asn1
 * KeyTransRecipientInfo ::= SEQUENCE {
 *   version CMSVersion,  -- always set to 0 or 2
 *   rid RecipientIdentifier,
 *   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
 *   encryptedKey EncryptedKey }
 * ```
 *
 * Always issuerAndSerialNumber: gpgsm and older NSS know no
 * subjectKeyIdentifier.
 *
 * @param recipient The recipient, with an RSA key.
 * @param cek Content-encryption key.
 * @param keyTransport How.
 * @returns The structure in DER, ready for `recipientInfos`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.2.1 | RFC 5652 §6.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3370#section-4.2.1 | RFC 3370 §4.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc4055#section-4 | RFC 4055 §4}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8017#section-7 | RFC 8017 §7}
 */
export function keyTransRecipientInfo(
  recipient: Recipient & RsaPublicKey,
  cek: Uint8Array<ArrayBuffer>,
  keyTransport: KeyTransport,
): Uint8Array<ArrayBuffer> {
  const { identifier, encrypt } = SCHEMES[keyTransport];
  return der(
    SEQUENCE,
    // RFC 5652 §6.2.1: 0, as rid is the CHOICE issuerAndSerialNumber.
    der(INTEGER, new Uint8Array([0])),
    recipient.issuerAndSerialNumber,
    identifier,
    der(OCTET_STRING, encrypt(recipient, cek)),
  );
}
