/**
 * Encrypts what is in memory, as tests do.
 *
 * @module
 */

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
  return concat(
    await Array.fromAsync(
      envelope({ octets: content.length, chunks }, recipients, options),
    ),
  );
}
