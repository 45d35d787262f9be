/**
 * Runs a target and judges what it did.
 *
 * @module
 */

import type { Octets } from "./mutate.ts";
import type { Target } from "./targets.ts";

/** Longest time for one input of at most 1 MiB. */
const MAX_MS = 5000;

/** What V8 throws when something has no limit; a RangeError among others. */
const NO_LIMIT_REGEXP = /call stack|Invalid (?:array|string|typed)|allocation/i;

/**
 * Gives octets to a target.
 *
 * @param target What reads them.
 * @param octets What it reads.
 * @throws {Error} If it threw what its docstring does not name, ran out of
 * stack, or took longer than five seconds.
 */
export async function feed(target: Target, octets: Octets): Promise<void> {
  const started = performance.now();
  try {
    await target.run(octets);
  } catch (error) {
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      if (NO_LIMIT_REGEXP.test(each.message)) throw blame(target, octets, each);
    }
    if (!target.mayThrow.some((known) => error instanceof known)) {
      throw blame(target, octets, error);
    }
  }
  const milliseconds = performance.now() - started;
  if (milliseconds > MAX_MS) {
    throw blame(target, octets, new Error(`${Math.round(milliseconds)} ms`));
  }
}

function blame({ name }: Target, octets: Octets, cause: unknown): Error {
  const start = octets.subarray(0, 3000).toHex();
  return new Error(`${name} of ${octets.length} octets: ${start}`, { cause });
}
