/**
 * Text of unstructured fields for people.
 *
 * @module
 */

import { latin1 } from "./octets.ts";

const ENCODED_WORD_REGEXP =
  /=\?([!-)+-<>@-~]{1,40})(?:\*[!-<>@-~]{0,40})?\?([bq])\?([!->@-~]{0,1000})\?=/gi;
/** RFC 2047 §6.2: white space between two encoded words is not shown. */
const BETWEEN_REGEXP = /(=\?[!->@-~]+\?[bq]\?[!->@-~]*\?=)[ \t\r\n]+(?==\?)/gi;

/**
 * Decodes the text of an unstructured field, such as Subject.
 *
 * What is no good encoded word stays as it is. 8-bit octets are UTF-8, or ISO
 * 8859-1 if they are not.
 *
 * @param text Text with one character for each octet, as `fieldText()` gives it.
 * @param maxCharacters Characters at most; the rest is cut off.
 * @returns One line of text without control characters.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2047 | RFC 2047}
 */
export function decodedText(text: string, maxCharacters: number): string {
  // What is decoded is shorter, but for the frame of each word.
  const head = text.slice(0, maxCharacters * 16);
  const decoded = utf8(head)
    .replace(BETWEEN_REGEXP, "$1")
    .replace(ENCODED_WORD_REGEXP, decodeWord)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return [...decoded.toWellFormed()].slice(0, maxCharacters).join("").trim();
}

function decodeWord(
  word: string,
  charset: string,
  encoding: string,
  content: string,
): string {
  try {
    const octets = encoding.toLowerCase() === "b"
      ? Uint8Array.from(atob(content), (c) => c.charCodeAt(0))
      : qDecoded(content);
    return new TextDecoder(charset).decode(octets);
  } catch {
    return word;
  }
}

/** RFC 2047 §4.2. */
function qDecoded(content: string): Uint8Array<ArrayBuffer> {
  const text = content.replaceAll("_", " ").replace(
    /=([0-9a-f]{2})/gi,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function utf8(text: string): string {
  const octets = Uint8Array.from(text, (c) => c.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    return latin1(octets);
  }
}
