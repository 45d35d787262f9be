/**
 * QR codes (ISO/IEC 18004) of links: octets, error correction M, versions 1 to
 * 10, and one mask. Every reader takes any of the eight masks.
 *
 * @module
 */

/** Codewords of a version, of all kinds; the first is version 1. */
const CODEWORDS = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346] as const;

/** Codewords of a block that correct errors. */
const CORRECTING = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26] as const;

const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5] as const;

/** Where alignment patterns are, besides the first at 6. */
const ALIGNED: readonly (readonly number[])[] = [
  ...[[], [18], [22], [26], [30], [34]],
  ...[[22, 38], [24, 42], [26, 46], [28, 50]],
];

/** Version from which the length has two octets. */
const LONG_VERSION = 10;

/** Version from which the code names its version. */
const NAMED_VERSION = 7;

/** x^8 + x^4 + x^3 + x^2 + 1. */
const FIELD = 0x11d;

/**
 * Makes the code of a text.
 *
 * @param text The text.
 * @returns Rows of modules, true for dark; undefined if the text is too long.
 */
export function qrCode(text: string): boolean[][] | undefined {
  const octets = new TextEncoder().encode(text);
  for (let version = 1; version <= CODEWORDS.length; version++) {
    const data = dataWords(octets, version);
    if (data !== undefined) return draw(version, withCorrection(data, version));
  }
  return undefined;
}

/** Mode, length, octets and padding; undefined if they do not fit. */
function dataWords(
  octets: Uint8Array,
  version: number,
): number[] | undefined {
  const index = version - 1;
  const room = CODEWORDS[index]! - CORRECTING[index]! * BLOCKS[index]!;
  const countBits = version < LONG_VERSION ? 8 : 16;
  const bits: number[] = [];
  const append = (value: number, length: number): void => {
    for (let i = length - 1; i >= 0; i--) bits.push(value >>> i & 1);
  };
  append(0b0100, 4);
  append(octets.length, countBits);
  for (const octet of octets) append(octet, 8);
  if (bits.length > room * 8) return undefined;
  append(0, Math.min(4, room * 8 - bits.length));
  append(0, (8 - bits.length % 8) % 8);
  for (let pad = 0xec; bits.length < room * 8; pad ^= 0xec ^ 0x11) {
    append(pad, 8);
  }
  return Array.from(
    { length: room },
    (_, word) =>
      bits.slice(word * 8, word * 8 + 8)
        .reduce((value, bit) => value << 1 | bit, 0),
  );
}

/** The codewords of all blocks, in the order in which they are drawn. */
function withCorrection(data: readonly number[], version: number): number[] {
  const index = version - 1;
  const count = BLOCKS[index]!;
  const correcting = CORRECTING[index]!;
  const shortLength = Math.floor(CODEWORDS[index]! / count) - correcting;
  const shortCount = count - CODEWORDS[index]! % count;
  const divisor = divisorOf(correcting);
  let from = 0;
  const blocks = Array.from({ length: count }, (_, block) => {
    const to = from + shortLength + (block < shortCount ? 0 : 1);
    const words = data.slice(from, to);
    from = to;
    return { words, correction: remainder(words, divisor) };
  });
  const words: number[] = [];
  for (let i = 0; i <= shortLength; i++) {
    for (const block of blocks) {
      if (i < block.words.length) words.push(block.words[i]!);
    }
  }
  for (let i = 0; i < correcting; i++) {
    for (const { correction } of blocks) words.push(correction[i]!);
  }
  return words;
}

function multiply(one: number, other: number): number {
  let product = 0;
  for (let i = 7; i >= 0; i--) {
    product = product << 1 ^ (product >>> 7) * FIELD;
    product ^= (other >>> i & 1) * one;
  }
  return product;
}

/** Reed-Solomon's generator, without its leading 1. */
function divisorOf(degree: number): number[] {
  const divisor = [...new Array<number>(degree - 1).fill(0), 1];
  let root = 1;
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) {
      divisor[j] = multiply(divisor[j]!, root) ^ (divisor[j + 1] ?? 0);
    }
    root = multiply(root, 2);
  }
  return divisor;
}

function remainder(
  data: readonly number[],
  divisor: readonly number[],
): number[] {
  const rest = new Array<number>(divisor.length).fill(0);
  for (const word of data) {
    const factor = word ^ rest.shift()!;
    rest.push(0);
    divisor.forEach((each, i) => rest[i]! ^= multiply(each, factor));
  }
  return rest;
}

function draw(version: number, words: readonly number[]): boolean[][] {
  const size = version * 4 + 17;
  const modules: (boolean | undefined)[][] = Array.from(
    { length: size },
    () => new Array(size).fill(undefined),
  );
  const set = (x: number, y: number, isDark: boolean): void => {
    if (y in modules && x >= 0 && x < size) modules[y]![x] = isDark;
  };
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) {
    around(4, (dx, dy, far) => set(x + dx, y + dy, far !== 2 && far !== 4));
  }
  const aligned = [6, ...ALIGNED[version - 1]!];
  const last = aligned.at(-1)!;
  for (const x of aligned) {
    for (const y of aligned) {
      // Those would lie on the three above.
      if (x === 6 && (y === 6 || y === last) || x === last && y === 6) continue;
      around(2, (dx, dy, far) => set(x + dx, y + dy, far !== 1));
    }
  }
  drawFormat(size, set);
  if (version >= NAMED_VERSION) drawVersion(version, size, set);
  drawWords(modules, words);
  return modules as boolean[][];
}

function around(
  radius: number,
  each: (dx: number, dy: number, far: number) => void,
): void {
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      each(dx, dy, Math.max(Math.abs(dx), Math.abs(dy)));
    }
  }
}

type SetModule = (x: number, y: number, isDark: boolean) => void;

/** Error correction M and mask 0 are five zeros, and so is their remainder. */
function drawFormat(size: number, set: SetModule): void {
  const bit = (i: number): boolean => (0x5412 >>> i & 1) === 1;
  for (let i = 0; i < 6; i++) set(8, i, bit(i));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i));
  for (let i = 0; i < 8; i++) set(size - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i++) set(8, size - 15 + i, bit(i));
  set(8, size - 8, true);
}

function drawVersion(version: number, size: number, set: SetModule): void {
  let rest = version;
  for (let i = 0; i < 12; i++) rest = rest << 1 ^ (rest >>> 11) * 0x1f25;
  const bits = version << 12 | rest;
  for (let i = 0; i < 18; i++) {
    const isDark = (bits >>> i & 1) === 1;
    const [far, near] = [size - 11 + i % 3, Math.floor(i / 3)];
    set(far, near, isDark);
    set(near, far, isDark);
  }
}

/** Two columns at a time, from the right, up and down, where nothing is yet. */
function drawWords(
  modules: (boolean | undefined)[][],
  words: readonly number[],
): void {
  const size = modules.length;
  let bit = 0;
  for (let column = size - 1; column >= 1; column -= 2) {
    // The column of the timing pattern is no part of it.
    const right = column <= 6 ? column - 1 : column;
    const isUpward = (right + 1 & 2) === 0;
    for (let step = 0; step < size; step++) {
      const y = isUpward ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (modules[y]![x] !== undefined) continue;
        const word = words[bit >>> 3] ?? 0;
        const isDark = (word >>> (7 - bit % 8) & 1) === 1;
        modules[y]![x] = isDark !== ((x + y) % 2 === 0);
        bit++;
      }
    }
  }
}
