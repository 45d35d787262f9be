/**
 * Cookies. The prefix `__Host-` makes browsers refuse one that was set by
 * another host, for another path or without TLS.
 *
 * @module
 */

import { SECRET_REGEXP } from "./secrets.ts";

/** Cookie of a session. */
export const SESSION_COOKIE = "__Host-encimap-session";

/** Cookie of a browser that has signed in before. */
export const DEVICE_COOKIE = "__Host-encimap-device";

/** Seconds for which a browser is known. */
const DEVICE_SECONDS = 90 * 86_400;

const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax";

/**
 * Reads the cookies of a request.
 *
 * @param header Value of the Cookie field.
 * @returns Ours, as far as they have the form of a secret.
 */
export function readCookies(header: string | null): Record<string, string> {
  const cookies: Record<string, string> = {};
  for (const part of (header ?? "").split(";")) {
    const [name, value = ""] = part.trim().split("=", 2);
    if (name !== SESSION_COOKIE && name !== DEVICE_COOKIE) continue;
    if (SECRET_REGEXP.test(value)) cookies[name] = value;
  }
  return cookies;
}

/**
 * Sets the cookie of a session, which ends with the browser.
 *
 * @param secret Its secret.
 * @returns Value of Set-Cookie.
 */
export function sessionCookie(secret: string): string {
  return `${SESSION_COOKIE}=${secret}; ${ATTRIBUTES}`;
}

/**
 * Sets the cookie of a browser that has signed in.
 *
 * @param secret Its secret.
 * @returns Value of Set-Cookie.
 */
export function deviceCookie(secret: string): string {
  return `${DEVICE_COOKIE}=${secret}; ${ATTRIBUTES}; Max-Age=${DEVICE_SECONDS}`;
}

/** Takes the cookie of a session away. */
export const NO_SESSION_COOKIE: string =
  `${SESSION_COOKIE}=; ${ATTRIBUTES}; Max-Age=0`;
