/**
 * Recognizes an encrypted OpenPGP message by its packets.
 *
 * @module
 */

import type { OctetStream } from "./octet_stream.ts";
import { type Recognizer, StreamRecognizer } from "./recognizer.ts";

/** Packet types, RFC 9580 §5. */
const PKESK = 1;
const SKESK = 3;
const SEIPD = 18;
/** Of the expired RFC 4880bis; GnuPG 2.3 and later write it. */
const AEAD_ENCRYPTED = 20;

/** Versions of the packets that carry a session key. */
const SESSION_KEY_VERSIONS: Readonly<Record<number, readonly number[]>> = {
  [PKESK]: [2, 3, 6], // RFC 9580 §5.1; 2 is from PGP 2.6 (RFC 1991)
  [SKESK]: [4, 5, 6], // RFC 9580 §5.3; 5 is of RFC 4880bis
};
/** Least lengths of the packets that carry a session key. */
const MIN_SESSION_KEY_OCTETS: Readonly<Record<number, number>> = {
  [PKESK]: 1 + 1 + 1 + 32, // version, key ID, algorithm; the least of RSA, ECDH
  [SKESK]: 4, // RFC 9580 §5.3.1: version, cipher, simple S2K
};

/** Versions of the packets that carry content, with their least lengths. */
const CONTENT_VERSIONS: Readonly<
  Record<number, Readonly<Record<number, number>>>
> = {
  [SEIPD]: {
    1: 1 + 10 + 22, // RFC 9580 §5.13.1: version, prefix, MDC
    2: 4 + 32 + 16, // RFC 9580 §5.13.2: parameters, salt, tag
  },
  [AEAD_ENCRYPTED]: { 1: 4 + 15 + 16 },
};

/** RFC 9580 §4.2.1.4. */
const MIN_FIRST_PARTIAL_OCTETS = 512;

/** One packet. */
interface Packet {
  readonly type: number;
  /** First octet of the body. */
  readonly version: number;
  /** Octets of the body. */
  readonly length: number;
  /** Whether the body is all US-ASCII. */
  readonly isText: boolean;
}

/**
 * Recognizes one encrypted OpenPGP message in binary form and nothing else: one
 * or more session keys (PKESK or SKESK), then exactly one packet of encrypted
 * content with integrity protection (SEIPD or AEAD) that goes to the end and is
 * not plainly text (no octet above 127).
 *
 * @returns What says no also to signed, compressed, literal or damaged content,
 * and to the old encrypted packets without integrity protection.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9580#section-10.3 | RFC 9580 §10.3}
 */
export function encryptedOpenPgp(): Recognizer {
  return new StreamRecognizer(function* (stream) {
    for (let sessionKeys = 0;; sessionKeys++) {
      const packet = yield* readPacket(stream);
      if (packet === undefined) return false;
      const versions = SESSION_KEY_VERSIONS[packet.type];
      if (versions === undefined) {
        const minLength = CONTENT_VERSIONS[packet.type]?.[packet.version];
        while (stream.available === 0 && !stream.isEnded) yield;
        return sessionKeys > 0 && stream.available === 0 &&
          minLength !== undefined && packet.length >= minLength &&
          !packet.isText;
      }
      if (!versions.includes(packet.version)) return false;
      if (packet.length < MIN_SESSION_KEY_OCTETS[packet.type]!) return false;
    }
  });
}

/**
 * Reads a packet.
 *
 * @returns `undefined` if there is none, or it is malformed, empty or cut off.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9580#section-4.2 | RFC 9580 §4.2}
 */
function* readPacket(
  stream: OctetStream,
): Generator<void, Packet | undefined, void> {
  while (stream.isShort) yield;
  const first = stream.peek(0);
  if (first === undefined || (first & 0x80) === 0) return undefined;
  stream.advance(1);
  return (first & 0x40) === 0
    ? yield* readLegacyPacket(stream, first)
    : yield* readOpenPgpPacket(stream, first & 63);
}

/** RFC 9580 §4.2.2: "old" format, lengths of 1, 2 or 4 octets. */
function* readLegacyPacket(
  stream: OctetStream,
  first: number,
): Generator<void, Packet | undefined, void> {
  // An indeterminate length (3) is for content only, which has no type that
  // fits into this format.
  if ((first & 3) === 3) return undefined;
  const length = readNumber(stream, 1 << (first & 3));
  const version = stream.peek(0);
  if (version === undefined || length === 0) return undefined;
  const { isText } = yield* stream.take(length);
  return { type: (first >> 2) & 15, version, length, isText };
}

/** RFC 9580 §4.2.1: "new" format, also with partial lengths. */
function* readOpenPgpPacket(
  stream: OctetStream,
  type: number,
): Generator<void, Packet | undefined, void> {
  let version: number | undefined;
  let length = 0;
  let isText = true;
  for (;;) {
    while (stream.isShort) yield;
    const chunk = readBodyLength(stream);
    if (chunk.isPartial) {
      if (CONTENT_VERSIONS[type] === undefined) return undefined;
      if (length === 0 && chunk.octets < MIN_FIRST_PARTIAL_OCTETS) {
        return undefined;
      }
    }
    version ??= stream.peek(0);
    length += chunk.octets;
    const taken = stream.takeNow(chunk.octets) ??
      (yield* stream.take(chunk.octets));
    isText &&= taken.isText;
    if (!chunk.isPartial) break;
  }
  if (version === undefined || length === 0) return undefined;
  return { type, version, length, isText };
}

/** Reads the length octets of a packet in the "new" format. */
function readBodyLength(
  stream: OctetStream,
): { readonly octets: number; readonly isPartial: boolean } {
  const first = readNumber(stream, 1);
  if (first < 192) return { octets: first, isPartial: false };
  if (first < 224) {
    const octets = ((first - 192) << 8) + readNumber(stream, 1) + 192;
    return { octets, isPartial: false };
  }
  if (first < 255) return { octets: 2 ** (first & 31), isPartial: true };
  return { octets: readNumber(stream, 4), isPartial: false };
}

/** Reads a number, most significant octet first. */
function readNumber(stream: OctetStream, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const octet = stream.peek(i);
    if (octet === undefined) throw new SyntaxError("Truncated");
    value = value * 256 + octet;
  }
  stream.advance(count);
  return value;
}
