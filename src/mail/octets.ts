/**
 * Small operations on octets that mail and CMS code share.
 *
 * @module
 */

/** Carriage return, US-ASCII. */
export const CR = 0x0d;
/** Line feed, US-ASCII. */
export const LF = 0x0a;
/** Space, US-ASCII. */
export const SPACE = 0x20;
/** Horizontal tab, US-ASCII. */
export const TAB = 0x09;

/** Hyphen, US-ASCII. */
export const HYPHEN = 0x2d;
/** Equals sign, US-ASCII. */
export const EQUALS_SIGN = 0x3d;

/** Arguments of one String.fromCharCode() call; V8 refuses about 120,000. */
const CHARACTERS_PER_CALL = 8192;

/**
 * Joins octets into one new array.
 *
 * @param parts Arrays in order.
 * @returns A copy of all of them.
 */
export function concat(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/**
 * Compares octets. Takes a time that depends on them, so it is not for secrets.
 *
 * @param a One array.
 * @param b The other array.
 * @returns Whether they have the same length and the same octets.
 */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Says whether octets are all US-ASCII, as text may be and ciphertext of any
 * length is not.
 *
 * @param octets Any octets.
 * @returns True if none is above 127.
 */
export function isAscii(octets: Uint8Array): boolean {
  for (let i = 0; i < octets.length; i++) if (octets[i]! > 0x7f) return false;
  return true;
}

/**
 * Turns each octet into the character with its number (ISO 8859-1).
 *
 * TextDecoder's "latin1" is windows-1252, which moves 0x80 to 0x9f elsewhere.
 *
 * @param octets Any octets.
 * @returns A string of the same length.
 */
export function latin1(octets: Uint8Array): string {
  let text = "";
  for (let i = 0; i < octets.length; i += CHARACTERS_PER_CALL) {
    text += String.fromCharCode(
      ...octets.subarray(i, i + CHARACTERS_PER_CALL),
    );
  }
  return text;
}

/**
 * Says whether an octet is white space of a mail body.
 *
 * @param octet An octet, or `undefined` behind the end.
 * @returns True for space, tab, CR and LF.
 */
export function isWhiteSpace(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB || octet === CR || octet === LF;
}

/**
 * Leaves out white space at both ends.
 *
 * @param octets Any octets.
 * @returns A view of the same memory.
 */
export function trim(
  octets: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  let start = 0;
  let end = octets.length;
  while (start < end && isWhiteSpace(octets[start])) start++;
  while (end > start && isWhiteSpace(octets[end - 1])) end--;
  return octets.subarray(start, end);
}
