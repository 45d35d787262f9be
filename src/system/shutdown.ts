/**
 * Signals as an AbortSignal.
 *
 * @module
 */

/** Whether the process was told to stop. */
export interface Shutdown extends Disposable {
  /** Fires at the first signal. */
  readonly signal: AbortSignal;
  /** Fires at the second one: whoever sends it does not want to wait. */
  readonly again: AbortSignal;
}

/**
 * Waits for SIGTERM or SIGINT.
 *
 * @returns What fires; disposing of it stops the listening.
 */
export function shutdownSignal(): Shutdown {
  const first = new AbortController();
  const second = new AbortController();
  const abort = (): void => (first.signal.aborted ? second : first).abort();
  Deno.addSignalListener("SIGTERM", abort);
  Deno.addSignalListener("SIGINT", abort);
  return {
    signal: first.signal,
    again: second.signal,
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGTERM", abort);
      Deno.removeSignalListener("SIGINT", abort);
    },
  };
}
