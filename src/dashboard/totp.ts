/**
 * One-time codes of an authenticator app, RFC 6238 with what every app takes:
 * SHA-1, six digits, thirty seconds.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc6238#section-4 | RFC 6238}
 */

import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { isSame } from "./secrets.ts";

/** Octets of a key: as long as SHA-1's output, RFC 4226 section 4. */
const KEY_OCTETS = 20;

const STEP_MS = 30_000;

const DIGITS = 6;

/** Steps that a clock may be off, RFC 6238 section 5.2. */
const DRIFT = 1;

/** Characters of a recovery code: none looks like another. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";

const RECOVERY_CODES = 10;

const RECOVERY_LETTERS = 12;

/**
 * Makes a key.
 *
 * @returns 160 random bits.
 */
export function newTotpKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(KEY_OCTETS));
}

/**
 * Computes the code of a step, RFC 4226 section 5.3.
 *
 * @param key The key.
 * @param step Number of the step since 1970.
 * @returns Six digits.
 */
export function totpCode(key: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[mac.length - 1]! & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, "0");
}

/**
 * Checks a code.
 *
 * @param key The key.
 * @param code What was typed.
 * @param when The time, and the last step whose code was taken.
 * @returns The code's step, or undefined if it is wrong or was taken before.
 */
export function totpStep(
  key: Uint8Array,
  code: string,
  when: { now: Date; after: number },
): number | undefined {
  const current = Math.floor(when.now.getTime() / STEP_MS);
  let found: number | undefined;
  for (let step = current - DRIFT; step <= current + DRIFT; step++) {
    if (step > when.after && isSame(totpCode(key, step), code)) found ??= step;
  }
  return found;
}

/**
 * Writes a key for people and apps, RFC 4648 section 6.
 *
 * @param key The key.
 * @returns Base32 without padding.
 */
export function base32(key: Uint8Array): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const octet of key) bits += octet.toString(2).padStart(8, "0");
  return bits.match(/.{1,5}/g)!
    .map((five) => alphabet[Number.parseInt(five.padEnd(5, "0"), 2)]).join("");
}

/**
 * Writes the link that an authenticator app opens.
 *
 * @param key The key.
 * @param login Whose it is.
 * @param host Name of the appliance.
 * @returns An otpauth: URI.
 */
export function totpUri(key: Uint8Array, login: string, host: string): string {
  const label = encodeURIComponent(`${host}:${login}`);
  const query = `secret=${base32(key)}&issuer=${encodeURIComponent(host)}`;
  return `otpauth://totp/${label}?${query}`;
}

/**
 * Makes codes for the day on which the app is lost.
 *
 * @returns Ten codes of 59 bits.
 */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    let code = "";
    while (code.length < RECOVERY_LETTERS) {
      const [octet] = crypto.getRandomValues(new Uint8Array(1));
      // Each letter as likely as any other.
      if (octet! < 256 - 256 % LETTERS.length) {
        code += LETTERS[octet! % LETTERS.length];
      }
    }
    return code.replace(/.{4}(?=.)/g, "$&-");
  });
}

/**
 * Brings what was typed into the form of {@linkcode newRecoveryCodes}.
 *
 * @param typed What was typed, with or without dashes, in any case.
 * @returns The code.
 */
export function recoveryCode(typed: string): string {
  return typed.toLowerCase().replace(/[\s-]/g, "").replace(/.{4}(?=.)/g, "$&-");
}
