/**
 * What the intake says of itself to Prometheus, and what is read of it here.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { gauge, type Metric, readSamples } from "../metrics/metric.ts";
import { METRICS } from "../metrics/table.ts";
import { residentBytes, startSeconds } from "../system/process.ts";
import { type Admission, MESSAGES_MAX } from "./admission.ts";

/** Room on the mail store's disk, in octets. */
export interface StoreRoom {
  /** Its size. */
  readonly totalBytes: number;
  /** What is free. */
  readonly freeBytes: number;
  /** ENCIMAP_MIN_FREE_BYTES: with less no mail is taken. */
  readonly minFreeBytes: number;
}

/**
 * Writes the metrics of the intake; nothing is asked of the database.
 *
 * @param app Uses `config`, `metrics` and `rows`.
 * @param admission What its doors share.
 * @returns Text for Prometheus.
 */
export async function intakeMetrics(
  { config, metrics, rows }: Pick<IntakeApp, "config" | "metrics" | "rows">,
  admission: Admission,
): Promise<string> {
  const { running, waiting, connections, totalBytes, freeBytes } =
    await admission.load();
  return [
    metrics.text(),
    gauge(METRICS.admissionInUse, running),
    gauge(METRICS.admissionMax, MESSAGES_MAX),
    gauge(METRICS.admissionWaiting, waiting),
    gauge(METRICS.intakeConnections, connections),
    gauge(METRICS.rowsWaiting, rows.waiting),
    gauge(METRICS.storeSizeBytes, totalBytes),
    gauge(METRICS.storeFreeBytes, freeBytes),
    gauge(METRICS.storeMinFreeBytes, config.minFreeBytes),
    gauge(METRICS.intakeMemoryBytes, residentBytes()),
    gauge(METRICS.intakeStartSeconds, startSeconds()),
  ].join("");
}

/**
 * Reads how much room the mail store has: the API may not look itself.
 *
 * @param text What {@linkcode intakeMetrics} has written.
 * @returns The room; undefined if the text does not say it.
 */
export function readStore(text: string): StoreRoom | undefined {
  const number = (metric: Metric<never>): number | undefined =>
    readSamples(text, metric)[0]?.value;
  const totalBytes = number(METRICS.storeSizeBytes);
  const freeBytes = number(METRICS.storeFreeBytes);
  const minFreeBytes = number(METRICS.storeMinFreeBytes);
  if (
    totalBytes === undefined || freeBytes === undefined ||
    minFreeBytes === undefined
  ) return undefined;
  return { totalBytes, freeBytes, minFreeBytes };
}
