/**
 * Waiting for conditions.
 *
 * @module
 */

/** Seconds that a condition may take. */
const SECONDS = 60;

/**
 * Waits until something is so.
 *
 * @param what Words for the error.
 * @param condition Asked every 50 ms.
 * @param seconds How long it may take, on a machine that does much else.
 * @throws {Error} If it is not so by then.
 */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  seconds: number = SECONDS,
): Promise<void> {
  const deadline = Date.now() + 1000 * seconds;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`Not within ${seconds} s: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
