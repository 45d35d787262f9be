/**
 * The mail of a trial.
 *
 * @module
 */

import type { EncryptionPolicy } from "../encryption_policy.ts";

/** What the mail is made of. */
export interface TrialMail {
  /** Address of the vaultbox. */
  readonly address: string;
  /** Host name of the appliance. */
  readonly hostname: string;
  /** When it is made. */
  readonly at: Date;
  /** How it will be encrypted. */
  readonly policy: EncryptionPolicy;
  /** What its owner gives back. */
  readonly code: string;
}

/**
 * Writes the mail.
 *
 * @param mail What it is made of.
 * @returns The message with CRLF line ends, US-ASCII, below 2000 octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc3834#section-5 | RFC 3834 §5}
 */
export function trialMail(
  { address, hostname, at, policy, code }: TrialMail,
): Uint8Array<ArrayBuffer> {
  const lines = [
    `From: Encimap <no-reply@${hostname}>`,
    `To: ${address}`,
    "Subject: Can you read this mail?",
    `Date: ${at.toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${crypto.randomUUID()}@${hostname}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "Somebody wants mail to this mailbox to be encrypted like this one:",
    "",
    `  content cipher     ${policy.contentCipher}`,
    `  key transport      ${policy.keyTransport} (for RSA keys)`,
    `  header protection  ${policy.headerProtection}`,
    "",
    "If you can read this in every mail program that you use, and like what",
    'it shows (the subject is "Can you read this mail?"), confirm it with',
    "this code:",
    "",
    `  ${code}`,
    "",
    "If not, do nothing: new mail stays as it was.",
    "",
  ];
  return new TextEncoder().encode(lines.join("\r\n"));
}
