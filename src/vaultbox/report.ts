/**
 * The quarterly report, from the database. It names no address and no customer,
 * since it ends in the journal.
 *
 * @module
 */

import type { App } from "../app.ts";
import {
  type DeliveryCount,
  sumDeliveryCounts,
} from "../db/delivery_counts.ts";
import {
  countEnding,
  countOverdue,
  countSince,
  type Ending,
  findDatabaseState,
  listEnding,
  sumFindings,
  sumVaultboxes,
} from "../db/measures.ts";

const DAY_MS = 86_400_000;

/** Days within which a certificate's end is near. */
const NEAR_DAYS = 30;

/** Certificates that are listed, at most. */
const LISTED_MAX = 50;

/**
 * Writes the report.
 *
 * @param app Uses `config`, `now` and `sql`.
 * @param days How many days it looks back.
 * @returns Its lines.
 */
export async function report(
  app: Pick<App, "config" | "now" | "sql">,
  days: number,
): Promise<string[]> {
  const { config, sql } = app;
  const now = app.now();
  const since = new Date(now.getTime() - days * DAY_MS);
  const boxes = await sumVaultboxes(sql);
  const changes = await countSince(sql, since);
  const counts = await sumDeliveryCounts(sql, since);
  const ending = await countEnding(sql, now);
  const found = await sumFindings(sql);
  const state = await findDatabaseState(sql);
  const overdue = await countOverdue(sql, {
    now,
    renewDays: config.certRenewDays,
  });
  const near = await listEnding(sql, now, NEAR_DAYS, LISTED_MAX);
  return [
    `Encimap on ${config.hostname}, ${day(since)} to ${day(now)}`,
    "",
    `Vaultboxes: ${
      boxes.active + boxes.suspended
    }, of them suspended ${boxes.suspended}, full ${boxes.full}`,
    `  made ${changes.created}, deleted ${changes.deleted}`,
    `Mail in them: ${boxes.messages} message(s), ${mebibytes(boxes.bytes)} MiB`,
    `Database: ${mebibytes(state.bytes)} MiB`,
    "",
    ...deliveryLines(counts),
    "",
    ...certificateLines(ending, overdue),
    ...near.map(({ vaultboxId, custody, notAfter }) =>
      `  until ${day(notAfter)}, custody ${custody}: vaultbox ${vaultboxId}`
    ),
    ...near.length === LISTED_MAX ? ["  ... and more"] : [],
    "",
    found.endedAt === null
      ? "Verification: never ran to its end"
      : `Verification: last ended ${
        day(found.endedAt)
      }; altered ${found.altered}, foreign ${found.foreign}, strange ${found.strange}, unreadable ${found.unreadable}`,
  ];
}

function deliveryLines(counts: readonly DeliveryCount[]): string[] {
  const of = (wanted: string) =>
    counts.find(({ outcome }) => outcome === wanted);
  const refused = counts.filter(({ outcome }) =>
    outcome !== "stored" && outcome !== "repeated"
  );
  const stored = of("stored");
  return [
    `Deliveries: stored ${stored?.deliveries ?? 0}, ${
      mebibytes(stored?.bytes ?? 0)
    } MiB as they came; repeated ${of("repeated")?.deliveries ?? 0}`,
    refused.length === 0
      ? "Refused by the intake: none"
      : "Refused by the intake (each attempt counts):",
    ...refused.map(({ outcome, deliveries }) => `  ${outcome} ${deliveries}`),
  ];
}

function certificateLines(
  ending: readonly Ending[],
  overdue: number,
): string[] {
  const sum = (of: (each: Ending) => number): number =>
    ending.reduce((total, each) => total + of(each), 0);
  return [
    `Certificates: ended ${
      sum((each) => each.within0Days)
    }, renewals overdue ${overdue}`,
    `  end within 30 days ${sum((each) => each.within30Days)}, within 90 days ${
      sum((each) => each.within90Days)
    }`,
  ];
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}
