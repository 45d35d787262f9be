/**
 * Whether the database answers.
 *
 * @module
 */

import { AppError } from "../errors.ts";

/** Milliseconds for which an answer is good. */
const KEPT_MS = 1000;

/** Milliseconds without an answer after which the database counts as away. */
const AWAY_MS = 5000;

/** Milliseconds that {@linkcode DatabasePulse.ask} waits. */
const ASK_MS = 1000;

/** Milliseconds between two questions to a database that is away. */
const PAUSE_MS = 250;

/**
 * Asks the database whether it is there, at most once a second. The question
 * goes the way of all queries, so that it waits where they do.
 */
export class DatabasePulse {
  readonly #question: () => Promise<unknown>;
  /** When it answered last, by performance.now(). */
  #answeredAt = -Infinity;
  /** Since when it has been asked in vain. */
  #silentSince: number | undefined;
  #asking: Promise<void> | undefined;

  /**
   * Makes it.
   *
   * @param question Asks the database something.
   */
  constructor(question: () => Promise<unknown>) {
    this.#question = question;
  }

  /**
   * Says within a second whether the database answers, and why it does not.
   *
   * @throws {AppError} `unavailable` if there is no answer, or what the question
   * throws of ours.
   */
  async ask(): Promise<void> {
    try {
      await within(this.#ask(), ASK_MS);
    } catch (cause) {
      throw cause instanceof AppError ? cause : silence(cause);
    }
  }

  /**
   * Waits for an answer, for five seconds from the first question that had none
   * on; after that it says at once that there is none. So a restart of the
   * database is waited for, and an outage is not.
   *
   * @throws {AppError} `unavailable` if there is no answer.
   */
  async check(): Promise<void> {
    for (;;) {
      const now = performance.now();
      if (now - this.#answeredAt < KEPT_MS) return;
      this.#silentSince ??= now;
      const left = this.#silentSince + AWAY_MS - now;
      const asking = this.#ask();
      try {
        return await within(asking, Math.max(left, PAUSE_MS));
      } catch (cause) {
        // Who asks is kept waiting once; the question goes on for those to come.
        if (left <= PAUSE_MS) throw silence(cause);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#question().then(() => {
      this.#answeredAt = performance.now();
      this.#silentSince = undefined;
    }).finally(() => this.#asking = undefined);
    this.#asking.catch(() => {});
    return this.#asking;
  }
}

function silence(cause: unknown): AppError {
  return new AppError("unavailable", "Database is not available", { cause });
}

/** Waits for a promise, but not for long. */
async function within(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
