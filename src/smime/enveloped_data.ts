/**
 * CMS EnvelopedData.
 *
 * @module
 */

import { concat } from "../mail/octets.ts";
import {
  contextTag,
  der,
  derHeader,
  derSetOf,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import { keyTransRecipientInfo } from "./key_trans_recipient_info.ts";
import {
  ID_AES256_CBC,
  ID_DATA,
  ID_ENVELOPED_DATA,
} from "./object_identifiers.ts";

/** Octets of an AES-256 key. */
const CEK_OCTETS = 32;
/** Octets of an AES block, and so of the IV. */
const BLOCK_OCTETS = 16;

/** What stands around the ciphertext. */
export interface EnvelopedDataFrame {
  /** Octets before the ciphertext. */
  readonly head: Uint8Array<ArrayBuffer>;
  /**
   * Octets behind the ciphertext. None, as there are no unprotectedAttrs;
   * AuthEnvelopedData has its MAC there.
   */
  readonly tail: Uint8Array<ArrayBuffer>;
}

/**
 * Encrypts content to one or more certificates.
 *
 * ```asn1
 * EnvelopedData ::= SEQUENCE {
 *   version CMSVersion,
 *   originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
 *   recipientInfos RecipientInfos,
 *   encryptedContentInfo EncryptedContentInfo,
 *   unprotectedAttrs [1] IMPLICIT UnprotectedAttributes OPTIONAL }
 * ```
 *
 * AES-256 in CBC mode with a new key and a new IV, in DER with definite
 * lengths: the forms that every engine reads.
 *
 * @param content Octets to encrypt; may be empty.
 * @param certificates Certificates of the recipients, DER; each can open it.
 * @returns A ContentInfo in DER.
 * @throws {RangeError} If there is no certificate, or one has no RSA key.
 * @throws {SyntaxError} If one is no certificate.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6 | RFC 5652 §6}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3565 | RFC 3565}
 */
export async function envelopedData(
  content: Uint8Array<ArrayBuffer>,
  certificates: readonly Uint8Array<ArrayBuffer>[],
): Promise<Uint8Array<ArrayBuffer>> {
  if (certificates.length === 0) {
    throw new RangeError("Cannot encrypt as there must be >= 1 certificate");
  }
  const cek = crypto.getRandomValues(new Uint8Array(CEK_OCTETS));
  try {
    const recipientInfos = certificates.map((certificate) =>
      keyTransRecipientInfo(certificate, cek)
    );
    const iv = crypto.getRandomValues(new Uint8Array(BLOCK_OCTETS));
    const key = await crypto.subtle.importKey("raw", cek, "AES-CBC", false, [
      "encrypt",
    ]);
    // RFC 5652 §6.3: WebCrypto's AES-CBC pads just so.
    const ciphertext = new Uint8Array(
      await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, content),
    );
    const { head, tail } = envelopedDataFrame(
      recipientInfos,
      iv,
      ciphertext.length,
    );
    return concat([head, ciphertext, tail]);
  } finally {
    cek.fill(0);
  }
}

/**
 * Encodes all of an EnvelopedData but its ciphertext, which can then be
 * written as a stream although all lengths are definite.
 *
 * ```asn1
 * EncryptedContentInfo ::= SEQUENCE {
 *   contentType ContentType,
 *   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
 *   encryptedContent [0] IMPLICIT EncryptedContent OPTIONAL }
 * ```
 *
 * @param recipientInfos RecipientInfo structures in DER, all with version 0.
 * @param iv Initialization vector, 16 octets.
 * @param ciphertextOctets Length of the ciphertext, as
 * {@linkcode ciphertextOctetsOf} gives it.
 * @returns What stands around the ciphertext.
 * @throws {RangeError} If there is no recipient or a length is impossible.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.1 | RFC 5652 §6.1}
 */
export function envelopedDataFrame(
  recipientInfos: readonly Uint8Array<ArrayBuffer>[],
  iv: Uint8Array<ArrayBuffer>,
  ciphertextOctets: number,
): EnvelopedDataFrame {
  if (recipientInfos.length === 0) {
    throw new RangeError("Cannot encrypt as there must be >= 1 recipient");
  }
  if (iv.length !== BLOCK_OCTETS) {
    throw new RangeError(
      `Cannot encrypt as the IV must have ${BLOCK_OCTETS} octets: current length is ${iv.length}`,
    );
  }
  // RFC 5652 §6.1: 0, as there is no originatorInfo, no unprotectedAttrs, and
  // every RecipientInfo has version 0.
  const version = der(INTEGER, new Uint8Array([0]));
  const contentEncryptionAlgorithm = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, ID_AES256_CBC),
    // RFC 3565 §4.1: AES-IV ::= OCTET STRING (SIZE(16)).
    der(OCTET_STRING, iv),
  );

  // From the inside out: each header needs the length of what it holds.
  let head: Uint8Array<ArrayBuffer> = new Uint8Array();
  const wrap = (tag: number, ...before: Uint8Array[]) => {
    const content = concat([...before, head]);
    head = concat([
      derHeader(tag, content.length + ciphertextOctets),
      content,
    ]);
  };
  wrap(contextTag(0, { isConstructed: false })); // encryptedContent
  wrap(SEQUENCE, der(OBJECT_IDENTIFIER, ID_DATA), contentEncryptionAlgorithm);
  wrap(SEQUENCE, version, derSetOf(recipientInfos)); // EnvelopedData
  wrap(contextTag(0)); // content [0] EXPLICIT
  wrap(SEQUENCE, der(OBJECT_IDENTIFIER, ID_ENVELOPED_DATA)); // ContentInfo
  return { head, tail: new Uint8Array() };
}

/**
 * Says how long the ciphertext of some content is.
 *
 * @param contentOctets Length of the content.
 * @returns Length with its padding of 1 to 16 octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.3 | RFC 5652 §6.3}
 */
export function ciphertextOctetsOf(contentOctets: number): number {
  return BLOCK_OCTETS * (Math.floor(contentOctets / BLOCK_OCTETS) + 1);
}
