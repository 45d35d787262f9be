/**
 * How long the sender of a message may keep others waiting.
 *
 * @module
 */

/** Milliseconds for which it may, beside the time that its octets take. */
const CROWDED_MS = 3000;

/** Octets for which it is given a millisecond more: a megabyte each second. */
const OCTETS_PER_MS = 1000;

/**
 * Adds up how long one sender was waited for. While nobody else waits, that is
 * no matter.
 */
export class Patience {
  readonly #isCrowded: () => boolean;
  #waitedMs = 0;
  #octets = 0;

  /**
   * Begins with a message.
   *
   * @param isCrowded Whether others wait for their turn.
   */
  constructor(isCrowded: () => boolean) {
    this.#isCrowded = isCrowded;
  }

  /**
   * Notes a wait.
   *
   * @param ms How long it was, in milliseconds.
   * @param octets How many have come.
   */
  waited(ms: number, octets: number): void {
    this.#waitedMs += ms;
    this.#octets += octets;
  }

  /**
   * Says whether the sender has to go.
   *
   * @param ms Milliseconds of a wait that is not over.
   * @returns Whether it was slow and others wait.
   */
  isOver(ms = 0): boolean {
    const allowedMs = CROWDED_MS + this.#octets / OCTETS_PER_MS;
    return this.#waitedMs + ms > allowedMs && this.#isCrowded();
  }
}
