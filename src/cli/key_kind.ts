/**
 * The option `--key-type`.
 *
 * @module
 */

import { KEY_KINDS, type KeyKind } from "../vaultbox/key_pool.ts";
import { UsageError } from "./command.ts";

/**
 * Reads the option `--key-type`.
 *
 * @param text What was given.
 * @returns The kind; undefined if it was left out.
 * @throws {UsageError} If it is none.
 */
export function keyKindOf(
  text: unknown,
): KeyKind | undefined {
  const found = KEY_KINDS.find((each) => each === text);
  if (found !== undefined || text === undefined) return found;
  throw new UsageError(`--key-type must be ${KEY_KINDS.join(", ")}`);
}
