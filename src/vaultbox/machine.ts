/**
 * How the machine is, for its operator: what can be asked cheaply, and what
 * `encimap doctor` has found.
 *
 * @module
 */

import type { App } from "../app.ts";
import { type DoctorReport, findDoctorReport } from "../db/doctor_reports.ts";
import { sumVaultboxes, type VaultboxSums } from "../db/measures.ts";
import { SUMS_KEPT_MS } from "./api_metrics.ts";
import { type Health, healthCheck, kept, part } from "./health.ts";
import { readStore, type StoreRoom } from "./intake_metrics.ts";
import { intakeText, queueText } from "./metrics_peers.ts";
import { type QueueState, readQueues } from "./queue_metrics.ts";

/**
 * Milliseconds for which the queue is not counted again: each time a program is
 * started for it.
 */
const QUEUE_KEPT_MS = 10_000;

/** How the machine is. */
export interface Machine {
  /** Which parts work. */
  readonly health: Health;
  /** Postfix's queues; undefined if they could not be read. */
  readonly queues: readonly QueueState[] | undefined;
  /** Room on the mail store's disk; undefined if the intake did not say it. */
  readonly store: StoreRoom | undefined;
  /** All vaultboxes; undefined if the database did not say it. */
  readonly sums: VaultboxSums | undefined;
  /**
   * The last report of `encimap doctor`; undefined if there is none, or the
   * database did not say it.
   */
  readonly doctor: DoctorReport | undefined;
}

/**
 * Makes what looks at the machine. A part that does not answer keeps no other
 * back; the queue is counted once in ten seconds and the vaultboxes once in a
 * minute, whoever asks how often.
 *
 * @param app Uses `config`, `now` and `sql`.
 * @returns What looks.
 */
export function machineCheck(
  app: Pick<App, "config" | "now" | "sql">,
): () => Promise<Machine> {
  const health = healthCheck(app);
  const queues = kept(
    app,
    () => read(() => queueText(app.config.queueSocket), readQueues),
    QUEUE_KEPT_MS,
  );
  // The API may not look at the mail store itself.
  const store = () =>
    read(() => intakeText(app.config.intakeSocket), readStore);
  const keptSums = kept(app, () => sumVaultboxes(app.sql), SUMS_KEPT_MS);
  let sums: VaultboxSums | undefined;
  const areSumsFound = part(async () => {
    sums = await keptSums();
  });
  let report: DoctorReport | undefined;
  const isReportFound = part(async () => {
    report = await findDoctorReport(app.sql);
  });
  return async () => {
    const [found, waiting, room, areSummed, isFound] = await Promise.all([
      health(),
      queues(),
      store(),
      areSumsFound(),
      isReportFound(),
    ]);
    return {
      health: found,
      queues: waiting,
      store: room,
      sums: areSummed ? sums : undefined,
      doctor: isFound ? report : undefined,
    };
  };
}

/** Asks another process; one that does not answer has said nothing. */
async function read<T>(
  ask: () => Promise<string>,
  understand: (text: string) => T | undefined,
): Promise<T | undefined> {
  const text = await ask().catch(() => undefined);
  return text === undefined ? undefined : understand(text);
}
