/**
 * Signals as an AbortSignal.
 *
 * @module
 */

/** Milliseconds in which a connection that is open may bring a message. */
export const BEGIN_MS = 2000;

/** Milliseconds in which a message that has begun must be here. */
export const SEND_MS = 8000;

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
