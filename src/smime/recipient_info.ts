/**
 * Hands the content-encryption key to one recipient.
 *
 * @module
 */

import { certificateElements } from "./certificate_elements.ts";
import { keyAgreeRecipientInfo } from "./key_agree_recipient_info.ts";
import {
  type KeyTransport,
  keyTransRecipientInfo,
} from "./key_trans_recipient_info.ts";
import { readRecipientKey } from "./recipient_key.ts";

/**
 * Encrypts a content-encryption key to one certificate: RSA by key transport,
 * a curve by key agreement.
 *
 * @param certificate The recipient's certificate, DER.
 * @param cek Content-encryption key.
 * @param keyTransport How, if the key is RSA.
 * @returns RecipientInfo in DER.
 * @throws {SyntaxError} If the certificate is no DER certificate.
 * @throws {RangeError} If its key is none of {@linkcode readRecipientKey}, or
 * cannot be used.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.2 | RFC 5652 §6.2}
 */
export async function recipientInfo(
  certificate: Uint8Array<ArrayBuffer>,
  cek: Uint8Array<ArrayBuffer>,
  keyTransport: KeyTransport,
): Promise<Uint8Array<ArrayBuffer>> {
  const elements = certificateElements(certificate);
  const key = readRecipientKey(elements.subjectPublicKeyInfo);
  const { keyType } = key;
  return keyType === "RSA"
    ? keyTransRecipientInfo(elements, cek, keyTransport)
    : await keyAgreeRecipientInfo(elements, { ...key, keyType }, cek);
}
