/**
 * The end of a process: its signals, and for whom it waits how long.
 *
 * @module
 */

/** Milliseconds in which a connection that is open may bring a message. */
const BEGIN_MS = 2000;

/** Milliseconds in which a message that has begun must be here. */
export const SEND_MS = 8000;

/**
 * Milliseconds for all that is under way, below TimeoutStopSec= of the intake's
 * unit; the API's unit does not wait as long.
 */
export const STOP_MS = 60_000;

/** Milliseconds for what a crash may end as well, such as a sweep. */
export const FINISH_MS = 5000;

/** What keeps a door from closing. */
export interface Cuts {
  /** Cuts those that have brought no message yet. */
  silent(): void;
  /** Cuts those that are still sending one. */
  slow(): void;
  /** Cuts all. */
  all(): void;
}

/**
 * Waits until the connections of a door that takes no more of them have ended,
 * and cuts those that keep it: who begins nothing in two seconds, who is still
 * sending after eight, and everybody `now`.
 *
 * @param closed Resolves when all have ended.
 * @param cut What cuts them.
 * @param now When it fires nobody waits any more.
 */
export async function closeDoor(
  closed: Promise<unknown>,
  cut: Cuts,
  now: AbortSignal,
): Promise<void> {
  const timers = [
    setTimeout(() => cut.silent(), BEGIN_MS),
    setTimeout(() => cut.slow(), SEND_MS),
  ];
  const all = (): void => cut.all();
  now.addEventListener("abort", all, { once: true });
  if (now.aborted) all();
  try {
    await closed;
  } finally {
    timers.forEach(clearTimeout);
    now.removeEventListener("abort", all);
  }
}

/**
 * Waits for work to end, but not for ever.
 *
 * @param work The work; it goes on if it is not waited for.
 * @param ms Milliseconds at most.
 * @param now When it fires nobody waits any more.
 * @returns Whether it has ended.
 */
export async function endsIn(
  work: Promise<unknown>,
  ms: number,
  now: AbortSignal = new AbortController().signal,
): Promise<boolean> {
  if (now.aborted) return false;
  const late = Promise.withResolvers<boolean>();
  const give = (): void => late.resolve(false);
  const timer = setTimeout(give, ms);
  now.addEventListener("abort", give, { once: true });
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
    now.removeEventListener("abort", give);
  }
}

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
