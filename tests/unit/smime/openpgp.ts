/**
 * OpenPGP packets and armor for tests, with ciphertext that is none.
 *
 * @module
 */

import { concat } from "../../../src/mail/octets.ts";

/** Octets of packets. */
export type Octets = Uint8Array<ArrayBuffer>;

/**
 * Writes a packet in the "new" format with a length of four octets.
 *
 * @param type Packet type, 0 to 63.
 * @param body Its body.
 * @returns The packet.
 */
export function packet(type: number, body: Octets): Octets {
  const header = new Uint8Array(6);
  header.set([0xc0 | type, 0xff]);
  new DataView(header.buffer).setUint32(2, body.length);
  return concat([header, body]);
}

/**
 * Writes a packet in the "old" format with a length of two octets.
 *
 * @param type Packet type, 0 to 15.
 * @param body Its body.
 * @returns The packet.
 */
export function oldPacket(type: number, body: Octets): Octets {
  const header = new Uint8Array([
    0x80 | type << 2 | 1,
    body.length >> 8,
    body.length & 0xff,
  ]);
  return concat([header, body]);
}

/**
 * Makes a body of a packet.
 *
 * @param version First octet.
 * @param length Octets in all.
 * @returns The body.
 */
export function body(version: number, length: number): Octets {
  const out = new Uint8Array(length).fill(0xa5);
  out[0] = version;
  return out;
}

/** A session key for a public key, version 3. */
export const PKESK: Octets = packet(1, body(3, 268));

/** Content with integrity protection, version 1. */
export const SEIPD: Octets = packet(18, body(1, 100));

/** An encrypted message. */
export const ENCRYPTED: Octets = concat([PKESK, SEIPD]);

/** What may differ in an armor. */
export interface ArmorParts {
  /** Lines between the first line and the empty one. */
  readonly headers?: readonly string[];
  /** Checksum line; none if left out. */
  readonly checksum?: string;
  /** Kind of message; `MESSAGE` if left out. */
  readonly label?: string;
}

/**
 * Armors packets.
 *
 * @param packets Octets.
 * @param parts What differs.
 * @returns Text with CRLF line ends.
 */
export function armor(packets: Octets, parts: ArmorParts = {}): string {
  const { headers = [], checksum, label = "MESSAGE" } = parts;
  const lines = packets.toBase64().replace(/.{64}/g, "$&\n").trimEnd();
  return [
    `-----BEGIN PGP ${label}-----`,
    ...headers,
    "",
    ...lines.split("\n"),
    ...(checksum === undefined ? [] : [checksum]),
    `-----END PGP ${label}-----`,
    "",
  ].join("\r\n");
}
