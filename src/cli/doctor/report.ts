/**
 * What is kept of a run of `encimap doctor`: the API shows it to the operator.
 *
 * @module
 */

import type { Pool } from "../../db/connect.ts";
import { type DoctorReport, setDoctorReport } from "../../db/doctor_reports.ts";
import { reason } from "../../log.ts";
import { VERSION } from "../../version.ts";
import type { Outcome } from "./check.ts";

/** Characters of a text, at most: a problem may quote another program. */
const TEXT_MAX = 1000;

/** Checks, at most: there are fewer than half as many. */
const CHECKS_MAX = 100;

/**
 * Finds the worst of some outcomes.
 *
 * @param outcomes What the checks said.
 * @returns `ok` if there is nothing to look at.
 */
export function worstOf(outcomes: readonly Outcome[]): DoctorReport["status"] {
  const isThere = (status: Outcome["status"]): boolean =>
    outcomes.some((outcome) => outcome.status === status);
  return isThere("failed") ? "failed" : isThere("warning") ? "warning" : "ok";
}

/**
 * Makes the report that is kept, whatever texts the checks have.
 *
 * @param outcomes What the checks said.
 * @param at When it ran.
 * @returns The report: a hundred checks with texts of 1000 characters at most.
 */
export function reportOf(outcomes: readonly Outcome[], at: Date): DoctorReport {
  return {
    at,
    version: VERSION,
    status: worstOf(outcomes),
    checks: outcomes.slice(0, CHECKS_MAX).map((outcome) => ({
      name: cut(outcome.name),
      status: outcome.status,
      title: cut(outcome.title),
      note: cutIfAny(outcome.note),
      problem: cutIfAny(outcome.problem),
      fix: cutIfAny(outcome.fix),
    })),
  };
}

/**
 * Keeps a report in place of the last one. Where it cannot be kept, a warning is
 * all that comes of it.
 *
 * @param sql Pool.
 * @param outcomes What the checks said.
 * @param options `at` is when it ran; `warn` writes a line to standard error.
 */
export async function keepReport(
  sql: Pool,
  outcomes: readonly Outcome[],
  { at, warn }: { at: Date; warn: (line: string) => void },
): Promise<void> {
  const isDatabaseUp = outcomes.some(({ name, status }) =>
    name === "database" && status === "ok"
  );
  // The check has said so already.
  if (!isDatabaseUp) return;
  try {
    await setDoctorReport(sql, reportOf(outcomes, at));
  } catch (error) {
    warn(`encimap doctor: this report is not kept: ${reason(error)}`);
  }
}

function cutIfAny(text: string | undefined): string | null {
  return text === undefined ? null : cut(text);
}

/** What JSON of PostgreSQL refuses is replaced: U+0000, and half a character. */
function cut(text: string): string {
  const short = text.length > TEXT_MAX
    ? `${text.slice(0, TEXT_MAX - 1)}…`
    : text;
  return short.toWellFormed().replaceAll(/\p{Cc}/gu, " ");
}
