/**
 * How often a caller may ask.
 *
 * @module
 */

/** What is left to a caller. */
export interface Quota {
  /** Whether this request may go on. */
  readonly allowed: boolean;
  /** Requests per minute, which is also how many may come at once. */
  readonly limit: number;
  /** Requests that may come at once. */
  readonly remaining: number;
  /** Seconds until all of them may. */
  readonly resetSeconds: number;
  /** Seconds until the next one may; 0 if it may now. */
  readonly retrySeconds: number;
}

/** Callers that are remembered, at most. */
const CALLERS_MAX = 10_000;

const MINUTE_MS = 60_000;

/** A token bucket for each caller. */
export class RateLimit {
  /** The caller that asked longest ago comes first. */
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #limit: number;
  readonly #clock: () => number;

  /**
   * Makes the buckets.
   *
   * @param limit Requests per minute, at least 1.
   * @param clock Milliseconds since whenever; never goes back.
   */
  constructor(limit: number, clock: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** Callers that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Counts a request.
   *
   * @param caller Who asks.
   * @param cost As how many it counts; at most as the limit.
   * @returns What is left; a request that is refused takes nothing.
   */
  take(caller: string, cost = 1): Quota {
    const limit = this.#limit;
    const perMs = limit / MINUTE_MS;
    const now = this.#clock();
    const known = this.#buckets.get(caller);
    const full = known === undefined
      ? limit
      : Math.min(limit, known.tokens + (now - known.at) * perMs);
    const price = Math.min(cost, limit);
    const allowed = full >= price;
    const tokens = allowed ? full - price : full;
    this.#buckets.delete(caller);
    this.#buckets.set(caller, { tokens, at: now });
    if (this.#buckets.size > CALLERS_MAX) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest!);
    }
    const seconds = (missing: number): number =>
      Math.max(0, Math.ceil(missing / perMs / 1000));
    return {
      allowed,
      limit,
      remaining: Math.floor(tokens),
      resetSeconds: seconds(limit - tokens),
      retrySeconds: allowed ? seconds(1 - tokens) : seconds(price - tokens),
    };
  }
}
