/**
 * Programs that tests have started.
 *
 * @module
 */

/**
 * Sends a signal to a program and waits for its end, which may have come before.
 *
 * @param child The program.
 * @param signal The signal.
 * @returns Its exit status.
 */
export async function endChild(
  child: Deno.ChildProcess,
  signal: Deno.Signal = "SIGTERM",
): Promise<number> {
  try {
    child.kill(signal);
  } catch {
    // It has ended by itself.
  }
  return (await child.status).code;
}
