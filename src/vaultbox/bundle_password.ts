/**
 * Passwords of bundles: which are taken, and how new ones are made.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { randomLetters } from "./random_letters.ts";

/** Characters of a password, at least. */
export const BUNDLE_PASSWORD_MIN = 12;

/** Characters of a password, at most. */
export const BUNDLE_PASSWORD_MAX = 128;

/** Groups of a generated password; each letter has 5 bits. */
const GROUPS = 5;
const GROUP_LETTERS = 5;

/** What people can see, and the space; RFC 7292 appendix B.1 has the BMP only. */
const CHARACTERS_REGEXP = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]*$/u;
const BEYOND_BMP_REGEXP = /[\u{10000}-\u{10ffff}]/u;

/** What guessers try first. */
const COMMON_REGEXP =
  /passwor[dt]|qwert[yz](?:uiop)?|a[sz]dfgh?j?k?l?|[yz]xcvbn?m?|letmein|iloveyou|welcome|dragon|monkey|football|sunshine|princess/g;

/** Different characters that there must be besides what guessers try first. */
const DIFFERENT_MIN = 5;

/**
 * Makes a password that people can type on any keyboard.
 *
 * @returns 125 random bits as five groups of five lower-case letters and digits.
 */
export function newBundlePassword(): string {
  return Array.from({ length: GROUPS }, () => randomLetters(GROUP_LETTERS))
    .join("-");
}

/**
 * Checks the password that a bundle is to be locked with.
 *
 * Letters beyond ASCII are taken as Unicode's form C, which keyboards give and
 * GnuTLS makes of any other. OpenSSL, NSS, GnuTLS and Bouncy Castle read them;
 * keytool up to 21 does not, nor gpgsm what Latin-1 lacks.
 *
 * @param text What the caller asked for.
 * @param address Address of the vaultbox, which is no secret.
 * @returns The password in form C.
 * @throws {AppError} `invalid_request` if it is no 12 to 128 characters of the
 * BMP, has characters that nobody sees, or is among the first to be guessed.
 * The message does not quote it.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#appendix-B.1 | RFC 7292 appendix B.1}
 */
export function bundlePassword(text: string, address: string): string {
  const password = text.normalize("NFC");
  if (BEYOND_BMP_REGEXP.test(password)) {
    throw wrong("must not have characters above U+FFFF, such as emoji");
  }
  if (!CHARACTERS_REGEXP.test(password)) {
    throw wrong("must not have control, invisible or unknown characters");
  }
  const { length } = password;
  if (length < BUNDLE_PASSWORD_MIN || length > BUNDLE_PASSWORD_MAX) {
    throw wrong(
      `must have ${BUNDLE_PASSWORD_MIN} to ${BUNDLE_PASSWORD_MAX} characters`,
    );
  }
  if (differentCharacters(password, address) < DIFFERENT_MIN) {
    throw wrong("is too easy to guess");
  }
  return password;
}

/**
 * Counts characters that are not a part of the address or of a word that is
 * tried first, nor go on from the one before, as in "aaa", "abc" and "321".
 */
function differentCharacters(password: string, address: string): number {
  const [localPart = "", domain = ""] = address.toLowerCase().split("@");
  const rest = password.toLowerCase()
    .replaceAll(domain, "")
    .replaceAll(localPart, "")
    .replace(COMMON_REGEXP, "");
  const different = new Set<number>();
  let before = -Infinity;
  for (let i = 0; i < rest.length; i++) {
    const character = rest.charCodeAt(i);
    if (Math.abs(character - before) > 1) different.add(character);
    before = character;
  }
  return different.size;
}

function wrong(problem: string): AppError {
  return new AppError("invalid_request", `password ${problem}`, {
    details: { field: "password" },
  });
}
