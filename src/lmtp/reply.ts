/**
 * Replies of LMTP.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc5321#section-4.2 | RFC 5321 §4.2}
 * @see {@link https://www.rfc-editor.org/rfc/rfc2034 | RFC 2034}
 */

import { type AppError, OUTCOMES } from "../errors.ts";

/** Longest text of a reply: a line has 512 octets. */
const TEXT_MAX = 400;

/** A delivery that is durable. */
export const STORED = "250 2.0.0 Stored";

/**
 * Says a failure in one line.
 *
 * @param error The failure.
 * @returns Reply code, enhanced status code and text, without the line end.
 */
export function refusal(error: AppError): string {
  const { reply, status } = OUTCOMES[error.code];
  const text = error.message.replaceAll(/[^\x20-\x7e]/g, "?");
  return `${reply} ${status} ${text.slice(0, TEXT_MAX)}`;
}

/**
 * What the server can do.
 *
 * @param hostname Name of this host.
 * @param maxOctets Largest message, RFC 1870.
 * @returns The reply to LHLO, a line each.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2033#section-5 | RFC 2033 §5}
 */
export function capabilities(hostname: string, maxOctets: number): string[] {
  return [
    `250-${hostname}`,
    "250-PIPELINING",
    `250-SIZE ${maxOctets}`,
    "250-8BITMIME",
    "250-SMTPUTF8",
    "250-ENHANCEDSTATUSCODES",
    "250 XFORWARD IDENT",
  ];
}
