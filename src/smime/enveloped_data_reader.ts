/**
 * Recognizes CMS EnvelopedData and AuthEnvelopedData by their structure.
 *
 * @module
 */

import { equal, isWhiteSpace } from "../mail/octets.ts";
import { BerStream, type Step } from "./ber_stream.ts";
import {
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
import { type Recognizer, StreamRecognizer } from "./recognizer.ts";

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
 * Recognizes encrypted content and nothing else: one complete ContentInfo of
 * EnvelopedData or AuthEnvelopedData in BER or DER, for at least one recipient
 * with a key, with an encrypted content that is present, not empty and not
 * plainly text (64 octets or more, none above 127). White space may follow.
 *
 * Whether the ciphertext is what its algorithm gives cannot be seen without the
 * key: a sender who fakes that has published his own text, as he could in the
 * subject.
 *
 * @returns What says no also to signed, compressed, detached or damaged
 * content.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.1 | RFC 5652 §6.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5083#section-2.1 | RFC 5083 §2.1}
 */
export function envelopedData(): Recognizer {
  return new StreamRecognizer(function* (stream) {
    yield* readContentInfo(new BerStream(stream));
    for (;;) {
      const octet = stream.peek(0);
      if (octet !== undefined) {
        expect(isWhiteSpace(octet));
        stream.advance(1);
      } else if (stream.isEnded) {
        return true;
      } else {
        yield;
      }
    }
  });
}

function* readContentInfo(reader: BerStream): Step<void> {
  yield* reader.enter(SEQUENCE);
  const contentType = (yield* reader.read(OBJECT_IDENTIFIER)).first;
  const isAuthenticated = equal(contentType, ID_AUTH_ENVELOPED_DATA);
  expect(isAuthenticated || equal(contentType, ID_ENVELOPED_DATA));
  yield* reader.enter(contextTag(0));
  yield* reader.enter(SEQUENCE);
  const version = yield* reader.read(INTEGER);
  expect(version.length === 1 && version.first[0]! <= MAX_VERSION);
  yield* skipOptional(reader, contextTag(0)); // originatorInfo
  yield* readRecipientInfos(reader);
  yield* readEncryptedContentInfo(reader);
  yield* skipOptional(reader, contextTag(1)); // unprotectedAttrs or authAttrs
  if (isAuthenticated) {
    expect((yield* reader.readString(OCTET_STRING)).length > 0); // mac
    yield* skipOptional(reader, contextTag(2)); // unauthAttrs
  }
  yield* reader.leave();
  yield* reader.leave();
  yield* reader.leave();
}

/** RFC 5652 §6.1: RecipientInfos ::= SET SIZE (1..MAX) OF RecipientInfo. */
function* readRecipientInfos(reader: BerStream): Step<void> {
  yield* reader.enter(SET);
  do yield* readRecipientInfo(reader); while (!(yield* reader.isAtEnd()));
  yield* reader.leave();
}

/** RFC 5652 §6.2: a CHOICE. */
function* readRecipientInfo(reader: BerStream): Step<void> {
  const tag = yield* reader.peek();
  expect(tag !== undefined);
  yield* reader.enter(tag);
  if (tag === contextTag(4)) {
    yield* readOtherRecipientInfo(reader);
  } else {
    yield* reader.read(INTEGER); // version
    if (tag === SEQUENCE) yield* readRecipientKey(reader);
    else if (tag === contextTag(1)) yield* readKeyAgreement(reader);
    else if (tag === contextTag(2)) yield* readKeyEncryptionKey(reader);
    else yield* readPassword(reader, tag);
  }
  yield* reader.leave();
}

/** Rest of KeyTransRecipientInfo, RFC 5652 §6.2.1. */
function* readRecipientKey(reader: BerStream): Step<void> {
  yield* readRecipientIdentifier(reader);
  yield* readAlgorithmIdentifier(reader);
  yield* readEncryptedKey(reader);
}

/** Rest of KeyAgreeRecipientInfo, RFC 5652 §6.2.2. */
function* readKeyAgreement(reader: BerStream): Step<void> {
  expect((yield* reader.peek()) === contextTag(0));
  yield* reader.skip(); // originator
  yield* skipOptional(reader, contextTag(1)); // ukm
  yield* readAlgorithmIdentifier(reader);
  yield* reader.enter(SEQUENCE); // recipientEncryptedKeys
  do {
    yield* reader.enter(SEQUENCE);
    yield* readRecipientIdentifier(reader);
    yield* readEncryptedKey(reader);
    yield* reader.leave();
  } while (!(yield* reader.isAtEnd()));
  yield* reader.leave();
}

/** Rest of KEKRecipientInfo, RFC 5652 §6.2.3. */
function* readKeyEncryptionKey(reader: BerStream): Step<void> {
  expect((yield* reader.peek()) === SEQUENCE);
  yield* reader.skip(); // kekid
  yield* readAlgorithmIdentifier(reader);
  yield* readEncryptedKey(reader);
}

/** Rest of PasswordRecipientInfo, RFC 5652 §6.2.4. */
function* readPassword(reader: BerStream, tag: number): Step<void> {
  expect(tag === contextTag(3));
  yield* skipOptional(reader, contextTag(0)); // keyDerivationAlgorithm
  yield* readAlgorithmIdentifier(reader);
  yield* readEncryptedKey(reader);
}

/** OtherRecipientInfo, RFC 5652 §6.2.5, as of RFC 9629. */
function* readOtherRecipientInfo(reader: BerStream): Step<void> {
  expect((yield* reader.read(OBJECT_IDENTIFIER)).length > 0);
  expect((yield* reader.skip()) > MIN_ENCRYPTED_KEY_OCTETS);
}

/** IssuerAndSerialNumber, or [0]: a key identifier (§6.2.1, §6.2.2). */
function* readRecipientIdentifier(reader: BerStream): Step<void> {
  const tag = yield* reader.peek();
  expect(
    tag === SEQUENCE || tag === contextTag(0, { isConstructed: false }) ||
      tag === contextTag(0),
  );
  yield* reader.skip();
}

function* readEncryptedKey(reader: BerStream): Step<void> {
  const { length } = yield* reader.readString(OCTET_STRING);
  expect(length >= MIN_ENCRYPTED_KEY_OCTETS);
}

function* readEncryptedContentInfo(reader: BerStream): Step<void> {
  yield* reader.enter(SEQUENCE);
  expect((yield* reader.read(OBJECT_IDENTIFIER)).length > 0);
  const algorithm = yield* readAlgorithmIdentifier(reader);
  const { length, isText } = yield* reader.readString(
    contextTag(0, { isConstructed: false }),
  );
  expect(length > 0 && !(isText && length >= MIN_TEXT_OCTETS));
  for (const [cipher, blockOctets] of BLOCK_CIPHERS) {
    if (equal(algorithm, cipher)) expect(length % blockOctets === 0);
  }
  yield* reader.leave();
}

/** Gives the first octets of the algorithm: all that those of ours have. */
function* readAlgorithmIdentifier(reader: BerStream): Step<Uint8Array> {
  yield* reader.enter(SEQUENCE);
  const { length, first } = yield* reader.read(OBJECT_IDENTIFIER);
  expect(length > 0);
  // A copy, before more is waited for: what was taken is overwritten then.
  const algorithm = first.slice();
  if (!(yield* reader.isAtEnd())) yield* reader.skip(); // parameters
  yield* reader.leave();
  return algorithm;
}

function* skipOptional(reader: BerStream, tag: number): Step<void> {
  if ((yield* reader.peek()) === tag) yield* reader.skip();
}

function expect(condition: boolean): asserts condition {
  if (!condition) throw new SyntaxError("Not the structure that was expected");
}
