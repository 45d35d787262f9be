/**
 * Archives in the pax interchange format, written front to back.
 *
 * @module
 * @see {@link https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13 | POSIX.1-2024, pax, extended description}
 */

/** Octets of a block: headers and contents begin at multiples of it. */
export const TAR_BLOCK = 512;

/** Octets of a name that the plain header has room for. */
const NAME_MAX = 100;

/** Octets of a content whose length 11 octal digits can say. */
const SIZE_MAX = 0o77777777777;

/** Type of a directory. */
const DIRECTORY = 0x35;

const SPACE = 0x20;

/** What an archive says of one file. */
export interface TarEntry {
  /** Path with slashes, relative, of any length. */
  readonly path: string;
  /** Octets of its content. */
  readonly size: number;
  /** When it was changed, in seconds since 1970; 0 or later. */
  readonly mtime: number;
}

const encoder = new TextEncoder();

/**
 * Makes what stands before the content of a file.
 *
 * @param entry The file.
 * @returns One block, or three and more where a name is long or not ASCII.
 */
export function tarHeader(entry: TarEntry): Uint8Array<ArrayBuffer> {
  const { path, size } = entry;
  const isPlain = /^[ -~]*$/.test(path) && path.length <= NAME_MAX;
  if (isPlain && size <= SIZE_MAX) return block({ ...entry, type: "0" });
  const records = encoder.encode(
    paxRecord("path", path) +
      (size > SIZE_MAX ? paxRecord("size", String(size)) : ""),
  );
  const extended = {
    path: "PaxHeader",
    size: records.length,
    mtime: entry.mtime,
    type: "x",
  };
  // What cannot read the extended header makes a file of this short name.
  const short = path.replace(/[^ -~]/g, "_").slice(-NAME_MAX);
  const plain = { ...entry, path: short, type: "0" };
  return joined([
    block(extended),
    records,
    tarPadding(records.length),
    block({ ...plain, size: size > SIZE_MAX ? 0 : size }),
  ]);
}

/**
 * Makes a directory of an archive.
 *
 * @param path Its path, without a slash at its end.
 * @param mtime When it was changed, in seconds since 1970.
 * @returns One block, or three where the name is long or not ASCII.
 */
export function tarDirectory(
  path: string,
  mtime: number,
): Uint8Array<ArrayBuffer> {
  const header = tarHeader({ path: `${path}/`, size: 0, mtime });
  const last = header.subarray(header.length - TAR_BLOCK);
  last[156] = DIRECTORY;
  last.set(encoder.encode("0000700"), 100);
  sign(last);
  return header;
}

/**
 * Makes what stands behind the content of a file.
 *
 * @param size Octets of the content.
 * @returns Zeros up to the next block.
 */
export function tarPadding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

/**
 * Makes what stands at the end of an archive.
 *
 * @returns Two blocks of zeros.
 */
export function tarEnd(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(2 * TAR_BLOCK);
}

/**
 * Makes a whole file of an archive.
 *
 * @param path Its path.
 * @param content Its content.
 * @param at When it was changed.
 * @returns Header, content and padding.
 */
export function tarFile(
  path: string,
  content: Uint8Array<ArrayBuffer> | string,
  at: Date,
): Uint8Array<ArrayBuffer> {
  const octets = typeof content === "string"
    ? encoder.encode(content)
    : content;
  const mtime = Math.floor(at.getTime() / 1000);
  const header = tarHeader({ path, size: octets.length, mtime });
  return joined([header, octets, tarPadding(octets.length)]);
}

/** One record of an extended header: its own length in decimal comes first. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const octets = encoder.encode(rest).length;
  let length = octets + 1;
  while (octets + String(length).length !== length) length++;
  return `${length}${rest}`;
}

function block(
  { path, size, mtime, type }: TarEntry & { type: string },
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(TAR_BLOCK);
  const put = (at: number, text: string): void => {
    out.set(encoder.encode(text), at);
  };
  const octal = (value: number, digits: number): string =>
    value.toString(8).padStart(digits, "0");
  put(0, path);
  put(100, octal(0o600, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(Math.max(0, mtime), 11));
  put(156, type);
  put(257, "ustar");
  put(263, "00");
  sign(out);
  return out;
}

/** Writes the sum of a header, which counts as spaces in itself. */
function sign(header: Uint8Array<ArrayBuffer>): void {
  header.fill(SPACE, 148, 156);
  const sum = header.reduce((total, octet) => total + octet, 0);
  header.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

function joined(
  parts: readonly Uint8Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
