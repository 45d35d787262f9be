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
