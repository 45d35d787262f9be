/**
 * Puts a stored message and what was inside it together again.
 *
 * Written with strings and apart from the product, so that a mistake in the
 * product's own header code is not made twice.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Octets } from "./openssl.ts";

/** A message that was stored, and what its owner's reader made of it. */
export interface OpenedMessage {
  /** The stored file. */
  readonly stored: Octets;
  /** The decrypted inner entity. */
  readonly opened: Octets;
  /** Field lines of ours that come first, without line ends. */
  readonly traceFields?: readonly string[];
}

/** Lines between the outer fields of the message and the base64. */
const OURS =
  /^Content-Type: application\/pkcs7-mime; smime-type=(?:authE|e)nveloped-data; name="smime\.p7m"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="smime\.p7m"\r\nContent-Description: S\/MIME Encrypted Message\r\n\r\n/m;
/** The product takes what follows these for the body. */
const MAX_FIELDS = 20_000;
const MIME_VERSION = "MIME-Version: 1.0\r\n";

/**
 * Gives a message back from what is stored and what is inside.
 *
 * @param message The two halves.
 * @param original What was encrypted; only whether it has a MIME-Version is
 * looked up there, as nothing else says whose that field is.
 * @returns The message as {@linkcode groupFields} writes it.
 * @throws {Error} If the stored message is not of our form.
 */
export function rebuildMessage(
  message: OpenedMessage,
  original: Octets,
): Octets {
  const text = characters(message.stored);
  const trace = (message.traceFields ?? []).map((line) => `${line}\r\n`);
  if (!text.startsWith(trace.join(""))) throw new Error("No trace fields");
  const ours = OURS.exec(text);
  if (ours === null) throw new Error("Our fields are not there");
  let outer = text.slice(trace.join("").length, ours.index);
  if (!cut(original).outer.some((field) => /^mime-version\b/i.test(field))) {
    if (!outer.endsWith(MIME_VERSION)) throw new Error("No MIME-Version");
    outer = outer.slice(0, -MIME_VERSION.length);
  }
  return octetsOf(outer + characters(message.opened));
}

/**
 * Writes a message as it can be known from its two halves: with the line ends
 * of the wire, and its fields in order, but first those that stay outside.
 *
 * @param message As it came.
 * @returns Its octets in this order.
 */
export function groupFields(message: Octets): Octets {
  const { outer, inner, body } = cut(message);
  return octetsOf([...outer, ...inner, "\r\n", body].join(""));
}

/**
 * Takes the ContentInfo out of a stored message.
 *
 * @param stored The stored file.
 * @returns Its octets.
 */
export function contentInfoOf(stored: Octets): Octets {
  const text = characters(stored);
  return Uint8Array.fromBase64(text.slice(text.lastIndexOf("\r\n\r\n")));
}

interface Cut {
  readonly outer: readonly string[];
  readonly inner: readonly string[];
  readonly body: string;
}

function cut(message: Octets): Cut {
  const wire = withCrlf(characters(message)).replace(
    /^>*From /,
    "X-Mailbox-Line: $&",
  );
  const groups: { outer: string[]; inner: string[] } = { outer: [], inner: [] };
  const field = /[!-9;-~]+[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|$)/y;
  let end = 0;
  for (let match; (match = field.exec(wire)) !== null; end = field.lastIndex) {
    if (groups.outer.length + groups.inner.length === MAX_FIELDS) break;
    const text = match[0].endsWith("\n") ? match[0] : `${match[0]}\r\n`;
    const isInner = /^content-/i.test(text) || /\0|\r(?!\n)/.test(text);
    groups[isInner ? "inner" : "outer"].push(text);
  }
  return { ...groups, body: wire.slice(end).replace(/^\r?\n/, "") };
}

/** RFC 5322 §2.1; a message in LF form keeps the CR that it has before one. */
function withCrlf(text: string): string {
  return /^[^\n]*\r\n/.test(text)
    ? text.replace(/(?<!\r)\n/g, "\r\n")
    : text.replaceAll("\n", "\r\n");
}

function characters(octets: Octets): string {
  const { buffer, byteOffset, byteLength } = octets;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}

function octetsOf(text: string): Octets {
  return new Uint8Array(Buffer.from(text, "latin1"));
}
