/**
 * Octets for tests.
 *
 * @module
 */

/**
 * Gives the octets of a text in ISO 8859-1.
 *
 * @param text Characters up to U+00FF.
 * @returns One octet for each.
 */
export function octets(text: string): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new RangeError("Not ISO 8859-1");
    out[i] = code;
  }
  return out;
}
