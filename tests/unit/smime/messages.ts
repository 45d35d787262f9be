/**
 * Messages for tests of isEncrypted().
 *
 * @module
 */

import { octets } from "../mail/octets.ts";
import { armor, ENCRYPTED } from "./openpgp.ts";

/** Octets of a message or of packets. */
export type Octets = Uint8Array<ArrayBuffer>;

const HEADER = ["From: a@example.com", "Subject: x", "MIME-Version: 1.0"];

/** Says that the body is S/MIME. */
export const P7M_TYPE =
  'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"';
/** Says that the body is base64. */
export const BASE64 = "Content-Transfer-Encoding: base64";
/** Says that the body is S/MIME in base64. */
export const P7M: readonly string[] = [P7M_TYPE, BASE64];
/** Says that the body is PGP/MIME. */
export const PGP_TYPE =
  'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b1"';
/** First part of PGP/MIME. */
export const CONTROL =
  "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n";
/** Field of the second part of PGP/MIME. */
export const DATA =
  'Content-Type: application/octet-stream; name="encrypted.asc"\r\n';
/** An armored message. */
export const PGP: string = armor(ENCRYPTED);
/** A body of PGP/MIME. */
export const PGP_BODY: string = parts(CONTROL, `${DATA}\r\n${PGP}`);
/** Says that the body is text. */
export const TEXT = "Content-Type: text/plain; charset=utf-8";

/**
 * Builds a message with CRLF.
 *
 * @param header Field lines behind From, Subject and MIME-Version.
 * @param body Body in ISO 8859-1.
 * @returns The message.
 */
export function message(header: readonly string[], body: string): Octets {
  return octets(
    [...HEADER, ...header].map((line) => `${line}\r\n`).join("") + "\r\n" +
      body,
  );
}

/**
 * Builds a multipart body with the boundary of {@linkcode PGP_TYPE}.
 *
 * @param contents Parts.
 * @returns The body.
 */
export function parts(...contents: readonly string[]): string {
  return contents.map((content) => `--b1\r\n${content}\r\n`).join("") +
    "--b1--\r\n";
}

/**
 * Encodes in base64 with lines of 64.
 *
 * @param content Octets.
 * @returns Lines with CRLF.
 */
export function base64(content: Octets): string {
  return `${content.toBase64().replace(/.{64}/g, "$&\r\n")}\r\n`;
}
