/**
 * What the intake counts and measures while it works.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import { Counter, Histogram } from "./metric.ts";
import { METRICS } from "./table.ts";

/**
 * Where a delivery came in: the Unix socket (`encimap pipe`, and the API's own
 * mail), INTAKE_PORT, or LMTP.
 */
export type Door = "socket" | "port" | "lmtp";

/**
 * A step of a delivery: encryption, the synced file in tmp/, the committed row,
 * and the synced rename. Of a message that is not in memory, encryption is a part
 * of `write`.
 */
export type Step = "encrypt" | "write" | "commit" | "show";

/** What became of a delivery: a failure by its code. */
export type DeliveryOutcome = "stored" | "repeated" | ErrorCode;

/** What the database has not been told yet. */
export interface Unsaved {
  /** What became of the deliveries. */
  readonly outcome: DeliveryOutcome;
  /** How many. */
  deliveries: number;
  /** Octets as they came, of what was stored. */
  bytes: number;
}

/** Counters of one intake. */
export class IntakeMetrics {
  /** Messages that waited. */
  readonly waitSeconds: Histogram<never> = new Histogram(METRICS.waitSeconds);
  readonly #deliveries = new Counter(METRICS.deliveries);
  readonly #seconds = new Histogram(METRICS.deliverySeconds);
  readonly #stepSeconds = new Histogram(METRICS.stepSeconds);
  readonly #receivedBytes = new Counter(METRICS.receivedBytes);
  #unsaved = new Map<DeliveryOutcome, Unsaved>();

  /**
   * Counts a delivery that is stored.
   *
   * @param door Where it came in.
   * @param delivery Whether an earlier attempt had stored it, octets as they
   * came, and when it began, by performance.now().
   */
  stored(
    door: Door,
    delivery: { repeated: boolean; octets: number; began: number },
  ): void {
    const { repeated, octets, began } = delivery;
    this.#count(door, repeated ? "repeated" : "stored", repeated ? 0 : octets);
    this.#seconds.observe({ door }, (performance.now() - began) / 1000);
    if (!repeated) this.#receivedBytes.add({}, octets);
  }

  /**
   * Counts a delivery that is refused.
   *
   * @param door Where it came in.
   * @param code Why.
   */
  refused(door: Door, code: ErrorCode): void {
    this.#count(door, code, 0);
  }

  /**
   * Starts a clock for the steps of one delivery.
   *
   * @returns What is called at the end of each step.
   */
  steps(): (step: Step) => void {
    let last = performance.now();
    return (step) => {
      const now = performance.now();
      this.#stepSeconds.observe({ step }, (now - last) / 1000);
      last = now;
    };
  }

  /**
   * Takes what was counted since the last time, for the database.
   *
   * @returns A count for each outcome.
   */
  takeUnsaved(): Unsaved[] {
    const taken = [...this.#unsaved.values()];
    this.#unsaved = new Map();
    return taken;
  }

  /**
   * Takes counts back that could not be saved.
   *
   * @param counts What {@linkcode takeUnsaved} has given.
   */
  putBack(counts: readonly Unsaved[]): void {
    for (const { outcome, deliveries, bytes } of counts) {
      this.#keep(outcome, deliveries, bytes);
    }
  }

  #count(door: Door, outcome: DeliveryOutcome, bytes: number): void {
    this.#deliveries.add({ door, outcome });
    this.#keep(outcome, 1, bytes);
  }

  #keep(outcome: DeliveryOutcome, deliveries: number, bytes: number): void {
    const unsaved = this.#unsaved.get(outcome);
    if (unsaved === undefined) {
      this.#unsaved.set(outcome, { outcome, deliveries, bytes });
    } else {
      unsaved.deliveries += deliveries;
      unsaved.bytes += bytes;
    }
  }

  /**
   * Writes them for Prometheus.
   *
   * @returns Lines.
   */
  text(): string {
    return this.#deliveries.text() + this.#seconds.text() +
      this.#stepSeconds.text() + this.waitSeconds.text() +
      this.#receivedBytes.text();
  }
}
