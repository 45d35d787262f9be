/**
 * Writes DER with definite lengths.
 *
 * @module
 */

import { concat } from "../mail/octets.ts";

/** Universal tag INTEGER. */
export const INTEGER = 0x02;
/** Universal tag OCTET STRING, primitive. */
export const OCTET_STRING = 0x04;
/** Universal tag NULL. */
export const NULL = 0x05;
/** Universal tag OBJECT IDENTIFIER. */
export const OBJECT_IDENTIFIER = 0x06;
/** Universal tag SEQUENCE, constructed. */
export const SEQUENCE = 0x30;
/** Universal tag SET, constructed. */
export const SET = 0x31;
/** Bit of an identifier octet that says that the content is elements. */
export const CONSTRUCTED = 0x20;

/**
 * Gives the identifier octet of a context-specific tag.
 *
 * @param number Tag number, 0 to 30.
 * @param options `isConstructed` if the content is elements; true if left out.
 * @returns The identifier octet.
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §8.1.2}
 */
export function contextTag(
  number: number,
  options: { isConstructed?: boolean } = {},
): number {
  return 0x80 | number | ((options.isConstructed ?? true) ? CONSTRUCTED : 0);
}

/**
 * Encodes the identifier and length octets of an element, whose content may
 * then be written as a stream.
 *
 * @param tag Identifier octet.
 * @param length Octets of content.
 * @returns Identifier and length in the shortest form.
 * @throws {RangeError} If `length` is no integer >= 0.
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §8.1.3, §10.1}
 */
export function derHeader(
  tag: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new RangeError(
      `Cannot encode a length as it must be an integer >= 0: current value is ${length}`,
    );
  }
  if (length < 0x80) return new Uint8Array([tag, length]);
  const octets: number[] = [];
  // No bit operators: they cut to 32 bits.
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) {
    octets.unshift(rest % 256);
  }
  return new Uint8Array([tag, 0x80 | octets.length, ...octets]);
}

/**
 * Encodes an element.
 *
 * @param tag Identifier octet.
 * @param content Octets of content, or encoded elements in order.
 * @returns The element.
 */
export function der(
  tag: number,
  ...content: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of content) length += part.length;
  return concat([derHeader(tag, length), ...content]);
}

/**
 * Encodes a SET OF, whose elements DER wants in ascending order.
 *
 * @param elements Encoded elements in any order.
 * @returns The set.
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §11.6}
 */
export function derSetOf(
  elements: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  return der(SET, ...elements.toSorted(compareOctets));
}

/**
 * Encodes the content octets of an OBJECT IDENTIFIER.
 *
 * @param dotted Dotted form, as `1.2.840.113549`.
 * @returns Content octets, without tag and length.
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §8.19}
 */
export function objectIdentifier(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const octets: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const base128 = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0;) {
      base128.unshift(0x80 | left % 128);
      left = Math.floor(left / 128);
    }
    octets.push(...base128);
  }
  return new Uint8Array(octets);
}

/**
 * X.690 §11.6: as octet strings, the shorter one padded with zeros. Two
 * elements where one is the other's beginning cannot occur, since an element
 * says its own length.
 */
function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
