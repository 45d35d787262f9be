/**
 * Encryption of messages that are there as a whole.
 *
 * @module
 */

import assert from "node:assert/strict";
import { messageInMemory } from "../../src/mail/message.ts";
import { concat } from "../../src/mail/octets.ts";
import {
  encryptMessage as encrypt,
  type EncryptOptions,
  type StoredMessage,
} from "../../src/smime/encrypt_message.ts";
import type { Recipient } from "../../src/smime/recipient.ts";

type Octets = Uint8Array<ArrayBuffer>;

/** `encryptMessage()` of octets, as octets. */
export async function encryptMessage(
  message: Octets,
  recipients: readonly Recipient[],
  options: EncryptOptions,
): Promise<{ octets: Octets } & Pick<StoredMessage, "encryptedBy">> {
  const stored = await encrypt(messageInMemory(message), recipients, options);
  const octets = concat(await Array.fromAsync(stored.chunks));
  assert.equal(stored.octets, octets.length);
  return { octets, encryptedBy: stored.encryptedBy };
}
