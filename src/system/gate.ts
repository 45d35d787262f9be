/**
 * Waiting in line for what is scarce.
 *
 * @module
 */

import { AppError } from "../errors.ts";

/** Lets a fixed number of tasks run at a time, those of each party in turn. */
export class Gate {
  readonly #count: number;
  #free: number;
  readonly #waitingMax: number;
  readonly #waitMs: number;
  /** Waiting tasks by party; the party whose turn it is comes first. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /**
   * Makes a gate.
   *
   * @param count Tasks at a time.
   * @param limits `waitingMax` tasks of one party may wait, each for `waitMs`
   * milliseconds.
   */
  constructor(
    count: number,
    limits: { waitingMax?: number; waitMs?: number } = {},
  ) {
    this.#count = count;
    this.#free = count;
    this.#waitingMax = limits.waitingMax ?? Infinity;
    this.#waitMs = limits.waitMs ?? Infinity;
  }

  /**
   * Says how many tasks run.
   *
   * @returns The number.
   */
  get running(): number {
    return this.#count - this.#free;
  }

  /**
   * Says how many tasks wait.
   *
   * @returns The number.
   */
  get waiting(): number {
    let count = 0;
    for (const line of this.#waiting.values()) count += line.length;
    return count;
  }

  /**
   * Runs a task when its turn comes.
   *
   * @param task The task.
   * @param party Whose it is: one with many tasks does not keep others waiting.
   * @returns What it returned.
   * @throws {AppError} `too_many_requests` if too many of the party wait, or it
   * waited too long.
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
      throw tooMany("Too many requests wait");
    }
    this.#waiting.set(party, line);
    const turn = Promise.withResolvers<void>();
    line.push(turn.resolve);
    if (this.#waitMs === Infinity) return turn.promise;
    const timer = setTimeout(() => {
      this.#leave(party, turn.resolve);
      turn.reject(tooMany("Too many requests are worked on"));
    }, this.#waitMs);
    return turn.promise.finally(() => clearTimeout(timer));
  }

  /** Takes one that has waited too long out of its line. */
  #leave(party: string, resolve: () => void): void {
    const line = this.#waiting.get(party)?.filter((each) => each !== resolve);
    if (line === undefined) return;
    if (line.length > 0) this.#waiting.set(party, line);
    else this.#waiting.delete(party);
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

function tooMany(message: string): AppError {
  return new AppError("too_many_requests", message, {
    details: { "retry_after": 5 },
  });
}
