/**
 * Mail that comes back: what was delivered to an address before says so.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc9228 | RFC 9228}
 */

import { fieldTexts, splitEntity } from "./header.ts";

const decoder = new TextDecoder();

/**
 * Folds case as Postfix does before it looks an address up: U+017F becomes an s.
 *
 * @param text Address, or a part of one.
 * @returns The same for all that Postfix takes for the same.
 */
export function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}

/**
 * Says whether a message was delivered to an address before, as Postfix's own
 * delivery agents say it: by a field Delivered-To with the very address.
 *
 * @param head The message, or its first octets with all of its header.
 * @param address Address with its case folded.
 * @returns Whether a mailer, or its holder, sends it back in a loop.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9228#section-4 | RFC 9228 §4}
 */
export function wasDeliveredTo(
  head: Uint8Array<ArrayBuffer>,
  address: string,
): boolean {
  return fieldTexts(splitEntity(head).header, "Delivered-To").some((text) =>
    foldCase(textOf(text)) === address
  );
}

/** What is outside of ASCII was written as UTF-8. */
function textOf(latin1: string): string {
  return decoder.decode(
    Uint8Array.from(latin1, (letter) => letter.charCodeAt(0)),
  );
}
