/**
 * Recognizes CMS EnvelopedData and AuthEnvelopedData by their structure.
 *
 * @module
 */

import { equal, trim } from "../mail/octets.ts";
import { BerReader } from "./ber_reader.ts";
import {
  CONSTRUCTED,
  contextTag,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
  SET,
} from "./der.ts";
import {
  ID_AES128_CBC,
  ID_AES192_CBC,
  ID_AES256_CBC,
  ID_AUTH_ENVELOPED_DATA,
  ID_DES_EDE3_CBC,
  ID_ENVELOPED_DATA,
} from "./object_identifiers.ts";

/** RFC 5652 §6.1 and RFC 5083 §2.1: 0, 2, 3 or 4; there is nothing above. */
const MAX_VERSION = 4;

/** Ciphers whose ciphertext is a number of whole blocks, and their blocks. */
const BLOCK_CIPHERS: readonly (readonly [Uint8Array, number])[] = [
  [ID_AES128_CBC, 16],
  [ID_AES192_CBC, 16],
  [ID_AES256_CBC, 16],
  [ID_DES_EDE3_CBC, 8],
];

/**
 * Says whether octets are encrypted content and nothing else: one complete
 * ContentInfo of EnvelopedData or AuthEnvelopedData in BER or DER, for at least
 * one recipient, with an encrypted content that is present and not empty.
 * White space may follow.
 *
 * Whether the ciphertext is what its algorithm gives cannot be seen without the
 * key: a sender who fakes that has published his own text, as he could in the
 * subject.
 *
 * @param octets Anything; may be hostile.
 * @returns False also for signed, compressed, detached or damaged content.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.1 | RFC 5652 §6.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5083#section-2.1 | RFC 5083 §2.1}
 */
export function isEnveloped(octets: Uint8Array<ArrayBuffer>): boolean {
  const reader = new BerReader(octets);
  try {
    readContentInfo(reader);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
  return trim(reader.rest).length === 0;
}

function readContentInfo(reader: BerReader): void {
  reader.enter(SEQUENCE);
  const contentType = reader.read(OBJECT_IDENTIFIER);
  const isAuthenticated = equal(contentType, ID_AUTH_ENVELOPED_DATA);
  expect(isAuthenticated || equal(contentType, ID_ENVELOPED_DATA));
  reader.enter(contextTag(0));
  reader.enter(SEQUENCE);
  const version = reader.read(INTEGER);
  expect(version.length === 1 && version[0]! <= MAX_VERSION);
  skipOptional(reader, contextTag(0)); // originatorInfo
  readRecipientInfos(reader);
  readEncryptedContentInfo(reader);
  skipOptional(reader, contextTag(1)); // unprotectedAttrs or authAttrs
  if (isAuthenticated) {
    expect(readOctetString(reader, OCTET_STRING) > 0); // mac
    skipOptional(reader, contextTag(2)); // unauthAttrs
  }
  reader.leave();
  reader.leave();
  reader.leave();
}

/** RFC 5652 §6.1: RecipientInfos ::= SET SIZE (1..MAX) OF RecipientInfo. */
function readRecipientInfos(reader: BerReader): void {
  reader.enter(SET);
  do {
    const tag = reader.peek();
    if (tag === SEQUENCE) {
      readKeyTransRecipientInfo(reader);
    } else {
      // RFC 5652 §6.2: kari [1], kekri [2], pwri [3], ori [4].
      expect(
        tag !== undefined && tag >= contextTag(1) && tag <= contextTag(4),
      );
      reader.enter(tag);
      do reader.skip(); while (!reader.isAtEnd());
      reader.leave();
    }
  } while (!reader.isAtEnd());
  reader.leave();
}

/** RFC 5652 §6.2.1. */
function readKeyTransRecipientInfo(reader: BerReader): void {
  reader.enter(SEQUENCE);
  reader.read(INTEGER);
  const rid = reader.peek();
  expect(
    rid === SEQUENCE || rid === contextTag(0, { isConstructed: false }) ||
      rid === contextTag(0),
  );
  reader.skip();
  readAlgorithmIdentifier(reader);
  expect(readOctetString(reader, OCTET_STRING) > 0);
  reader.leave();
}

function readEncryptedContentInfo(reader: BerReader): void {
  reader.enter(SEQUENCE);
  expect(reader.read(OBJECT_IDENTIFIER).length > 0);
  const algorithm = readAlgorithmIdentifier(reader);
  const length = readOctetString(
    reader,
    contextTag(0, { isConstructed: false }),
  );
  expect(length > 0);
  for (const [cipher, blockOctets] of BLOCK_CIPHERS) {
    if (equal(algorithm, cipher)) expect(length % blockOctets === 0);
  }
  reader.leave();
}

function readAlgorithmIdentifier(reader: BerReader): Uint8Array {
  reader.enter(SEQUENCE);
  const algorithm = reader.read(OBJECT_IDENTIFIER);
  expect(algorithm.length > 0);
  if (!reader.isAtEnd()) reader.skip(); // parameters
  reader.leave();
  return algorithm;
}

/**
 * Reads a string of octets, primitive or (X.690 §8.7.3) in chunks.
 *
 * @param tag Identifier octet of the primitive form.
 * @returns The length of the string.
 */
function readOctetString(reader: BerReader, tag: number): number {
  if (reader.peek() === tag) return reader.read(tag).length;
  let length = 0;
  reader.enter(tag | CONSTRUCTED);
  while (!reader.isAtEnd()) length += readOctetString(reader, OCTET_STRING);
  reader.leave();
  return length;
}

function skipOptional(reader: BerReader, tag: number): void {
  if (reader.peek() === tag) reader.skip();
}

function expect(condition: boolean): asserts condition {
  if (!condition) throw new SyntaxError("Not the structure that was expected");
}
