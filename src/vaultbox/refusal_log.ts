/**
 * Log lines for mail that is refused, few of them while everything is.
 *
 * @module
 */

import { type AppError, type ErrorCode, OUTCOMES } from "../errors.ts";
import { type Fields, type Log, reason } from "../log.ts";

/** Milliseconds between two lines of one failure that all mail has. */
const PAUSE_MS = 10_000;

/** Failures that are remembered. */
const KEPT_MAX = 100;

/** Failures that are not of one message: a full disk fails all of them. */
const COMMON: ReadonlySet<ErrorCode> = new Set([
  "storage_full",
  "too_many_requests",
  "unavailable",
  "internal",
]);

/** Writes refusals; those of a full disk or a lost database not one by one. */
export class RefusalLog {
  readonly #log: Log;
  /** Failure → when it was written, and how often it was not since. */
  readonly #written = new Map<string, { at: number; left: number }>();

  /**
   * Makes it.
   *
   * @param log Where the lines go.
   */
  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * Writes one refusal. Of those that all mail has, each is written once in ten
   * seconds; `more` is how many were left out before. Postfix's log has all.
   *
   * @param error The failure.
   * @param fields Which mail; no address.
   */
  write(error: AppError, fields: Fields): void {
    const { code } = error;
    const cause = error.cause === undefined
      ? error.message
      : reason(error.cause);
    const more = COMMON.has(code) ? this.#more(`${code} ${cause}`) : 0;
    if (more === undefined) return;
    this.#log.write(
      code === "internal" ? "error" : "warn",
      "delivery refused",
      {
        ...fields,
        code,
        status: OUTCOMES[code].status,
        cause,
        more: more || undefined,
      },
    );
  }

  /** How many were left out before; undefined if this one is, too. */
  #more(failure: string): number | undefined {
    const now = performance.now();
    const last = this.#written.get(failure);
    if (last !== undefined && now - last.at < PAUSE_MS) {
      last.left++;
      return undefined;
    }
    if (this.#written.size >= KEPT_MAX) this.#written.clear();
    this.#written.set(failure, { at: now, left: 0 });
    return last?.left ?? 0;
  }
}
