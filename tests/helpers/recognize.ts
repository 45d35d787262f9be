/**
 * Recognizers and decoders for octets that are there as a whole, or in chunks
 * of a length.
 *
 * @module
 */

import { splitEntity } from "../../src/mail/header.ts";
import { canonicalizeLineEnds } from "../../src/mail/line_ends.ts";
import { concat } from "../../src/mail/octets.ts";
import {
  type Decoder,
  decoder,
  type TransferEncoding,
} from "../../src/mail/transfer_encoding.ts";
import { envelopedData } from "../../src/smime/enveloped_data_reader.ts";
import { protectedBody } from "../../src/smime/is_encrypted.ts";
import { armor } from "../../src/smime/openpgp_armor.ts";
import { encryptedOpenPgp } from "../../src/smime/openpgp_packets.ts";
import type { Recognizer } from "../../src/smime/recognizer.ts";

type Octets = Uint8Array<ArrayBuffer>;

/** What a recognizer says of octets in chunks, each overwritten after use. */
export function recognizes(
  recognizer: Recognizer,
  octets: Octets,
  chunkOctets = octets.length || 1,
): boolean {
  for (let at = 0; at < octets.length; at += chunkOctets) {
    const chunk = octets.slice(at, at + chunkOctets);
    if (!recognizer.next(chunk)) return false;
    chunk.fill(0xaa);
  }
  return recognizer.end();
}

/** Whether a whole message is encrypted already. */
export function isEncrypted(message: Octets, chunkOctets?: number): boolean {
  const { header, body, hasEmptyLine } = splitEntity(
    canonicalizeLineEnds(message),
  );
  const recognizer = hasEmptyLine ? protectedBody(header) : undefined;
  return recognizer !== undefined && recognizes(recognizer, body, chunkOctets);
}

/** Whether octets are EnvelopedData or AuthEnvelopedData. */
export function isEnveloped(octets: Octets, chunkOctets?: number): boolean {
  return recognizes(envelopedData(), octets, chunkOctets);
}

/** Whether octets are an encrypted OpenPGP message. */
export function isEncryptedOpenPgp(
  octets: Octets,
  chunkOctets?: number,
): boolean {
  return recognizes(encryptedOpenPgp(), octets, chunkOctets);
}

/** The packets of an armored message; undefined if it is none. */
export function decodeArmor(
  text: Octets,
  chunkOctets?: number,
): Octets | undefined {
  const parts: Octets[] = [];
  const packets: Recognizer = {
    next: (octets) => parts.push(octets.slice()) > 0,
    end: () => true,
  };
  return recognizes(armor(packets), text, chunkOctets)
    ? concat(parts)
    : undefined;
}

/** Decodes a body; undefined if its encoding is damaged. */
export function decodeBody(
  body: Octets,
  encoding: TransferEncoding,
  chunkOctets: number = body.length || 1,
): Octets | undefined {
  const decoding: Decoder = decoder(encoding);
  const parts: Octets[] = [];
  for (let at = 0; at < body.length; at += chunkOctets) {
    const part = decoding.next(body.slice(at, at + chunkOctets));
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const last = decoding.end();
  return last && concat([...parts, last]);
}
