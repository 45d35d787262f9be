/**
 * Ciphers for the content, which work on a stream with constant memory.
 *
 * @module
 */

import { type CipherGCM, createCipheriv } from "node:crypto";
import type { ContentCipher } from "../encryption_policy.ts";
import { concat } from "../mail/octets.ts";
import {
  der,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import {
  ID_AES128_CBC,
  ID_AES256_CBC,
  ID_AES256_GCM,
} from "./object_identifiers.ts";

export type { ContentCipher };

/** Octets of an AES block. */
const BLOCK_OCTETS = 16;
/** Octets of a GCM tag, all that there are. */
const TAG_OCTETS = 16;

/** Octets that are encrypted at a time; whole blocks. */
const PIECE_OCTETS = 262_144;

/**
 * Octets up to which content is encrypted on the calling thread: to have another
 * one do it would take longer.
 */
const SHORT_OCTETS = 65_536;

/** Octets of the first buffer: most messages are short. */
const FIRST_OCTETS = 16_384;

/** What is known of a cipher. */
export interface CipherFacts {
  /** Object identifier, content octets. */
  readonly id: Uint8Array<ArrayBuffer>;
  /** Octets of a key. */
  readonly keyOctets: number;
  /** Octets of an IV or nonce. */
  readonly nonceOctets: number;
  /** Whether it is GCM, whose tag follows the ciphertext. */
  readonly isAuthenticated: boolean;
}

/** All of them. */
export const CONTENT_CIPHERS: Readonly<Record<ContentCipher, CipherFacts>> = {
  "aes-128-cbc": {
    id: ID_AES128_CBC,
    keyOctets: 16,
    nonceOctets: BLOCK_OCTETS,
    isAuthenticated: false,
  },
  "aes-256-cbc": {
    id: ID_AES256_CBC,
    keyOctets: 32,
    nonceOctets: BLOCK_OCTETS,
    isAuthenticated: false,
  },
  "aes-256-gcm": {
    id: ID_AES256_GCM,
    keyOctets: 32,
    // RFC 5084 §3.2: recommended.
    nonceOctets: 12,
    isAuthenticated: true,
  },
};

/**
 * Encrypts content of any length, once: gives ciphertext as it comes, and returns
 * the tag; none if the cipher has none.
 */
export type StreamEncryption = (
  chunks: AsyncIterable<Uint8Array>,
) => AsyncGenerator<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;

/**
 * Encodes ContentEncryptionAlgorithmIdentifier.
 *
 * @param cipher Which cipher.
 * @param nonce IV or nonce, as long as {@linkcode CONTENT_CIPHERS} says.
 * @returns The structure in DER.
 * @see {@link https://www.rfc-editor.org/rfc/rfc3565#section-4.1 | RFC 3565 §4.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5084#section-3.2 | RFC 5084 §3.2}
 */
export function contentEncryptionAlgorithm(
  cipher: ContentCipher,
  nonce: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { id, isAuthenticated } = CONTENT_CIPHERS[cipher];
  const octets = der(OCTET_STRING, nonce);
  return der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, id),
    isAuthenticated
      // GCMParameters; without aes-ICVlen the tag would have 12 octets.
      ? der(SEQUENCE, octets, der(INTEGER, new Uint8Array([TAG_OCTETS])))
      : octets,
  );
}

/**
 * Says how long the ciphertext of some content is, without a tag.
 *
 * @param cipher Which cipher.
 * @param contentOctets Length of the content.
 * @returns Its length; in CBC mode with a padding of 1 to 16 octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.3 | RFC 5652 §6.3}
 */
export function ciphertextOctetsOf(
  cipher: ContentCipher,
  contentOctets: number,
): number {
  return CONTENT_CIPHERS[cipher].isAuthenticated
    ? contentOctets
    : BLOCK_OCTETS * (Math.floor(contentOctets / BLOCK_OCTETS) + 1);
}

/**
 * Encrypts content that is in memory.
 *
 * @param cipher Which cipher.
 * @param key Key, which is for this content alone.
 * @param nonce IV or nonce.
 * @param content Content.
 * @returns Ciphertext, and the tag; none if the cipher has none.
 */
