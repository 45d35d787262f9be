/**
 * The last report of `encimap doctor`.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** What `encimap doctor` said. */
export interface DoctorReport {
  /** When it ran. */
  readonly at: Date;
  /** Version of the program. */
  readonly version: string;
  /** The worst of the checks. */
  readonly status: "ok" | "warning" | "failed";
  /** What each check said, in their order. */
  readonly checks: readonly ReportedCheck[];
}

/** What one check said. */
export interface ReportedCheck {
  /** Name of the check. */
  readonly name: string;
  /** `skipped`: it needs another one that is not so. */
  readonly status: "ok" | "warning" | "failed" | "skipped";
  /** What must be so. */
  readonly title: string;
  /** What is worth a word although all is well. */
  readonly note: string | null;
  /** What is not so, or why it was skipped. */
  readonly problem: string | null;
  /** How to mend it. */
  readonly fix: string | null;
}

/**
 * Finds the report.
 *
 * @param db Pool.
 * @returns The report; undefined before the first one.
 */
export async function findDoctorReport(
  db: Db,
): Promise<DoctorReport | undefined> {
  const [row] = await db<DoctorReport[]>`
    select at, version, status, checks from doctor_reports
  `;
  return row;
}

/**
 * Puts a report in the place of the last one.
 *
 * @param db Pool.
 * @param report The report; its checks have a megabyte of JSON at most.
 */
export async function setDoctorReport(
  db: Db,
  { at, version, status, checks }: DoctorReport,
): Promise<void> {
  const rows = checks.map((check) => ({ ...check }));
  await db`
    insert into doctor_reports (at, version, status, checks)
    values (${at}, ${version}, ${status}, ${db.json(rows)})
    on conflict (is_one) do update set at = excluded.at,
      version = excluded.version, status = excluded.status,
      checks = excluded.checks
  `;
}
