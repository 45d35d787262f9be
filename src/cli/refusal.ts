/**
 * What the API says of a refusal, in the words of the command line.
 *
 * @module
 */

import type { AppError } from "../errors.ts";

/** Advice by `details.reason`, where the API's names its routes or fields. */
const ADVICE: Readonly<Record<string, string>> = {
  "needs_trial": "Send a trial mail with --trial, or give --explicit.",
  "no_trial": "Begin with: encimap vaultbox encryption ADDRESS --trial",
  unconfirmed:
    "encimap custody confirm ADDRESS <FILE, or encimap custody take-back ADDRESS: then a new key is made.",
  request: "encimap certificate request ADDRESS <FILE issues one on it.",
  certificate: "encimap certificate upload ADDRESS <FILE takes it.",
  destroyed:
    "The owner has the keys from an earlier bundle; encimap certificate generate ADDRESS makes a new one to hand out.",
  "held_elsewhere":
    "The owner has the key; encimap certificate upload or request renews it, and encimap custody set ADDRESS server|client has keys made here.",
};

/** Options by the API's fields, which begin a message. */
const OPTIONS: Readonly<Record<string, string>> = {
  "fingerprint_sha256": "--fingerprint",
  "content_cipher": "--content-cipher",
  "key_transport": "--key-transport",
  "header_protection": "--header-protection",
  "key_type": "--key-type",
};

/**
 * Says why something was refused and what to do.
 *
 * @param error The refusal.
 * @returns The reason, and behind it the advice if there is any.
 */
export function refusalLines({ message, details }: AppError): string[] {
  const { reason, advice, field } = details ?? {};
  const option = OPTIONS[String(field)];
  const isNamed = option !== undefined && message.startsWith(String(field));
  const told = ADVICE[String(reason)] ?? advice;
  return [
    isNamed ? option + message.slice(String(field).length) : message,
    ...(typeof told === "string" ? [told] : []),
  ];
}
