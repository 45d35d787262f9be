/**
 * What the intake says of itself to Prometheus.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { gauge } from "../metrics/metric.ts";
import { METRICS } from "../metrics/table.ts";
import { residentBytes, startSeconds } from "../system/process.ts";
import { type Admission, MESSAGES_MAX } from "./admission.ts";

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
  const { running, waiting, connections, freeBytes } = await admission.load();
  return [
    metrics.text(),
    gauge(METRICS.admissionInUse, running),
    gauge(METRICS.admissionMax, MESSAGES_MAX),
    gauge(METRICS.admissionWaiting, waiting),
    gauge(METRICS.intakeConnections, connections),
    gauge(METRICS.rowsWaiting, rows.waiting),
    gauge(METRICS.storeFreeBytes, freeBytes),
    gauge(METRICS.storeMinFreeBytes, config.minFreeBytes),
    gauge(METRICS.intakeMemoryBytes, residentBytes()),
    gauge(METRICS.intakeStartSeconds, startSeconds()),
  ].join("");
}
