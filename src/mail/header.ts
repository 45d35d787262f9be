/**
 * The header section of a message: where it ends, its fields, their text.
 *
 * Everything here takes and gives views of the message's own octets, and takes
 * time in proportion to their number.
 *
 * @module
 */

import { concat, CR, latin1, LF, SPACE, TAB, trim } from "./octets.ts";

const COLON = 0x3a;
const FOLD_REGEXP = /\r?\n(?=[ \t])/g;
const MAILBOX_LINE_REGEXP = /^>*From /;
const encoder = new TextEncoder();

/**
 * Fields that a header section may have; what follows is body. A real one has a
 * hundredth of this, and a mail of 50 MB that is nothing but fields would keep
 * all others waiting.
 */
export const MAX_FIELDS = 20_000;

/**
 * Octets that a header section may have; what follows is body. So a message of
 * any size has all of its header in the part that is held in memory.
 */
export const MAX_HEADER_OCTETS = 1_048_576;

/** A message, or a part of one, cut at the end of its header section. */
export interface Entity {
  /** Octets of all fields, with their line ends; may be empty. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** Octets behind the header section and its empty line; may be empty. */
  readonly body: Uint8Array<ArrayBuffer>;
  /**
   * Whether an empty line stands between the two. If not, the message is a
   * header only, or its body begins with a line that is no field.
   */
  readonly hasEmptyLine: boolean;
}

/** One field of a header section. */
export interface Field {
  /** Name in lower case, without white space or colon. */
  readonly name: string;
  /** All octets of the field: name, value, continuation lines, line ends. */
  readonly octets: Uint8Array<ArrayBuffer>;
}

/**
 * Cuts a message where its header section ends: at the first empty line, before
 * the first line that is neither a field nor the continuation of one, or before
 * the field that is one too many or goes beyond 1 MiB.
 *
 * The second case is what cleanup(8) of Postfix does too: a line that is no
 * field begins the body. A reader that stops there never sees what follows as
 * a header, and what is not a header is content, which is not stored in clear.
 *
 * @param octets Message or part, with CRLF (or LF) line ends; what follows the
 * first 2 MiB may be missing.
 * @returns Views of `octets`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-2.1 | RFC 5322 §2.1}
 */
export function splitEntity(octets: Uint8Array<ArrayBuffer>): Entity {
  let start = 0;
  let count = 0;
  /** Where the last field begins. */
  let field = 0;
  while (start < octets.length) {
    const next = nextLine(octets, start);
    const isContinuation = start > 0 && isBlank(octets[start]);
    const isField = !isContinuation && count < MAX_FIELDS &&
      nameLength(octets, start) > 0;
    if (!isContinuation && !isField) {
      const hasEmptyLine = octets[start] === LF ||
        (octets[start] === CR && octets[start + 1] === LF);
      return {
        header: octets.subarray(0, start),
        body: octets.subarray(hasEmptyLine ? next : start),
        hasEmptyLine,
      };
    }
    if (isField) {
      count++;
      field = start;
    }
    if (next > MAX_HEADER_OCTETS) {
      return {
        header: octets.subarray(0, field),
        body: octets.subarray(field),
        hasEmptyLine: false,
      };
    }
    start = next;
  }
  return {
    header: octets,
    body: octets.subarray(octets.length),
    hasEmptyLine: false,
  };
}

/**
 * Lists the fields of a header section in order.
 *
 * @param header Header section as {@linkcode splitEntity} gives it.
 * @returns Fields, each with its continuation lines.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-2.2 | RFC 5322 §2.2}
 */
export function* fields(
  header: Uint8Array<ArrayBuffer>,
): Generator<Field, void> {
  let start = 0;
  while (start < header.length) {
    let end = nextLine(header, start);
    while (end < header.length && isBlank(header[end])) {
      end = nextLine(header, end);
    }
    const name = header.subarray(start, start + nameLength(header, start));
    yield {
      name: latin1(name).toLowerCase(),
      octets: header.subarray(start, end),
    };
    start = end;
  }
}

/**
 * Gives the text of a field: what follows the colon, unfolded, without white
 * space at its ends.
 *
 * @param field The field.
 * @returns Text with one character for each octet (ISO 8859-1), so nothing is
 * lost; encoded words and comments are not decoded.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-2.2.3 | RFC 5322 §2.2.3}
 */
export function fieldText(field: Field): string {
  const value = field.octets.subarray(field.octets.indexOf(COLON) + 1);
  return latin1(trim(value)).replace(FOLD_REGEXP, "");
}

/**
 * Finds the texts of all fields of one name.
 *
 * @param header Header section as {@linkcode splitEntity} gives it.
 * @param name Name in any case, as `Message-ID`.
 * @returns Texts as {@linkcode fieldText} gives them, in order; empty if there
 * is no such field.
 */
export function fieldTexts(
  header: Uint8Array<ArrayBuffer>,
  name: string,
): string[] {
  const wanted = name.toLowerCase();
  const texts: string[] = [];
  for (const field of fields(header)) {
    if (field.name === wanted) texts.push(fieldText(field));
  }
  return texts;
}

/**
 * Says whether all readers see the same lines in a field.
 *
 * @param field A field with CRLF line ends.
 * @returns False if it has a bare CR, which some readers take for a line end
 * (a way to smuggle in a field or the end of the header), or a NUL, which some
 * take for the end of the text.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-2.2 | RFC 5322 §2.2}
 */
export function isUnambiguous(field: Field): boolean {
  const { octets } = field;
  if (octets.includes(0)) return false;
  for (let i = octets.indexOf(CR); i >= 0; i = octets.indexOf(CR, i + 1)) {
    if (octets[i + 1] !== LF) return false;
  }
  return true;
}

/**
 * Makes a field of an mbox separator (`From sender date`) in the first line,
 * as smtpd(8) of Postfix does; pipe(8) with `flags=F` writes such a line.
 *
 * @param octets Message.
 * @returns The same array if there is no such line, else a copy in which it is
 * the value of an `X-Mailbox-Line` field.
 */
export function escapeMailboxLine(
  octets: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  let quotes = 0;
  while (octets[quotes] === 0x3e) quotes++;
  // Six octets more than the quotation marks: all that decides.
  const start = latin1(octets.subarray(Math.max(0, quotes - 1), quotes + 6));
  if (!MAILBOX_LINE_REGEXP.test(start)) return octets;
  return concat([encoder.encode("X-Mailbox-Line: "), octets]);
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}

/** Offset of the line behind the one that begins at `start`. */
function nextLine(octets: Uint8Array, start: number): number {
  const end = octets.indexOf(LF, start);
  return end < 0 ? octets.length : end + 1;
}

/**
 * Length of the field name at `start`, or 0 if no field begins there.
 *
 * RFC 5322 §3.6.8: printable US-ASCII but the colon; §4.5 lets white space
 * follow, which readers and Postfix accept.
 */
function nameLength(octets: Uint8Array, start: number): number {
  let end = start;
  for (; end < octets.length; end++) {
    const octet = octets[end]!;
    if (octet < 0x21 || octet > 0x7e || octet === COLON) break;
  }
  let colon = end;
  while (isBlank(octets[colon])) colon++;
  return octets[colon] === COLON ? end - start : 0;
}
