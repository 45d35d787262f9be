/**
 * Field values with parameters: Content-Type and Content-Disposition.
 *
 * @module
 */

/** A value such as `text/plain; charset=utf-8`, taken apart. */
export interface Parameterized {
  /** What stands before the first semicolon, in lower case, as `text/plain`. */
  readonly value: string;
  /** Parameters by name in lower case; values as they came, unquoted. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Nobody needs more; a longer one is refused unread. */
const MAX_LENGTH = 10_000;

// RFC 2045 §5.1: printable US-ASCII but tspecials. "/" joins type and subtype.
const TOKEN_REGEXP = /[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+/y;
const VALUE_REGEXP =
  /[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+(?:\/[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+)?/y;
const QUOTED_STRING_REGEXP = /"((?:[^"\\]|\\[^])*)"/y;
const WHITE_SPACE_REGEXP = /[ \t\r\n]+/y;

/**
 * Takes a Content-Type or Content-Disposition apart, by the letter: readers
 * disagree about a malformed value, so there is no answer for it.
 *
 * @param text Unfolded value of the field.
 * @returns Its parts, or `undefined` if it is malformed, names a parameter
 * twice or is longer than 10,000 characters.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-5.1 | RFC 2045 §5.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc2183#section-2 | RFC 2183 §2}
 */
export function parseParameterized(text: string): Parameterized | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  let offset = skipComments(text, 0);
  const take = (regexp: RegExp): RegExpExecArray | null => {
    regexp.lastIndex = offset;
    const match = regexp.exec(text);
    if (match !== null) offset = skipComments(text, regexp.lastIndex);
    return match;
  };

  const value = take(VALUE_REGEXP);
  if (value === null) return undefined;
  const parameters = new Map<string, string>();
  while (text[offset] === ";") {
    offset = skipComments(text, offset + 1);
    // Outlook and others end the value with a semicolon.
    if (offset === text.length) break;
    const name = take(TOKEN_REGEXP)?.[0].toLowerCase();
    if (name === undefined || parameters.has(name)) return undefined;
    if (text[offset] !== "=") return undefined;
    offset = skipComments(text, offset + 1);
    const quoted = take(QUOTED_STRING_REGEXP)?.[1];
    const content = quoted?.replace(/\\([^])/g, "$1") ??
      take(TOKEN_REGEXP)?.[0];
    if (content === undefined) return undefined;
    parameters.set(name, content);
  }
  if (offset !== text.length) return undefined;
  return { value: value[0].toLowerCase(), parameters };
}

/**
 * Offset behind white space and comments (RFC 5322 §3.2.2), which nest. An
 * open comment is not skipped, so that what follows fails on its "(".
 */
function skipComments(text: string, start: number): number {
  let offset = start;
  for (;;) {
    WHITE_SPACE_REGEXP.lastIndex = offset;
    if (WHITE_SPACE_REGEXP.test(text)) offset = WHITE_SPACE_REGEXP.lastIndex;
    if (text[offset] !== "(") return offset;
    let depth = 0;
    let end = offset;
    do {
      // A backslash at the end takes a character that is not there.
      if (end >= text.length) return offset;
      if (text[end] === "\\") end++;
      else if (text[end] === "(") depth++;
      else if (text[end] === ")") depth--;
      end++;
    } while (depth > 0);
    offset = end;
  }
}
