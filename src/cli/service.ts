/**
 * What every listening part of the program is to the command that runs it.
 *
 * @module
 */

/** A part of the program that listens. */
export interface Service {
  /** Stops taking requests; resolves when the open ones are answered. */
  stop(): Promise<void>;
}
