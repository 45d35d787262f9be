/**
 * Changes samples, from a seed.
 *
 * @module
 */

import { concat } from "../../src/mail/octets.ts";
import { CONSTRUCTED, derHeader } from "../../src/smime/der.ts";
import type { Random } from "../helpers/garbage.ts";

/** Octets of a sample. */
export type Octets = Uint8Array<ArrayBuffer>;

/** Longest mutant: more shows nothing new, and makes a run slow. */
const MAX_OCTETS = 65_536;

/** Octets that mean something: DER tags and lengths, line ends, specials. */
const ODD = [
  ...[0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x88, 0xfe, 0xff],
  ...[0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1f],
  ...[0x24, 0x30, 0x31, 0xa0, 0xa1, 0xa3, 0xbf, 0xc1, 0xd2, 0xe0],
  ...[0x09, 0x0a, 0x0d, 0x20, 0x22, 0x28, 0x29, 0x2d, 0x3a, 0x3b, 0x3d, 0x5c],
];

/**
 * Changes a sample in one to four places.
 *
 * @param random Source of the changes.
 * @param samples Samples; the first one taken may be spliced with another.
 * @returns A copy.
 */
export function mutate(random: Random, samples: readonly Octets[]): Octets {
  let octets: Octets = random.of(samples).slice();
  for (let i = random.below(4); i >= 0; i--) {
    octets = random.of(CHANGES)(random, octets, random.of(samples));
  }
  return octets.slice(0, MAX_OCTETS);
}

/**
 * Changes DER so that the lengths stay right: elements are dropped, doubled,
 * swapped, nested, or get another tag or content.
 *
 * @param random Source of the changes.
 * @param samples DER.
 * @returns DER.
 */
export function mutateDer(random: Random, samples: readonly Octets[]): Octets {
  const elements = parse(random.of(samples));
  const others = all(parse(random.of(samples)));
  for (let i = random.below(3); i >= 0; i--) {
    const parents = all(elements).filter((each) => each.children?.length);
    if (parents.length === 0) break;
    const { children } = random.of(parents);
    const at = random.below(children!.length);
    const element = children![at]!;
    random.of<() => void>([
      () => children!.splice(at, 1),
      () => children!.splice(at, 0, element),
      () => children!.splice(at, 1, structuredClone(random.of(others))),
      () => children!.reverse(),
      () => element.tag = random.of(ODD),
      () => element.tag ^= 1 << random.below(8),
      () => children![at] = nest(element, 1 << random.below(7)),
      () => {
        const count = Math.min(
          1 << random.below(9),
          Math.floor(MAX_OCTETS / write(element).length),
        );
        children!.splice(at, 0, ...Array<Element>(count).fill(element));
      },
      () => {
        delete element.children;
        element.content = random.of(CHANGES)(
          random,
          element.content.slice(),
          random.of(samples),
        );
      },
    ])();
  }
  return concat(elements.map((element) => write(element))).slice(0, MAX_OCTETS);
}

type Change = (random: Random, octets: Octets, other: Octets) => Octets;

const CHANGES: readonly Change[] = [
  (random, octets) => {
    if (octets.length > 0) {
      octets[random.below(octets.length)]! ^= 1 << random.below(8);
    }
    return octets;
  },
  (random, octets) => {
    if (octets.length > 0) octets[random.below(octets.length)] = random.of(ODD);
    return octets;
  },
  // A length of DER or OpenPGP, or a count.
  (random, octets) => {
    const at = random.below(octets.length + 1);
    const length = random.of([
      [0x84, 0xff, 0xff, 0xff, 0xff],
      [0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0x80],
      [0xff, 0xff, 0xff, 0xff, 0xff],
      [0x00],
      [0xfe],
    ]);
    octets.set(length.slice(0, octets.length - at), at);
    return octets;
  },
  (random, octets) => octets.slice(0, random.below(octets.length + 1)),
  (random, octets) => octets.slice(random.below(octets.length + 1)),
  (random, octets) => {
    const [start, end] = range(random, octets);
    return concat([octets.subarray(0, start), octets.subarray(end)]);
  },
  (random, octets) => {
    const [start, end] = range(random, octets);
    const piece = octets.subarray(start, Math.min(end, start + 200));
    const count = Math.min(
      1 << random.below(12),
      Math.floor(MAX_OCTETS / (piece.length + 1)),
    );
    return concat([
      octets.subarray(0, start),
      ...Array<Octets>(count).fill(piece),
      octets.subarray(start),
    ]);
  },
  (random, octets, other) => {
    const [start, end] = range(random, other);
    const at = random.below(octets.length + 1);
    return concat([
      octets.subarray(0, at),
      other.subarray(start, end),
      octets.subarray(random.below(2) === 0 ? at : octets.length),
    ]);
  },
  (random, octets) => {
    const at = random.below(octets.length + 1);
    const noise = Uint8Array.from(
      { length: random.below(40) },
      () => random.below(2) === 0 ? random.of(ODD) : random.below(256),
    );
    return concat([octets.subarray(0, at), noise, octets.subarray(at)]);
  },
];

function range(random: Random, octets: Octets): [number, number] {
  const a = random.below(octets.length + 1);
  const b = random.below(octets.length + 1);
  return [Math.min(a, b), Math.max(a, b)];
}

/** An element; constructed if it has children. */
interface Element {
  tag: number;
  content: Octets;
  children?: Element[];
}

/** Elements of good DER, with tags and lengths as our samples have them. */
function parse(octets: Octets): Element[] {
  const elements: Element[] = [];
  for (let i = 0; i < octets.length;) {
    const tag = octets[i]!;
    let length = octets[i + 1]!;
    i += 2;
    if (length > 0x80) {
      const end = i + (length & 0x7f);
      for (length = 0; i < end; i++) length = length * 256 + octets[i]!;
    }
    const content = octets.slice(i, i + length);
    elements.push({
      tag,
      content,
      ...((tag & CONSTRUCTED) !== 0 && { children: parse(content) }),
    });
    i += length;
  }
  return elements;
}

function all(elements: readonly Element[]): Element[] {
  const found = [...elements];
  for (const { children } of found) found.push(...children ?? []);
  return found;
}

function nest(element: Element, depth: number): Element {
  let outer = element;
  for (let i = 0; i < depth; i++) {
    outer = { tag: 0x30, content: new Uint8Array(), children: [outer] };
  }
  return outer;
}

function write({ tag, content, children }: Element): Octets {
  const octets = children === undefined
    ? content
    : concat(children.map((child) => write(child)));
  return concat([derHeader(tag, octets.length), octets]);
}
