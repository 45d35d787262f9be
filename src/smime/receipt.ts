/**
 * The receipt: a header field of ours that says who encrypted a message, and
 * how. docs/receipt.md is its contract.
 *
 * @module
 */

import {
  authenticationVerdict,
  parseAuthenticationResults,
} from "../mail/authentication_results.ts";
import { type Field, fieldText } from "../mail/header.ts";
import type { EncryptionPolicy } from "../encryption_policy.ts";

/** Name of the field, in lower case. */
const RECEIPT_NAME = "encimap-encryption";

/** What a receipt is made of, besides the encryption. */
export interface Border {
  /** When it is encrypted. */
  readonly at: Date;
  /** Host name of the appliance, lower case. */
  readonly hostname: string;
  /**
   * The authserv-id (RFC 8601 §2.5) of the operator's filter, lower case, whose
   * Authentication-Results are believed; undefined if there is no filter.
   */
  readonly authservId: string | undefined;
}

/** One certificate of a message. */
export interface ReceiptRecipient {
  /** How its holder gets the message's key. */
  readonly keyTransport: string;
  /** SHA-256 over the DER, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
}

/** Who encrypted a message, and how. */
export type Encryption =
  | { readonly by: "sender" }
  | {
    readonly by: "appliance";
    readonly contentCipher: EncryptionPolicy["contentCipher"];
    readonly headerProtection: EncryptionPolicy["headerProtection"];
    readonly recipients: readonly ReceiptRecipient[];
  };

/**
 * Says whether a field of an incoming message pretends to be the appliance's: a
 * receipt, or an Authentication-Results in its name that no filter of its own
 * has written. One whose author cannot be made out has to go if it names the
 * appliance anywhere.
 *
 * @param field A field as it came.
 * @param border Whose names are taken; with undefined only receipts are looked at.
 * @returns Whether it has to go.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8601#section-5 | RFC 8601 §5}
 */
export function isForged(
  field: Field,
  border: Pick<Border, "hostname" | "authservId"> | undefined,
): boolean {
  if (field.name === RECEIPT_NAME) return true;
  if (field.name !== "authentication-results" || border === undefined) {
    return false;
  }
  const { hostname, authservId: trusted } = border;
  const text = fieldText(field);
  const said = parseAuthenticationResults(text)?.authservId;
  if (said === undefined) {
    return text.toLowerCase().replace(/[\s"\\]/g, "").includes(hostname);
  }
  return said !== trusted && withoutDot(said) === hostname;
}

/**
 * Sums up what the operator's filter has said of a message.
 *
 * @param fields Fields of the message.
 * @param authservId Whom to believe; nobody if undefined.
 * @returns As {@linkcode authenticationVerdict}.
 */
export function verdictOf(
  fields: readonly Field[],
  authservId: string | undefined,
): string {
  if (authservId === undefined) return "none";
  const believed = fields
    .filter(({ name }) => name === "authentication-results")
    .flatMap((field) => parseAuthenticationResults(fieldText(field)) ?? [])
    .filter((results) => results.authservId === authservId);
  return authenticationVerdict(believed);
}

/**
 * Makes the receipt.
 *
 * @param encryption Who encrypted, and how.
 * @param border When, and where.
 * @param verdict As {@linkcode verdictOf}.
 * @returns The field with CRLF line ends, at most 78 characters in each line.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5322#section-2.2.3 | RFC 5322 §2.2.3}
 */
export function receipt(
  encryption: Encryption,
  { at }: Pick<Border, "at">,
  verdict: string,
): string {
  const time = at.toISOString().replace(/\.\d+Z$/, "Z");
  const lines = [`v=1; by=${encryption.by}; at=${time}`, `auth=${verdict}`];
  if (encryption.by === "appliance") {
    const { contentCipher, headerProtection, recipients } = encryption;
    lines.push(`content=${contentCipher}; header=${headerProtection}`);
    for (const { keyTransport, fingerprintSha256 } of recipients) {
      lines.push(`key=${keyTransport}`, `cert=${fingerprintSha256}`);
    }
  }
  return `Encimap-Encryption: ${lines.join(";\r\n ")}\r\n`;
}

function withoutDot(host: string): string {
  return host.replace(/\.$/, "");
}
