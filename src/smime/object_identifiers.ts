/**
 * Object identifiers of CMS and its algorithms, as content octets of an
 * OBJECT IDENTIFIER.
 *
 * @module
 */

import { objectIdentifier } from "./der.ts";

/**
 * Content that is just octets: `id-data`.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) pkcs(1) pkcs7(7) 1 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-4 | RFC 5652 §4}
 */
export const ID_DATA: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.7.1",
);

/**
 * Encrypted content: `id-envelopedData`.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) pkcs(1) pkcs7(7) 3 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.1 | RFC 5652 §6.1}
 */
export const ID_ENVELOPED_DATA: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.7.3",
);

/**
 * Encrypted and authenticated content: `id-ct-authEnvelopedData`.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) pkcs(1) pkcs-9(9)
 * smime(16) ct(1) 23 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5083#section-2.1 | RFC 5083 §2.1}
 */
export const ID_AUTH_ENVELOPED_DATA: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.9.16.1.23",
);

/**
 * RSA keys, and RSAES-PKCS1-v1_5 with them: `rsaEncryption`.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) pkcs(1) pkcs-1(1) 1 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3370#section-4.2.1 | RFC 3370 §4.2.1}
 */
export const ID_RSA_ENCRYPTION: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.1.1",
);

/**
 * RSAES-OAEP: `id-RSAES-OAEP`.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) pkcs(1) pkcs-1(1) 7 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc4055#section-4 | RFC 4055 §4}
 */
export const ID_RSAES_OAEP: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.1.7",
);

/**
 * Mask generation function of RSAES-OAEP: `id-mgf1`.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) pkcs(1) pkcs-1(1) 8 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc4055#section-2.2 | RFC 4055 §2.2}
 */
export const ID_MGF1: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.1.8",
);

/**
 * The hash SHA-256: `id-sha256`.
 *
 * `{ joint-iso-itu-t(2) country(16) us(840) organization(1) gov(101) csor(3)
 * nistAlgorithm(4) hashAlgs(2) 1 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc4055#section-2.1 | RFC 4055 §2.1}
 */
export const ID_SHA256: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.2.1",
);

/**
 * Keys on elliptic curves, for signatures and ECDH: `id-ecPublicKey`.
 *
 * `{ iso(1) member-body(2) us(840) ansi-X9-62(10045) keyType(2) 1 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5480#section-2.1.1 | RFC 5480 §2.1.1}
 */
export const ID_EC_PUBLIC_KEY: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.10045.2.1",
);

/**
 * ECDH with the KDF of X9.63 over SHA-256:
 * `dhSinglePass-stdDH-sha256kdf-scheme`.
 *
 * `{ iso(1) identified-organization(3) certicom(132) schemes(1) 11 1 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5753#section-7.1.4 | RFC 5753 §7.1.4}
 */
export const DH_SINGLE_PASS_STD_DH_SHA256_KDF_SCHEME: Uint8Array<ArrayBuffer> =
  objectIdentifier("1.3.132.1.11.1");

/**
 * The same over SHA-384: `dhSinglePass-stdDH-sha384kdf-scheme`, `{ ... 11 2 }`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5753#section-7.1.4 | RFC 5753 §7.1.4}
 */
export const DH_SINGLE_PASS_STD_DH_SHA384_KDF_SCHEME: Uint8Array<ArrayBuffer> =
  objectIdentifier("1.3.132.1.11.2");

/**
 * AES key wrap with a key of 256 bits: `id-aes256-wrap`, `{ ... aes(1) 45 }`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3565#section-2.3.2 | RFC 3565 §2.3.2}
 */
export const ID_AES256_WRAP: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.1.45",
);

/**
 * AES in GCM with a key of 256 bits: `id-aes256-GCM`, `{ ... aes(1) 46 }`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5084#section-3.2 | RFC 5084 §3.2}
 */
export const ID_AES256_GCM: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.1.46",
);

/**
 * AES in CBC mode with a key of 128 bits: `id-aes128-CBC`.
 *
 * `{ joint-iso-itu-t(2) country(16) us(840) organization(1) gov(101) csor(3)
 * nistAlgorithm(4) aes(1) 2 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3565#section-4.1 | RFC 3565 §4.1}
 */
export const ID_AES128_CBC: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.1.2",
);

/**
 * AES in CBC mode with a key of 192 bits: `id-aes192-CBC`, `{ ... aes(1) 22 }`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3565#section-4.1 | RFC 3565 §4.1}
 */
export const ID_AES192_CBC: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.1.22",
);

/**
 * AES in CBC mode with a key of 256 bits: `id-aes256-CBC`, `{ ... aes(1) 42 }`.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3565#section-4.1 | RFC 3565 §4.1}
 */
export const ID_AES256_CBC: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.1.42",
);

/**
 * Triple DES in CBC mode: `des-ede3-cbc`, which older senders use.
 *
 * `{ iso(1) member-body(2) us(840) rsadsi(113549) encryptionAlgorithm(3) 7 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc3370#section-5.1 | RFC 3370 §5.1}
 */
export const ID_DES_EDE3_CBC: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.3.7",
);

/**
 * Addresses whose local part is not ASCII: `id-on-SmtpUTF8Mailbox`.
 *
 * `{ iso(1) identified-organization(3) dod(6) internet(1) security(5)
 * mechanisms(5) pkix(7) on(8) 9 }`
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9598#section-3 | RFC 9598 §3}
 */
export const ID_ON_SMTP_UTF8_MAILBOX: Uint8Array<ArrayBuffer> =
  objectIdentifier("1.3.6.1.5.5.7.8.9");
