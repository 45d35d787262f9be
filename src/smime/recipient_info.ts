/**
 * Hands the content-encryption key to one recipient.
 *
 * @module
 */

import { keyAgreeRecipientInfo } from "./key_agree_recipient_info.ts";
import {
  type KeyTransport,
  keyTransRecipientInfo,
} from "./key_trans_recipient_info.ts";
import type { Recipient } from "./recipient.ts";

/**
 * Encrypts a content-encryption key to one recipient: RSA by key transport, a
 * curve by key agreement.
 *
 * @param recipient The recipient.
 * @param cek Content-encryption key.
 * @param keyTransport How, if the key is RSA.
 * @returns RecipientInfo in DER.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.2 | RFC 5652 §6.2}
 */
export async function recipientInfo(
  recipient: Recipient,
  cek: Uint8Array<ArrayBuffer>,
  keyTransport: KeyTransport,
): Promise<Uint8Array<ArrayBuffer>> {
  return recipient.keyType === "RSA"
    ? keyTransRecipientInfo(recipient, cek, keyTransport)
    : await keyAgreeRecipientInfo(recipient, cek);
}
