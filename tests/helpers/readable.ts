/**
 * What stands in an answer, in whatever coding.
 *
 * @module
 */

/** Base64 and hexadecimal digits that are long enough for a certificate. */
const BASE64 = /[A-Za-z0-9+/]{64,}={0,2}/g;
const HEX = /(?:[0-9a-f]{2}){64,}/g;

/**
 * Reads the certificates in a text, too: a name in one is plain in its DER.
 *
 * @param text Text or JSON, with PEM or SMIMEA records in it.
 * @returns The text, and behind it as Latin-1 what Base64 and hexadecimal digits
 * in it stand for.
 */
export function readable(text: string): string {
  const joined = text.replace(/\\n|\n/g, "");
  const decoded = [
    ...(joined.match(HEX) ?? []).map((run) => Uint8Array.fromHex(run)),
    ...(joined.match(BASE64) ?? [])
      .filter((run) => run.length % 4 === 0)
      .map((run) => Uint8Array.fromBase64(run)),
  ];
  const latin1 = new TextDecoder("latin1");
  return [text, ...decoded.map((octets) => latin1.decode(octets))].join("\n");
}