export async function encryptContent(
  cipher: ContentCipher,
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
  content: Uint8Array<ArrayBuffer>,
): Promise<readonly [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]> {
  if (content.length <= SHORT_OCTETS) {
    return encryptShort(cipher, key, nonce, content);
  }
  const name = nameOf(cipher);
  const octets = new Uint8Array(
    await crypto.subtle.encrypt(
      { name, iv: nonce },
      await importKey(name, key),
      content,
    ),
  );
  const end = ciphertextOctetsOf(cipher, content.length);
  return [octets.subarray(0, end), octets.subarray(end)];
}

function encryptShort(
  cipher: ContentCipher,
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
  content: Uint8Array<ArrayBuffer>,
): readonly [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] {
  const { isAuthenticated } = CONTENT_CIPHERS[cipher];
  const encryption = createCipheriv(cipher, key, nonce);
  const ciphertext = concat([encryption.update(content), encryption.final()]);
  const tag = isAuthenticated
    ? new Uint8Array((encryption as CipherGCM).getAuthTag())
    : new Uint8Array();
  return [ciphertext, tag];
}

/**
 * Makes a cipher ready.
 *
 * @param cipher Which cipher.
 * @param key Key, which may be wiped then. A key is for one content alone.
 * @param nonce IV or nonce.
 * @returns What encrypts one content.
 */
export async function streamEncryption(
  cipher: ContentCipher,
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
): Promise<StreamEncryption> {
  // Both take the key now, before that is wiped.
  if (CONTENT_CIPHERS[cipher].isAuthenticated) {
    const encryption = createCipheriv("aes-256-gcm", key, nonce);
    return (chunks) => gcm(encryption, chunks);
  }
  const cryptoKey = await importKey(nameOf(cipher), key);
  return (chunks) => cbc(cryptoKey, nonce, chunks);
}

function nameOf(cipher: ContentCipher): "AES-CBC" | "AES-GCM" {
  return CONTENT_CIPHERS[cipher].isAuthenticated ? "AES-GCM" : "AES-CBC";
}

function importKey(
  name: string,
  key: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, name, false, ["encrypt"]);
}

/**
 * WebCrypto encrypts, on another thread, one piece at a time: the last block of
 * a piece's ciphertext is the IV of the next, and the block of padding that
 * WebCrypto adds to each piece is kept for the last one alone.
 */
async function* cbc(
  key: CryptoKey,
  firstIv: Uint8Array<ArrayBuffer>,
  chunks: AsyncIterable<Uint8Array>,
): ReturnType<StreamEncryption> {
  let iv = firstIv;
  const encrypt = async (octets: Uint8Array<ArrayBuffer>) =>
    new Uint8Array(
      await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, octets),
    );
  for await (const piece of pieces(chunks)) {
    if (piece.length === PIECE_OCTETS) {
      const ciphertext = (await encrypt(piece)).subarray(0, PIECE_OCTETS);
      iv = ciphertext.slice(-BLOCK_OCTETS);
      yield ciphertext;
    } else {
      yield await encrypt(piece);
    }
  }
  return new Uint8Array();
}

/**
 * WebCrypto has no GCM for a stream. `node:crypto` works on the calling thread;
 * so others get their turn after each piece.
 */
async function* gcm(
  encryption: CipherGCM,
  chunks: AsyncIterable<Uint8Array>,
): ReturnType<StreamEncryption> {
  for await (const piece of pieces(chunks)) {
    yield new Uint8Array(encryption.update(piece));
    await new Promise((resolve) => setTimeout(resolve));
  }
  encryption.final();
  return new Uint8Array(encryption.getAuthTag());
}

/**
 * Cuts and joins chunks: pieces of PIECE_OCTETS, and at the end a shorter one,
 * which may be empty. A piece is overwritten when the next is asked for.
 */
async function* pieces(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let piece = new Uint8Array(FIRST_OCTETS);
  let length = 0;
  try {
    for await (const chunk of chunks) {
      if (length + chunk.length > piece.length && piece.length < PIECE_OCTETS) {
        const larger = new Uint8Array(PIECE_OCTETS);
        larger.set(piece);
        piece.fill(0);
        piece = larger;
      }
      for (let offset = 0; offset < chunk.length;) {
        const part = chunk.subarray(offset, offset + PIECE_OCTETS - length);
        piece.set(part, length);
        offset += part.length;
        length += part.length;
        if (length === PIECE_OCTETS) {
          yield piece;
          length = 0;
        }
      }
    }
    yield piece.subarray(0, length);
  } finally {
    piece.fill(0);
  }
}
