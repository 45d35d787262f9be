/**
 * Waiting in line for what is scarce.
 *
 * @module
 */

/** Lets a fixed number of tasks run at a time. */
export class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /**
   * Makes a gate.
   *
   * @param count Tasks at a time.
   */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Runs a task when its turn comes.
   *
   * @param task The task.
   * @returns What it returned.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#free--;
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
