/**
 * Packets of the milter protocol, version 6, as Postfix speaks it.
 *
 * A packet is the number of its octets (four, big endian), a letter, and data.
 * The protocol has no standard; Postfix's MILTER_README and the header file
 * `libmilter/mfdef.h` of Sendmail are what there is.
 *
 * @module
 * @see {@link https://www.postfix.org/MILTER_README.html | Postfix before-queue Milter support}
 */

import { concat, latin1 } from "../mail/octets.ts";

/** What Postfix says, SMFIC_*. */
export const COMMAND = {
  abort: "A",
  body: "B",
  end: "E",
  header: "L",
  macros: "D",
  mail: "M",
  negotiate: "O",
  quit: "Q",
  quitConnection: "K",
  recipient: "R",
} as const;

/** What is answered, SMFIR_*. */
export const REPLY = {
  changeHeader: "m",
  continue: "c",
  insertHeader: "i",
  replyCode: "y",
} as const;

/** The version that is spoken, SMFI_PROT_VERSION. */
export const VERSION = 6;

/** SMFIF_ADDHDRS and SMFIF_CHGHDRS: what this filter may do to a message. */
export const ACTIONS = 0x01 | 0x10;

/**
 * What is not to be sent (connection, HELO, unknown commands, DATA, the end of
 * the header), what is not answered (recipients, fields, parts of the body), and
 * SMFIP_HDR_LEADSPC: values as they are written.
 */
export const OPTIONS = 0x1 | 0x2 | 0x40 | 0x100 | 0x200 |
  0x80 | 0x8000 | 0x80000 | 0x100000;

/** Octets of a packet; Postfix sends bodies in parts of 64 KiB. */
const PACKET_MAX = 2 * 1024 * 1024;

/** A packet. */
export interface Packet {
  /** Its letter. */
  readonly command: string;
  /** Its data. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The other side does not speak the protocol. */
export class ProtocolError extends Error {}

/** Cuts what arrives into packets. */
export class PacketReader {
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  /**
   * Takes what has arrived.
   *
   * @param chunk Octets, cut anywhere.
   * @returns The packets that are complete now.
   * @throws {ProtocolError} If a packet is empty or larger than 2 MiB.
   */
  *take(chunk: Uint8Array<ArrayBuffer>): Generator<Packet> {
    this.#held = this.#held.length === 0 ? chunk : concat([this.#held, chunk]);
    while (this.#held.length >= 4) {
      const view = new DataView(this.#held.buffer, this.#held.byteOffset);
      const length = view.getUint32(0);
      if (length === 0 || length > PACKET_MAX) {
        throw new ProtocolError(`Packet of ${length} octets`);
      }
      if (this.#held.length < 4 + length) return;
      const packet = this.#held.subarray(4, 4 + length);
      this.#held = this.#held.subarray(4 + length);
      yield {
        command: String.fromCharCode(packet[0]!),
        data: packet.subarray(1),
      };
    }
  }
}

/**
 * Makes a packet.
 *
 * @param command Its letter.
 * @param parts Its data: numbers of four octets, and strings that end in NUL,
 * one octet for each character.
 * @returns The octets.
 */
export function packet(
  command: string,
  ...parts: (number | string)[]
): Uint8Array<ArrayBuffer> {
  const data = parts.map((part) => {
    if (typeof part === "number") return fourOctets(part);
    return Uint8Array.from(`${part}\0`, (letter) => letter.charCodeAt(0));
  });
  const letter = Uint8Array.of(command.charCodeAt(0));
  const length = data.reduce((sum, each) => sum + each.length, 1);
  return concat([fourOctets(length), letter, ...data]);
}

/**
 * Reads strings that end in NUL.
 *
 * @param data Data of a packet.
 * @returns The strings, one character for each octet.
 */
export function strings(data: Uint8Array<ArrayBuffer>): string[] {
  const text = latin1(data);
  return (text.endsWith("\0") ? text.slice(0, -1) : text).split("\0");
}

function fourOctets(number: number): Uint8Array {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, number);
  return octets;
}
