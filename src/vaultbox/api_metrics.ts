/**
 * What the appliance says of itself to Prometheus: the API of its own work and of
 * the database, with what the intake and Postfix's queue say.
 *
 * @module
 */

import type { App } from "../app.ts";
import { countCertificates, findLastRun } from "../db/maintenance.ts";
import {
  countConnections,
  countEnding,
  countOverdue,
  findDatabaseState,
  sumFindings,
  sumVaultboxes,
} from "../db/measures.ts";
import { countStuckRemovals } from "../db/removals.ts";
import { reason } from "../log.ts";
import { gauge, gauges } from "../metrics/metric.ts";
import { METRICS } from "../metrics/table.ts";
import { residentBytes, startSeconds } from "../system/process.ts";
import { kept } from "./health.ts";

/** Milliseconds for which sums over everything are given again. */
export const SUMS_KEPT_MS = 60_000;

/** Milliseconds that the database may take. */
const TIMEOUT_MS = 8000;

/** What is not of this process's own. */
export interface Peers {
  /** Version of the program. */
  readonly version: string;
  /** The intake. */
  readonly intake: () => Promise<string>;
  /** Postfix's queue. */
  readonly queue: () => Promise<string>;
  /** Certificates for TLS. */
  readonly tls: () => Promise<string>;
}

/**
 * Makes what writes all metrics. Sums over everything are asked for once a
 * minute, whoever asks how often.
 *
 * @param app Uses `config`, `log`, `metrics`, `now` and `sql`.
 * @param peers The other parts.
 * @returns What writes the text for Prometheus.
 */
export function metricsText(
  app: Pick<App, "config" | "log" | "metrics" | "now" | "sql">,
  peers: Peers,
): () => Promise<string> {
  const sums = kept(app, () => sumsText(app), SUMS_KEPT_MS);
  const asked = async (
    part: string,
    ask: () => Promise<string>,
    otherwise: string,
  ): Promise<string> => {
    try {
      return await ask();
    } catch (error) {
      app.log.write("debug", "metrics are missing", {
        part,
        cause: reason(error),
      });
      return otherwise;
    }
  };
  return async () => {
    const texts = await Promise.all([
      asked(
        "database",
        () => within(databaseText(app, sums)),
        gauge(METRICS.databaseUp, 0),
      ),
      asked(
        "intake",
        async () => await peers.intake() + gauge(METRICS.intakeUp, 1),
        gauge(METRICS.intakeUp, 0),
      ),
      asked("queue", peers.queue, gauge(METRICS.queueUp, 0)),
      asked("tls", peers.tls, ""),
    ]);
    return ownText(app, peers.version) + texts.join("");
  };
}

function ownText(
  { metrics }: Pick<App, "metrics">,
  version: string,
): string {
  return [
    metrics.text(),
    gauge(METRICS.apiMemoryBytes, residentBytes()),
    gauge(METRICS.apiStartSeconds, startSeconds()),
    gauges(METRICS.info, [{ labels: { version }, value: 1 }]),
  ].join("");
}

async function databaseText(
  app: Pick<App, "sql">,
  sums: () => Promise<string>,
): Promise<string> {
  const began = performance.now();
  await app.sql`select 1`;
  const seconds = (performance.now() - began) / 1000;
  const connections = await countConnections(app.sql);
  return [
    gauge(METRICS.databaseUp, 1),
    gauge(METRICS.databaseSeconds, seconds),
    gauges(
      METRICS.databaseConnections,
      connections.map(({ role, count }) => ({
        labels: { role },
        value: count,
      })),
    ),
    await sums(),
  ].join("");
}

async function sumsText(
  { config, now: clock, sql }: Pick<App, "config" | "now" | "sql">,
): Promise<string> {
  const now = clock();
  const horizon = { now, renewDays: config.certRenewDays };
  const boxes = await sumVaultboxes(sql);
  const ending = await countEnding(sql, now);
  const certificates = await countCertificates(sql, horizon);
  const found = await sumFindings(sql);
  const state = await findDatabaseState(sql);
  return [
    gauge(METRICS.databaseBytes, state.bytes),
    gauge(METRICS.databaseConnectionsMax, state.connectionsMax),
    gauges(METRICS.vaultboxes, [
      { labels: { status: "active" }, value: boxes.active },
      { labels: { status: "suspended" }, value: boxes.suspended },
    ]),
    gauge(METRICS.vaultboxesFull, boxes.full),
    gauge(METRICS.storedMessages, boxes.messages),
    gauge(METRICS.storedBytes, boxes.bytes),
    gauges(
      METRICS.certificatesEnding,
      ending.flatMap(({ custody, ...counts }) =>
        [
          ["0", counts.within0Days] as const,
          ["7", counts.within7Days] as const,
          ["30", counts.within30Days] as const,
          ["90", counts.within90Days] as const,
        ].map(([days, value]) => ({
          labels: { custody, "within_days": days },
          value,
        }))
      ),
    ),
    gauge(METRICS.certificatesOverdue, await countOverdue(sql, horizon)),
    gauge(METRICS.renewalsFailed, certificates.renewalFailed),
    gauge(METRICS.bundlesUnconfirmed, certificates.unconfirmed),
    gauge(METRICS.removalsStuck, await countStuckRemovals(sql)),
    gauge(METRICS.maintenanceSeconds, seconds(await findLastRun(sql))),
    gauge(METRICS.verifySeconds, seconds(found.endedAt ?? undefined)),
    gauges(
      METRICS.verifyFindings,
      (["altered", "foreign", "strange", "unreadable"] as const).map(
        (finding) => ({ labels: { finding }, value: found[finding] }),
      ),
    ),
  ].join("");
}

function seconds(time: Date | undefined): number | undefined {
  return time && time.getTime() / 1000;
}

/** A database that hangs must not keep the rest back. */
async function within(text: Promise<string>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), TIMEOUT_MS);
  });
  try {
    return await Promise.race([text, late]);
  } finally {
    clearTimeout(timer);
  }
}
