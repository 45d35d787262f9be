/**
 * What every listening part of the program is to the command that runs it.
 *
 * @module
 */

/** A part of the program that listens. */
export interface Service {
  /** Rejects where it cannot go on. */
  readonly failed?: Promise<never>;
  /**
   * Stops taking requests; resolves when the open ones are answered.
   *
   * @param now When it fires nobody waits any more: peers are cut.
   */
  stop(now: AbortSignal): Promise<void>;
}
