/**
 * What the intake counts and measures while it works.
 *
 * @module
 */

import type { ErrorCode } from "../errors.ts";
import { Counter, type Durations, Histogram } from "./metric.ts";
import { METRICS } from "./table.ts";

/**
 * Where a delivery came in: the Unix socket (`encimap pipe`, and the API's own
 * mail), INTAKE_PORT, or LMTP.
 */
export type Door = "socket" | "port" | "lmtp";

const DOORS: readonly Door[] = ["socket", "port", "lmtp"];

/**
 * A step of a delivery: encryption, the synced file in tmp/, the committed row,
 * and the rename. Of a message that is not in memory, encryption is a part of
 * `write`.
 */
export type Step = "encrypt" | "write" | "commit" | "show";

const STEPS: readonly Step[] = ["encrypt", "write", "commit", "show"];

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

/** Counters of one door. */
interface DoorMetrics {
  readonly stored: { value: number };
  readonly repeated: { value: number };
  readonly seconds: Durations;
}

/** Counters of one intake. */
export class IntakeMetrics {
  /** Messages that waited. */
  readonly waited: Durations;
  readonly #waitSeconds = new Histogram(METRICS.waitSeconds);
  readonly #deliveries = new Counter(METRICS.deliveries);
  readonly #seconds = new Histogram(METRICS.deliverySeconds);
  readonly #stepSeconds = new Histogram(METRICS.stepSeconds);
  readonly #receivedBytes = new Counter(METRICS.receivedBytes);
  /** What each delivery needs, found once. */
  readonly #byDoor: Readonly<Record<Door, DoorMetrics>>;
  readonly #byStep: Readonly<Record<Step, Durations>>;
  readonly #received = this.#receivedBytes.of({});
  #unsaved = new Map<DeliveryOutcome, Unsaved>();

  /** Makes them, all 0. */
  constructor() {
    this.waited = this.#waitSeconds.of({});
    this.#byDoor = record(DOORS, (door) => ({
      stored: this.#deliveries.of({ door, outcome: "stored" }),
      repeated: this.#deliveries.of({ door, outcome: "repeated" }),
      seconds: this.#seconds.of({ door }),
    }));
    this.#byStep = record(STEPS, (step) => this.#stepSeconds.of({ step }));
  }

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
    const metrics = this.#byDoor[door];
    const outcome = repeated ? "repeated" : "stored";
    const bytes = repeated ? 0 : octets;
    metrics[outcome].value++;
    metrics.seconds.observe((performance.now() - began) / 1000);
    this.#received.value += bytes;
    this.#keep(outcome, 1, bytes);
  }

  /**
   * Counts a delivery that is refused.
   *
   * @param door Where it came in.
   * @param code Why.
   */
  refused(door: Door, code: ErrorCode): void {
    this.#deliveries.of({ door, outcome: code }).value++;
    this.#keep(code, 1, 0);
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
      this.#byStep[step].observe((now - last) / 1000);
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
      this.#stepSeconds.text() + this.#waitSeconds.text() +
      this.#receivedBytes.text();
  }
}

function record<K extends string, V>(
  keys: readonly K[],
  value: (key: K) => V,
): Record<K, V> {
  const entries = keys.map((key) => [key, value(key)]);
  return Object.fromEntries(entries) as Record<K, V>;
}
