/**
 * Recognizes CMS EnvelopedData and AuthEnvelopedData by their structure.
 *
 * @module
 */

import { equal, isAscii, trim } from "../mail/octets.ts";
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

/**
 * Octets from which on ciphertext without one above 127 is text: of that length
 * it occurs by chance once in 2^64 times, and of GCM ciphertext of two octets
 * once in four.
 */
const MIN_TEXT_OCTETS = 64;

/** Ciphers whose ciphertext is a number of whole blocks, and their blocks. */
const BLOCK_CIPHERS: readonly (readonly [Uint8Array, number])[] = [
  [ID_AES128_CBC, 16],
  [ID_AES192_CBC, 16],
  [ID_AES256_CBC, 16],
  [ID_DES_EDE3_CBC, 8],
];

/** The shortest key that is sent to somebody is one of 128 bits. */
const MIN_ENCRYPTED_KEY_OCTETS = 16;

/**
 * Says whether octets are encrypted content and nothing else: one complete
 * ContentInfo of EnvelopedData or AuthEnvelopedData in BER or DER, for at least
 * one recipient with a key, with an encrypted content that is present, not
 * empty and not plainly text (64 octets or more, none above 127). White space
 * may follow.
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
    expect(readOctetString(reader, OCTET_STRING).length > 0); // mac
    skipOptional(reader, contextTag(2)); // unauthAttrs
  }
  reader.leave();
  reader.leave();
  reader.leave();
}

/** RFC 5652 §6.1: RecipientInfos ::= SET SIZE (1..MAX) OF RecipientInfo. */
function readRecipientInfos(reader: BerReader): void {
  reader.enter(SET);
  do readRecipientInfo(reader); while (!reader.isAtEnd());
  reader.leave();
}

/** RFC 5652 §6.2: a CHOICE. */
function readRecipientInfo(reader: BerReader): void {
  const tag = reader.peek();
  expect(tag !== undefined);
  reader.enter(tag);
  if (tag === contextTag(4)) {
    readOtherRecipientInfo(reader);
  } else {
    reader.read(INTEGER); // version
    if (tag === SEQUENCE) readRecipientKey(reader);
    else if (tag === contextTag(1)) readKeyAgreement(reader);
    else if (tag === contextTag(2)) readKeyEncryptionKey(reader);
    else readPassword(reader, tag);
  }
  reader.leave();
}

/** Rest of KeyTransRecipientInfo, RFC 5652 §6.2.1. */
function readRecipientKey(reader: BerReader): void {
  readRecipientIdentifier(reader);
  readAlgorithmIdentifier(reader);
  readEncryptedKey(reader);
}

/** Rest of KeyAgreeRecipientInfo, RFC 5652 §6.2.2. */
function readKeyAgreement(reader: BerReader): void {
  expect(reader.peek() === contextTag(0));
  reader.skip(); // originator
  skipOptional(reader, contextTag(1)); // ukm
  readAlgorithmIdentifier(reader);
  reader.enter(SEQUENCE); // recipientEncryptedKeys
  do {
    reader.enter(SEQUENCE);
    readRecipientIdentifier(reader);
    readEncryptedKey(reader);
    reader.leave();
  } while (!reader.isAtEnd());
  reader.leave();
}

/** Rest of KEKRecipientInfo, RFC 5652 §6.2.3. */
function readKeyEncryptionKey(reader: BerReader): void {
  expect(reader.peek() === SEQUENCE);
  reader.skip(); // kekid
  readAlgorithmIdentifier(reader);
  readEncryptedKey(reader);
}

/** Rest of PasswordRecipientInfo, RFC 5652 §6.2.4. */
function readPassword(reader: BerReader, tag: number): void {
  expect(tag === contextTag(3));
  skipOptional(reader, contextTag(0)); // keyDerivationAlgorithm
  readAlgorithmIdentifier(reader);
  readEncryptedKey(reader);
}

/** OtherRecipientInfo, RFC 5652 §6.2.5, as of RFC 9629. */
function readOtherRecipientInfo(reader: BerReader): void {
  expect(reader.read(OBJECT_IDENTIFIER).length > 0);
  expect(reader.skip().length > MIN_ENCRYPTED_KEY_OCTETS);
}

/** IssuerAndSerialNumber, or [0]: a key identifier (§6.2.1, §6.2.2). */
function readRecipientIdentifier(reader: BerReader): void {
  const tag = reader.peek();
  expect(
    tag === SEQUENCE || tag === contextTag(0, { isConstructed: false }) ||
      tag === contextTag(0),
  );
  reader.skip();
}

function readEncryptedKey(reader: BerReader): void {
  const { length } = readOctetString(reader, OCTET_STRING);
  expect(length >= MIN_ENCRYPTED_KEY_OCTETS);
}

function readEncryptedContentInfo(reader: BerReader): void {
  reader.enter(SEQUENCE);
  expect(reader.read(OBJECT_IDENTIFIER).length > 0);
  const algorithm = readAlgorithmIdentifier(reader);
  const { length, isText } = readOctetString(
    reader,
    contextTag(0, { isConstructed: false }),
  );
  expect(length > 0 && !(isText && length >= MIN_TEXT_OCTETS));
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
 * @returns Its length, and whether all of it is US-ASCII.
 */
function readOctetString(
  reader: BerReader,
  tag: number,
): { length: number; isText: boolean } {
  if (reader.peek() === tag) {
    const octets = reader.read(tag);
    return { length: octets.length, isText: isAscii(octets) };
  }
  let length = 0;
  let isText = true;
  reader.enter(tag | CONSTRUCTED);
  while (!reader.isAtEnd()) {
    const chunk = readOctetString(reader, OCTET_STRING);
    length += chunk.length;
    isText &&= chunk.isText;
  }
  reader.leave();
  return { length, isText };
}

function skipOptional(reader: BerReader, tag: number): void {
  if (reader.peek() === tag) reader.skip();
}

function expect(condition: boolean): asserts condition {
  if (!condition) throw new SyntaxError("Not the structure that was expected");
}
