/**
 * Waiting in line for what is scarce.
 *
 * @module
 */

import { AppError } from "../errors.ts";

/** Lets a fixed number of tasks run at a time, those of each party in turn. */
export class Gate {
  #free: number;
  readonly #waitingMax: number;
  /** Waiting tasks by party; the party whose turn it is comes first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /**
   * Makes a gate.
   *
   * @param count Tasks at a time.
   * @param waitingMax Tasks of one party that may wait.
   */
  constructor(count: number, waitingMax: number = Infinity) {
    this.#free = count;
    this.#waitingMax = waitingMax;
  }

  /**
   * Runs a task when its turn comes.
   *
   * @param task The task.
   * @param party Whose it is: one with many tasks does not keep others waiting.
   * @returns What it returned.
   * @throws {AppError} `too_many_requests` if too many of the party wait.
   */
  async run<T>(task: () => Promise<T>, party = ""): Promise<T> {
    if (this.#free === 0) await this.#wait(party);
    else this.#free--;
    try {
      return await task();
    } finally {
      this.#next();
    }
  }

  #wait(party: string): Promise<void> {
    const line = this.#waiting.get(party) ?? [];
    if (line.length >= this.#waitingMax) {
      throw new AppError("too_many_requests", "Too many requests wait", {
        details: { "retry_after": 5 },
      });
    }
    this.#waiting.set(party, line);
    return new Promise((resolve) => line.push(resolve));
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#free++;
      return;
    }
    const [party, [go, ...rest]] = first;
    this.#waiting.delete(party);
    if (rest.length > 0) this.#waiting.set(party, rest);
    go!();
  }
}
