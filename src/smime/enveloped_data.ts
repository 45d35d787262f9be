/**
 * CMS EnvelopedData and AuthEnvelopedData.
 *
 * @module
 */

import type { Chunks } from "../mail/message.ts";
import { concat } from "../mail/octets.ts";
import {
  ciphertextOctetsOf,
  CONTENT_CIPHERS,
  type ContentCipher,
  contentEncryptionAlgorithm,
  encryptContent,
  type StreamEncryption,
  streamEncryption,
} from "./content_encryption.ts";
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
import type { KeyTransport } from "./key_trans_recipient_info.ts";
import {
  ID_AUTH_ENVELOPED_DATA,
  ID_DATA,
  ID_ENVELOPED_DATA,
} from "./object_identifiers.ts";
import type { Recipient } from "./recipient.ts";
import { recipientInfo } from "./recipient_info.ts";

/** Content to encrypt, whose length is known before it comes. */
export interface Content {
  /** Length. */
  readonly octets: number;
  /** The content, in chunks of any lengths. */
  readonly chunks: Chunks;
}

/** How content is encrypted. */
export interface EnvelopeOptions {
  /** Cipher for the content; `aes-256-cbc` if left out. */
  readonly contentCipher?: ContentCipher;
  /**
   * How the key goes to recipients with an RSA key; `rsaes-pkcs1-v1_5` if left
   * out. To keys on curves it goes by ECDH in any case.
   */
  readonly keyTransport?: KeyTransport;
}

/** RFC 5083 §2.1: the MAC follows the ciphertext. */
const TAG_HEADER_OCTETS = 2;
const TAG_OCTETS = 16;

/**
 * Encrypts content to one or more recipients, with constant memory.
 *
 * A new key and a new IV or nonce, in DER with definite lengths: the forms that
 * every engine reads. The key is wiped before the first chunk comes.
 *
 * @param content Content; may be empty.
 * @param recipients Each of them can open it.
 * @param options How.
 * @returns A ContentInfo in DER, to be read once; in memory if the content is.
 * @throws {RangeError} If there is no recipient or one has a key that cannot be
 * used; if the content is longer or shorter than it said, with a stream of it
 * while that is read: what came is then of no use.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6 | RFC 5652 §6}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5083 | RFC 5083}
 */
export async function envelope(
  content: Content,
  recipients: readonly Recipient[],
  options: EnvelopeOptions = {},
): Promise<Content> {
  if (recipients.length === 0) {
    throw new RangeError("Cannot encrypt as there must be >= 1 recipient");
  }
  const { contentCipher = "aes-256-cbc", keyTransport = "rsaes-pkcs1-v1_5" } =
    options;
  const { keyOctets, nonceOctets, isAuthenticated } =
    CONTENT_CIPHERS[contentCipher];
  const nonce = crypto.getRandomValues(new Uint8Array(nonceOctets));
  const cek = crypto.getRandomValues(new Uint8Array(keyOctets));
  const recipientInfos: Uint8Array<ArrayBuffer>[] = [];
  let encryption;
  try {
    // One after the other: none still works on the key when it is wiped.
    for (const recipient of recipients) {
      recipientInfos.push(await recipientInfo(recipient, cek, keyTransport));
    }
    encryption = content.chunks instanceof Array
      ? await encryptContent(
        contentCipher,
        cek,
        nonce,
        inOne(content.chunks, content.octets),
      )
      : await streamEncryption(contentCipher, cek, nonce);
  } finally {
    cek.fill(0);
  }
  const head = envelopeHead(recipientInfos, {
    contentCipher,
    nonce,
    contentOctets: content.octets,
  });
  const octets = head.length +
    ciphertextOctetsOf(contentCipher, content.octets) +
    (isAuthenticated ? TAG_HEADER_OCTETS + TAG_OCTETS : 0);
  if (typeof encryption === "function") {
    const ciphertext = encryption(checkLength(content));
    return { octets, chunks: streamed(head, ciphertext) };
  }
  const [ciphertext, tag] = encryption;
  return { octets, chunks: [head, ciphertext, ...tagElement(tag)] };
}

async function* streamed(
  head: Uint8Array<ArrayBuffer>,
  ciphertext: ReturnType<StreamEncryption>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  yield head;
  yield* tagElement(yield* ciphertext);
}

