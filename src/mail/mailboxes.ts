/**
 * The addresses of a From or Sender field.
 *
 * @module
 */

/** Stands for a quoted string; no text that is looked at has this character. */
const QUOTED = '"';

/** A display name: atoms, their dots, quoted strings; 8-bit text is let pass. */
const PHRASE_REGEXP = /^[A-Za-z0-9!#$%&'*+\/=?^_`{|}~.\x80-\xff \t"-]*$/;

/** An address; what a vaultbox cannot have needs no closer look. */
const ADDRESS_REGEXP =
  /^(?:(?![<>()[\]\\,:;@"])[!-~\x80-\xff])+@(?:(?![<>()[\]\\,:;@"])[!-~\x80-\xff])+$/;

/**
 * Lists the addresses of a mailbox-list. It is strict, so that nothing is
 * shown as the author that was not seen here: no group, no route, no quoted
 * local part, nothing between or behind the parts.
 *
 * @param text Unfolded value of the field; one character for each octet.
 * @returns Addresses as they are written, at least one; undefined if the value
 * is something else.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-3.4 | RFC 5322 §3.4}
 */
export function mailboxes(text: string): string[] | undefined {
  const items = split(text);
  if (items === undefined) return undefined;
  const found: string[] = [];
  for (const item of items) {
    const match = /^([^<>]*)<([^<>]*)>\s*$/.exec(item);
    const phrase = match?.[1] ?? "";
    const address = (match?.[2] ?? item).trim();
    if (!PHRASE_REGEXP.test(phrase) || !ADDRESS_REGEXP.test(address)) {
      return undefined;
    }
    found.push(address);
  }
  return found;
}

/**
 * Cuts at commas; a comment becomes a space and a quoted string one quotation
 * mark. Undefined if one of them is open.
 */
function split(text: string): string[] | undefined {
  const items: string[] = [];
  let item = "";
  let depth = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === "\\" && (isQuoted || depth > 0)) {
      i++;
    } else if (isQuoted) {
      if (character === '"') isQuoted = false;
    } else if (character === "(") {
      depth++;
    } else if (depth > 0) {
      if (character === ")" && --depth === 0) item += " ";
    } else if (character === '"') {
      isQuoted = true;
      item += QUOTED;
    } else if (character === ",") {
      items.push(item);
      item = "";
    } else {
      item += character;
    }
  }
  return depth > 0 || isQuoted ? undefined : [...items, item];
}
