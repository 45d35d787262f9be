/**
 * For how long a client may take to hand a message over, by whichever door.
 *
 * All clients are on this machine, so one that is slow has stopped or is not what
 * it should be, and keeps one of few places. Who is cut tries again. Each
 * deadline is below that of who waits for it: a message waits for its turn for 20
 * seconds, or 40 if it is large, then these; encimap_pipe.sh gives up after 240,
 * Postfix's lmtp(8) after 300 at each step (master.cf).
 *
 * @module
 */

/** Milliseconds for the next octets. */
export const SILENCE_MS = 20_000;

/** Milliseconds for a whole message: 50 MB at a third of a megabyte a second. */
export const MESSAGE_MS = 150_000;