function tagElement(tag: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  return tag.length > 0 ? [der(OCTET_STRING, tag)] : [];
}

/**
 * Encodes what stands before the ciphertext of EnvelopedData or
 * AuthEnvelopedData; behind it stands the MAC of the latter.
 *
 * ```asn1
 * EnvelopedData ::= SEQUENCE {
 *   version CMSVersion,
 *   originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
 *   recipientInfos RecipientInfos,
 *   encryptedContentInfo EncryptedContentInfo,
 *   unprotectedAttrs [1] IMPLICIT UnprotectedAttributes OPTIONAL }
 * AuthEnvelopedData ::= SEQUENCE {
 *   version CMSVersion,
 *   originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
 *   recipientInfos RecipientInfos,
 *   authEncryptedContentInfo EncryptedContentInfo,
 *   authAttrs [1] IMPLICIT AuthAttributes OPTIONAL,
 *   mac MessageAuthenticationCode,
 *   unauthAttrs [2] IMPLICIT UnauthAttributes OPTIONAL }
 * EncryptedContentInfo ::= SEQUENCE {
 *   contentType ContentType,
 *   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
 *   encryptedContent [0] IMPLICIT EncryptedContent OPTIONAL }
 * ```
 *
 * @param recipientInfos RecipientInfo structures in DER: KeyTransRecipientInfo
 * of version 0, or KeyAgreeRecipientInfo.
 * @param content `contentCipher`, its IV or `nonce`, and the length of the
 * content.
 * @returns The octets before the ciphertext.
 * @throws {RangeError} If a length is impossible.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.1 | RFC 5652 §6.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5083#section-2.1 | RFC 5083 §2.1}
 */
export function envelopeHead(
  recipientInfos: readonly Uint8Array<ArrayBuffer>[],
  content: {
    readonly contentCipher: ContentCipher;
    readonly nonce: Uint8Array<ArrayBuffer>;
    readonly contentOctets: number;
  },
): Uint8Array<ArrayBuffer> {
  const { contentCipher, nonce, contentOctets } = content;
  const { isAuthenticated } = CONTENT_CIPHERS[contentCipher];
  // RFC 5083 §2.1: 0. RFC 5652 §6.1: 0 if every RecipientInfo has version 0,
  // which KeyAgreeRecipientInfo has not, and there is no originatorInfo and no
  // unprotectedAttrs; else 2.
  const isZero = isAuthenticated ||
    recipientInfos.every(([tag]) => tag === SEQUENCE);
  const version = der(INTEGER, new Uint8Array([isZero ? 0 : 2]));

  // From the inside out: each header needs the length of what it holds.
  let head: Uint8Array<ArrayBuffer> = new Uint8Array();
  let behind = ciphertextOctetsOf(contentCipher, contentOctets);
  const wrap = (tag: number, ...before: Uint8Array[]) => {
    const inner = concat([...before, head]);
    head = concat([derHeader(tag, inner.length + behind), inner]);
  };
  wrap(contextTag(0, { isConstructed: false })); // encryptedContent
  wrap(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, ID_DATA),
    contentEncryptionAlgorithm(contentCipher, nonce),
  );
  if (isAuthenticated) behind += TAG_HEADER_OCTETS + TAG_OCTETS;
  wrap(SEQUENCE, version, derSetOf(recipientInfos));
  wrap(contextTag(0)); // content [0] EXPLICIT
  wrap(
    SEQUENCE, // ContentInfo
    der(
      OBJECT_IDENTIFIER,
      isAuthenticated ? ID_AUTH_ENVELOPED_DATA : ID_ENVELOPED_DATA,
    ),
  );
  return head;
}

/** All lengths are known by then, so the content has to have its own. */
function inOne(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  octets: number,
): Uint8Array<ArrayBuffer> {
  const whole = concat(chunks);
  if (whole.length !== octets) throw wrongLength(octets);
  return whole;
}

/** As inOne(). */
async function* checkLength(content: Content): AsyncGenerator<Uint8Array> {
  let octets = 0;
  for await (const chunk of content.chunks) {
    octets += chunk.length;
    if (octets > content.octets) break;
    yield chunk;
  }
  if (octets !== content.octets) throw wrongLength(content.octets);
}

function wrongLength(octets: number): RangeError {
  return new RangeError(
    `Cannot encrypt as content must have the length that it said, ${octets} octets`,
  );
}
