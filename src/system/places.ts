/**
 * Places for connections, of which there are only so many.
 *
 * @module
 */

import { AppError } from "../errors.ts";

/** The place of a connection; disposing of it gives it back. */
export interface Place extends Disposable {
  /**
   * Says whether nothing is done but to wait for the peer.
   *
   * @param isWaiting Whether it is so from now on.
   */
  waits(isWaiting: boolean): void;
}

/** Gives places, and takes them from whoever keeps us waiting for the longest. */
export class Places {
  readonly #max: number;
  #taken = 0;
  /** How to send those away that are waited for, the longest first. */
  readonly #waiting = new Map<Place, () => void>();

  /**
   * Makes them.
   *
   * @param max How many.
   */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Says how many are taken.
   *
   * @returns The number.
   */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes one; if there is none, that of the peer that was waited for the
   * longest.
   *
   * @param leave Closes the connection.
   * @returns The place, whose peer is not waited for yet.
   * @throws {AppError} `too_many_requests` if something is done for each of them.
   */
  take(leave: () => void): Place {
    if (this.#taken >= this.#max) {
      const [longest] = this.#waiting;
      if (longest === undefined) {
        throw new AppError("too_many_requests", "Too many connections");
      }
      const [place, sendAway] = longest;
      place[Symbol.dispose]();
      sendAway();
    }
    this.#taken++;
    let isTaken = true;
    const place: Place = {
      waits: (isWaiting) => {
        this.#waiting.delete(place);
        if (isWaiting && isTaken) this.#waiting.set(place, leave);
      },
      [Symbol.dispose]: () => {
        if (isTaken) this.#taken--;
        isTaken = false;
        this.#waiting.delete(place);
      },
    };
    return place;
  }
}
