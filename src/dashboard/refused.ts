/**
 * Refusals of the API that who has sent a form can act on.
 *
 * @module
 */

import { EncimapError } from "../../clients/typescript/encimap.ts";
import { AppError } from "../errors.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { TEXTS } from "./texts.ts";

/** Reasons whose words help who sees them. */
const SAID: readonly string[] = [
  "invalid_request",
  "conflict",
  "forbidden",
  "quota_exceeded",
];

/**
 * Says whether the API's words about a failure are for people.
 *
 * @param thrown What was thrown.
 * @returns The words, or undefined.
 */
export function wordsOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof EncimapError)) return undefined;
  return SAID.includes(thrown.code) ? thrown.message : undefined;
}

/**
 * Gets the words of a refusal for a page that shows the form again.
 *
 * @param thrown What was thrown.
 * @returns The words.
 * @throws What was thrown, if it is anything else.
 */
export function refusal(thrown: unknown): string {
  const isOurs = thrown instanceof AppError &&
    thrown.code === "invalid_request";
  const words = isOurs ? thrown.message : wordsOf(thrown);
  if (words === undefined) throw thrown;
  return words;
}

/**
 * Says whether the API has refused because there is no such thing.
 *
 * @param thrown What was thrown.
 * @returns Whether it was that.
 */
export function isNotFound(thrown: unknown): boolean {
  return thrown instanceof EncimapError && thrown.code === "not_found";
}

/**
 * Makes the options of a request that a form asks for once: sent again, by a
 * second press or by loading its answer again, it has the same answer.
 *
 * @param form The form, with the field `once`.
 * @returns Options of the client.
 * @throws {AppError} `invalid_request` if the field is no UUID.
 */
export function onceOf(
  form: Readonly<Record<string, string>>,
): { idempotencyKey: string } {
  const { once = "" } = form;
  if (UUID_REGEXP.test(once)) return { idempotencyKey: once };
  throw new AppError("invalid_request", TEXTS.errors.noName);
}
