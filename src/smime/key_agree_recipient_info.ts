/**
 * Hands the content-encryption key to a recipient with a key on a curve.
 *
 * @module
 */

import { concat } from "../mail/octets.ts";
import {
  contextTag,
  der,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import {
  DH_SINGLE_PASS_STD_DH_SHA256_KDF_SCHEME,
  DH_SINGLE_PASS_STD_DH_SHA384_KDF_SCHEME,
  ID_AES256_WRAP,
  ID_EC_PUBLIC_KEY,
} from "./object_identifiers.ts";
import type { Recipient } from "./recipient.ts";
import type { CurveKey } from "./recipient_key.ts";
import { x963Kdf } from "./x963_kdf.ts";

/** Octets of a key for id-aes256-wrap. */
const KEK_OCTETS = 32;

const BIT_STRING = 0x03;

/** RFC 5753 §7.2: as strong as the curve. */
const SCHEMES = {
  "P-256": { hash: "SHA-256", id: DH_SINGLE_PASS_STD_DH_SHA256_KDF_SCHEME },
  "P-384": { hash: "SHA-384", id: DH_SINGLE_PASS_STD_DH_SHA384_KDF_SCHEME },
} as const;

/** RFC 3565 §2.3.2: the parameters must be absent. */
const KEY_WRAP_ALGORITHM = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, ID_AES256_WRAP),
);

/**
 * ```asn1
 * ECC-CMS-SharedInfo ::= SEQUENCE {
 *   keyInfo AlgorithmIdentifier,
 *   entityUInfo [0] EXPLICIT OCTET STRING OPTIONAL,
 *   suppPubInfo [2] EXPLICIT OCTET STRING }
 * ```
 *
 * RFC 5753 §7.2: keyInfo is the key wrap algorithm, entityUInfo the ukm, and
 * suppPubInfo the length of the key in bits.
 */
const SHARED_INFO = der(
  SEQUENCE,
  KEY_WRAP_ALGORITHM,
  der(
    contextTag(2),
    der(OCTET_STRING, new Uint8Array([0, 0, 1, 0])), // 256
  ),
);

/**
 * Encrypts a content-encryption key to one recipient: ephemeral-static ECDH
 * with the KDF of X9.63 and AES-256 key wrap.
 *
 * ```asn1
 * KeyAgreeRecipientInfo ::= SEQUENCE {
 *   version CMSVersion,  -- always set to 3
 *   originator [0] EXPLICIT OriginatorIdentifierOrKey,
 *   ukm [1] EXPLICIT UserKeyingMaterial OPTIONAL,
 *   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
 *   recipientEncryptedKeys RecipientEncryptedKeys }
 * ```
 *
 * No ukm: the ephemeral key is new for each message and recipient (RFC 5753
 * §3.1.2).
 *
 * @param recipient The recipient, whose key is on a curve.
 * @param cek Content-encryption key.
 * @returns `kari [1]` in DER, ready for `recipientInfos`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.2.2 | RFC 5652 §6.2.2}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5753#section-3.1 | RFC 5753 §3.1}
 */
export async function keyAgreeRecipientInfo(
  recipient: Recipient & CurveKey,
  cek: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { keyType, bits } = recipient;
  const scheme = SCHEMES[keyType];
  const curve = { name: "ECDH", namedCurve: keyType };
  const ephemeral = await crypto.subtle.generateKey(curve, false, [
    "deriveBits",
  ]) as CryptoKeyPair;
  const secret = new Uint8Array(
    await crypto.subtle.deriveBits(
      { name: "ECDH", public: recipient.point },
      ephemeral.privateKey,
      bits,
    ),
  );
  const kek = await x963Kdf(scheme.hash, secret, SHARED_INFO, KEK_OCTETS);
  secret.fill(0);
  const encryptedKey = await wrapKey(kek, cek);
  kek.fill(0);
  const point = await crypto.subtle.exportKey("raw", ephemeral.publicKey);
  return der(
    contextTag(1),
    der(INTEGER, new Uint8Array([3])),
    der(contextTag(0), originatorKey(new Uint8Array(point))),
    der(SEQUENCE, der(OBJECT_IDENTIFIER, scheme.id), KEY_WRAP_ALGORITHM),
    der(
      SEQUENCE,
      // RecipientEncryptedKey; rid is the CHOICE issuerAndSerialNumber.
      der(
        SEQUENCE,
        recipient.issuerAndSerialNumber,
        der(OCTET_STRING, encryptedKey),
      ),
    ),
  );
}

/**
 * Encrypts a key under another.
 *
 * @param kek Key-encryption key, 16, 24 or 32 octets.
 * @param cek Key to encrypt, 16, 24 or 32 octets.
 * @returns 8 octets more than `cek` has.
 * @see {@link https://www.rfc-editor.org/rfc/rfc3394#section-2.2.1 | RFC 3394 §2.2.1}
 */
export async function wrapKey(
  kek: Uint8Array<ArrayBuffer>,
  cek: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const wrapping = await crypto.subtle.importKey("raw", kek, "AES-KW", false, [
    "wrapKey",
  ]);
  // What it is for does not matter; WebCrypto wraps no plain octets.
  const key = await crypto.subtle.importKey("raw", cek, "AES-CBC", true, [
    "encrypt",
  ]);
  return new Uint8Array(
    await crypto.subtle.wrapKey("raw", key, wrapping, "AES-KW"),
  );
}

/**
 * OriginatorIdentifierOrKey as `originatorKey [1]`. RFC 5753 §3.1.1: the curve
 * is the recipient's, so the parameters are absent.
 */
function originatorKey(
  point: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return der(
    contextTag(1),
    der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_EC_PUBLIC_KEY)),
    der(BIT_STRING, concat([new Uint8Array([0]), point])),
  );
}
