/**
 * Secrets that a browser brings back: cookies and one-time links. The store has
 * their digests only, so that a copy of it signs nobody in.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** Octets of a secret: nobody guesses them, and no salt is needed. */
const SECRET_OCTETS = 32;

/** A secret as text. */
export const SECRET_REGEXP: RegExp = /^[\w-]{43}$/;

/**
 * Makes a secret.
 *
 * @returns 256 random bits, base64url.
 */
export function newSecret(): string {
  const octets = crypto.getRandomValues(new Uint8Array(SECRET_OCTETS));
  return Buffer.from(octets).toString("base64url");
}

/**
 * Digests a secret for the store.
 *
 * @param secret The secret.
 * @returns SHA-256.
 */
export function digest(secret: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

/**
 * Makes the token that every form of a session carries. It tells nothing of the
 * session's secret.
 *
 * @param sessionSecret The session's secret.
 * @returns The token, base64url.
 */
export function formToken(sessionSecret: string): string {
  return createHmac("sha256", sessionSecret).update("form").digest("base64url");
}

/**
 * Compares two texts without telling where they differ.
 *
 * @param one A text.
 * @param other Another text.
 * @returns Whether they are the same.
 */
export function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}
