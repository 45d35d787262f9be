/**
 * Encrypts what is in memory, as tests do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concat } from "../../src/mail/octets.ts";
import {
  envelope,
  type EnvelopeOptions,
} from "../../src/smime/enveloped_data.ts";
import { readRecipient } from "../../src/smime/recipient.ts";

/**
 * Gives what envelope() writes, in one piece.
 *
 * @param content Octets to encrypt.
 * @param certificates Certificates of the recipients, DER.
 * @param options How.
 * @returns The ContentInfo, DER.
 */
export async function enveloped(
  content: Uint8Array<ArrayBuffer>,
  certificates: readonly Uint8Array<ArrayBuffer>[],
  options: EnvelopeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = [content];
  const recipients = certificates.map(readRecipient);
  const whole = { octets: content.length, chunks };
  const made = await envelope(whole, recipients, options);
  const contentInfo = concat(await Array.fromAsync(made.chunks));
  assert.equal(contentInfo.length, made.octets);
  // As it is for content that does not fit into memory.
  const streamed = await envelope(
    { octets: content.length, chunks: inChunks(content) },
    recipients,
    options,
  );
  const { length } = concat(await Array.fromAsync(streamed.chunks));
  assert.equal(length, made.octets);
  return contentInfo;
}

async function* inChunks(
  content: Uint8Array<ArrayBuffer>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  await Promise.resolve();
  yield content;
}
