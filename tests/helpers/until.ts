/**
 * Waiting for conditions.
 *
 * @module
 */

/** Milliseconds that a condition may take. */
const DEADLINE_MS = 60_000;

/**
 * Waits until something is so.
 *
 * @param what Words for the error.
 * @param condition Asked every 50 ms.
 * @throws {Error} If it is not so after a minute.
 */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
