/**
 * Addresses that a vaultbox may have.
 *
 * @module
 */

import { domainToASCII } from "node:url";
import { AppError } from "../errors.ts";

/**
 * Local part of a vaultbox's address, in lower case: 1 to 64 octets of letters,
 * digits, `.`, `_` and `-`; dots only between other characters, no `-` in front.
 *
 * This is less than RFC 5321 allows. The address becomes a key of Postfix's
 * maps and an argument of programs, so there is no quoted form, no character
 * that means something to a shell, a path or a map, and nothing that looks like
 * an option. `+` is left for sub-addresses (RFC 5233).
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2 | RFC 5321 §4.1.2}
 */
export const LOCAL_PART_REGEXP: RegExp =
  /^(?!.{65})[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_-]+)*$/;

/**
 * Domain of a vaultbox's address, in lower case: at least two labels of
 * letters, digits and hyphens, 253 octets. Domains in Unicode are kept as
 * A-labels (`xn--...`). The last label has a letter, so this is no IPv4 address.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc1123#section-2 | RFC 1123 §2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5890#section-2.3.1 | RFC 5890 §2.3.1}
 */
export const DOMAIN_REGEXP: RegExp =
  /^(?!.{254})(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 5321 §4.5.3.1.3: a path has 256 octets, two of them `<` and `>`. */
export const MAX_ADDRESS_OCTETS = 254;

const NOT_ASCII_REGEXP = /[^\p{ASCII}]/u;

/** An address in the form in which it is stored and compared. */
export interface Address {
  /** Local part, lower case; matches {@linkcode LOCAL_PART_REGEXP}. */
  readonly alias: string;
  /** Domain, lower case, A-labels; matches {@linkcode DOMAIN_REGEXP}. */
  readonly domain: string;
}

/**
 * Checks a local part.
 *
 * @param text Local part in any case.
 * @returns It in lower case.
 * @throws {AppError} `invalid_request` that names the field `alias`.
 */
export function parseAlias(text: string): string {
  const alias = asciiLowerCase(text);
  if (LOCAL_PART_REGEXP.test(alias)) return alias;
  throw new AppError(
    "invalid_request",
    "alias must be 1 to 64 letters (a to z), digits, '.', '_' or '-', with " +
      "dots only between other characters and no '-' in front",
  );
}

/**
 * Checks a domain.
 *
 * @param text Domain in any case, without a dot at the end; labels in Unicode
 * become A-labels (UTS 46, as browsers and registries do it).
 * @returns It in lower case, A-labels.
 * @throws {AppError} `invalid_request` that names the field `domain`.
 */
export function parseDomain(text: string): string {
  const domain = aLabels(text);
  if (domain !== undefined && DOMAIN_REGEXP.test(domain)) return domain;
  throw new AppError(
    "invalid_request",
    "domain must be a name of two or more labels (letters, digits and '-' " +
      "inside a label), at most 253 octets as A-labels",
  );
}

/**
 * A label in Unicode must become an `xn--` one: what maps to plain ASCII, such
 * as full-width letters, would let one name in under the looks of another.
 */
function aLabels(text: string): string | undefined {
  if (text.length > 253) return undefined;
  const lower = asciiLowerCase(text);
  if (!NOT_ASCII_REGEXP.test(text) && !lower.includes("xn--")) return lower;
  const labels = lower.split(".");
  const mapped = domainToASCII(lower).split(".");
  const isKept = mapped.length === labels.length &&
    labels.every((label, i) =>
      NOT_ASCII_REGEXP.test(label)
        ? mapped[i]!.startsWith("xn--")
        : mapped[i] === label
    );
  return isKept ? mapped.join(".") : undefined;
}

/**
 * Checks an address.
 *
 * @param text `alias@domain` in any case.
 * @returns Its parts in lower case.
 * @throws {AppError} `invalid_request` that names the field `email`, `alias`
 * or `domain`.
 */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf("@");
  if (at < 0) {
    throw new AppError("invalid_request", "email must be alias@domain");
  }
  const address = {
    alias: parseAlias(text.slice(0, at)),
    domain: parseDomain(text.slice(at + 1)),
  };
  // As A-labels it can be longer than it was.
  const octets = at + 1 + address.domain.length;
  if (Math.max(text.length, octets) > MAX_ADDRESS_OCTETS) {
    throw new AppError(
      "invalid_request",
      `email must have at most ${MAX_ADDRESS_OCTETS} octets`,
    );
  }
  return address;
}

/**
 * Local part that SMTPUTF8 allows besides: letters, digits and marks of all
 * scripts.
 */
const UTF8_LOCAL_PART_REGEXP =
  /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]*(?:\.[\p{L}\p{M}\p{N}_-]+)*$/u;

/** RFC 5321 §4.5.3.1.1, in octets. */
const LOCAL_PART_OCTETS_MAX = 64;

/**
 * Checks an address that need not be here, whose local part may have letters of
 * any script (RFC 6531 §3.3).
 *
 * @param text `alias@domain`.
 * @returns Its parts; a local part that is not ASCII in Unicode's form C and
 * otherwise as it was: only its host may say which are the same.
 * @throws {AppError} `invalid_request` that names the field `email`, `alias`
 * or `domain`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6531#section-3.3 | RFC 6531 §3.3}
 */
export function parseInternationalAddress(text: string): Address {
  const at = text.lastIndexOf("@");
  const alias = text.slice(0, Math.max(at, 0)).normalize("NFC");
  if (!NOT_ASCII_REGEXP.test(alias)) return parseAddress(text);
  const domain = parseDomain(text.slice(at + 1));
  const octets = new TextEncoder().encode(alias).length;
  if (
    octets > LOCAL_PART_OCTETS_MAX || !UTF8_LOCAL_PART_REGEXP.test(alias) ||
    octets + 1 + domain.length > MAX_ADDRESS_OCTETS
  ) {
    throw new AppError(
      "invalid_request",
      "email must have letters, digits, '.', '_' and '-' before the @, at " +
        `most ${LOCAL_PART_OCTETS_MAX} octets in UTF-8`,
    );
  }
  return { alias, domain };
}

/**
 * Lowers A to Z only: toLowerCase() would also turn the Kelvin sign U+212A
 * into a "k", and so let another address in under a homoglyph.
 */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
