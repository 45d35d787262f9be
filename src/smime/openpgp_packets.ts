/**
 * Recognizes an encrypted OpenPGP message by its packets.
 *
 * @module
 */

import { isAscii } from "../mail/octets.ts";

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
  /** Offset behind the packet. */
  readonly next: number;
}

/**
 * Says whether octets are one encrypted OpenPGP message and nothing else: one
 * or more session keys (PKESK or SKESK), then exactly one packet of encrypted
 * content with integrity protection (SEIPD or AEAD) that goes to the end and is
 * not plainly text (no octet above 127).
 *
 * @param octets Packets in binary form; may be hostile.
 * @returns False also for signed, compressed, literal or damaged content, and
 * for the old encrypted packets without integrity protection.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9580#section-10.3 | RFC 9580 §10.3}
 */
export function isEncryptedOpenPgp(octets: Uint8Array<ArrayBuffer>): boolean {
  let sessionKeys = 0;
  let offset = 0;
  while (offset < octets.length) {
    const packet = readPacket(octets, offset);
    if (packet === undefined) return false;
    const versions = SESSION_KEY_VERSIONS[packet.type];
    if (versions === undefined) {
      const minLength = CONTENT_VERSIONS[packet.type]?.[packet.version];
      return sessionKeys > 0 && packet.next === octets.length &&
        minLength !== undefined && packet.length >= minLength &&
        !packet.isText;
    }
    if (!versions.includes(packet.version)) return false;
    if (packet.length < MIN_SESSION_KEY_OCTETS[packet.type]!) return false;
    sessionKeys++;
    offset = packet.next;
  }
  return false;
}

/**
 * Reads the header of a packet and finds its end.
 *
 * @returns `undefined` if the packet is malformed, empty or cut off.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9580#section-4.2 | RFC 9580 §4.2}
 */
function readPacket(octets: Uint8Array, offset: number): Packet | undefined {
  const first = octets[offset]!;
  if ((first & 0x80) === 0) return undefined;
  return (first & 0x40) === 0
    ? readLegacyPacket(octets, offset)
    : readOpenPgpPacket(octets, offset);
}

/** RFC 9580 §4.2.2: "old" format, lengths of 1, 2 or 4 octets. */
function readLegacyPacket(
  octets: Uint8Array,
  offset: number,
): Packet | undefined {
  const first = octets[offset]!;
  // An indeterminate length (3) is for content only, which has no type that
  // fits into this format.
  if ((first & 3) === 3) return undefined;
  const lengthOctets = 1 << (first & 3);
  const length = bigEndian(octets, offset + 1, lengthOctets);
  return packet(octets, (first >> 2) & 15, offset + 1 + lengthOctets, length);
}

/** RFC 9580 §4.2.1: "new" format, also with partial lengths. */
function readOpenPgpPacket(
  octets: Uint8Array,
  offset: number,
): Packet | undefined {
  const type = octets[offset]! & 63;
  const version = octets[bodyChunk(octets, offset + 1)?.start ?? -1];
  let position = offset + 1;
  let length = 0;
  let isText = true;
  for (;;) {
    const chunk = bodyChunk(octets, position);
    if (chunk === undefined) return undefined;
    if (chunk.isPartial) {
      if (CONTENT_VERSIONS[type] === undefined) return undefined;
      if (length === 0 && chunk.length < MIN_FIRST_PARTIAL_OCTETS) {
        return undefined;
      }
    }
    length += chunk.length;
    position = chunk.start + chunk.length;
    if (position > octets.length) return undefined;
    isText &&= isAscii(octets.subarray(chunk.start, position));
    if (!chunk.isPartial) break;
  }
  if (version === undefined || length === 0) return undefined;
  return { type, version, length, isText, next: position };
}

/** Length octets of a packet in the "new" format, and where they lead. */
interface BodyChunk {
  readonly start: number;
  readonly length: number;
  readonly isPartial: boolean;
}

function bodyChunk(octets: Uint8Array, offset: number): BodyChunk | undefined {
  const first = octets[offset];
  if (first === undefined) return undefined;
  if (first < 192) {
    return { start: offset + 1, length: first, isPartial: false };
  }
  if (first < 224) {
    const second = octets[offset + 1] ?? 0;
    const length = ((first - 192) << 8) + second + 192;
    return { start: offset + 2, length, isPartial: false };
  }
  if (first < 255) {
    return { start: offset + 1, length: 2 ** (first & 31), isPartial: true };
  }
  const length = bigEndian(octets, offset + 1, 4);
  return { start: offset + 5, length, isPartial: false };
}

function packet(
  octets: Uint8Array,
  type: number,
  start: number,
  length: number,
): Packet | undefined {
  const version = octets[start];
  const next = start + length;
  if (version === undefined || length === 0 || next > octets.length) {
    return undefined;
  }
  const isText = isAscii(octets.subarray(start, next));
  return { type, version, length, isText, next };
}

function bigEndian(octets: Uint8Array, start: number, count: number): number {
  let value = 0;
  // A missing octet makes the value too small or too large, but the packet
  // then ends behind the octets in any case.
  for (let i = start; i < start + count; i++) {
    value = value * 256 + (octets[i] ?? 0);
  }
  return value;
}
