/**
 * For how long something has been seen, whatever the clock of the machine says.
 *
 * @module
 */

/** Remembers since when names are there, from one look to the next. */
export class Sightings {
  readonly #milliseconds: () => number;
  /** Name → when it was seen first, of those seen at the last look. */
  #first: ReadonlyMap<string, number> = new Map();
  #now = new Map<string, number>();

  /**
   * Makes it.
   *
   * @param milliseconds A clock that nobody sets.
   */
  constructor(milliseconds: () => number = () => performance.now()) {
    this.#milliseconds = milliseconds;
  }

  /**
   * Notes that a name is there.
   *
   * @param name The name.
   * @returns Milliseconds since it was seen first.
   */
  see(name: string): number {
    const now = this.#milliseconds();
    const first = this.#first.get(name) ?? now;
    this.#now.set(name, first);
    return now - first;
  }

  /** Ends a look: what was not seen in it is forgotten. */
  endLook(): void {
    this.#first = this.#now;
    this.#now = new Map();
  }
}
