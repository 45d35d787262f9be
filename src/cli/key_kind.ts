/**
 * The option `--key-type`.
 *
 * @module
 */

import { UsageError } from "./command.ts";

/** Kinds of new keys. */
const KEY_KINDS = ["rsa-2048", "rsa-3072", "rsa-4096", "p-256"] as const;

/** Kind of a new key. */
export type KeyWord = "rsa-2048" | "rsa-3072" | "rsa-4096" | "p-256";

/**
 * Reads the option `--key-type`.
 *
 * @param text What was given.
 * @returns The kind; undefined if it was left out.
 * @throws {UsageError} If it is none.
 */
export function keyKindOf(
  text: unknown,
): KeyWord | undefined {
  const found = KEY_KINDS.find((each) => each === text);
  if (found !== undefined || text === undefined) return found;
  throw new UsageError(`--key-type must be ${KEY_KINDS.join(", ")}`);
}
