/**
 * What the row of a message says of it.
 *
 * @module
 */

import { fieldTexts, splitEntity } from "../mail/header.ts";

/**
 * Makes a UUID of a hash (RFC 9562 section 5.8, version 8).
 *
 * @param digest 16 octets or more; some bits are changed.
 * @returns The UUID.
 */
export function uuidOf(digest: Uint8Array): string {
  digest[6] = digest[6]! & 0x0f | 0x80;
  digest[8] = digest[8]! & 0x3f | 0x80;
  const hex = digest.toHex();
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}

/**
 * Finds the Message-ID of a message.
 *
 * @param octets Its head.
 * @returns What a row has of it.
 */
export function messageIdField(octets: Uint8Array<ArrayBuffer>): string | null {
  const [text] = fieldTexts(splitEntity(octets).header, "Message-ID");
  return text === undefined ? null : forDatabase(text);
}

/**
 * Makes text of a stranger fit for a column: PostgreSQL's text takes no NUL, and
 * its columns have a limit.
 *
 * @param text The text.
 * @returns At most 255 printable characters; null if there are none.
 */
export function forDatabase(text: string): string | null {
  return text.replace(/[^\x20-\x7e]/g, "").trim().slice(0, 255) || null;
}
