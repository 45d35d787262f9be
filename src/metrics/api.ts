/**
 * What the API counts and measures while it works.
 *
 * @module
 */

import { Counter, Histogram } from "./metric.ts";
import { METRICS } from "./table.ts";

/** Counters of one API. */
export class ApiMetrics {
  readonly #requests = new Counter(METRICS.apiRequests);
  readonly #seconds = new Histogram(METRICS.apiSeconds);
  readonly #publicRequests = new Counter(METRICS.publicRequests);

  /**
   * Counts an answer of the API.
   *
   * @param operation `operationId` of the route; `none` if no route fits.
   * @param status HTTP status.
   * @param began When the request came, by performance.now().
   */
  answered(operation: string, status: number, began: number): void {
    this.#requests.of({ operation, status: String(status) }).value++;
    this.#seconds.of({}).observe((performance.now() - began) / 1000);
  }

  /**
   * Counts an answer of the public listener.
   *
   * @param status HTTP status.
   */
  publicAnswered(status: number): void {
    this.#publicRequests.of({ status: String(status) }).value++;
  }

  /**
   * Writes them for Prometheus.
   *
   * @returns Lines.
   */
  text(): string {
    return this.#requests.text() + this.#seconds.text() +
      this.#publicRequests.text();
  }
}
