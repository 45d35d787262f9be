/**
 * Queries of the weekly clean-up.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Days for which the database lets nobody delete an entry of the audit log. */
const AUDIT_KEPT_DAYS = 30;

/** Key of the lock that one clean-up holds. */
export const CLEAN_UP_LOCK = 4301_0016;

/** Rows that one statement deletes, at most. */
export const DELETE_MAX = 5000;

/** Days for which the counts of deliveries are kept: two reports of a year. */
const COUNTS_KEPT_DAYS = 800;

/** Days for which runs of verification are kept, if they speak of nothing. */
const RUNS_KEPT_DAYS = 90;

/** Deletes some old rows, or counts all of them. */
export interface OldRows {
  /** What they are, for people. */
  readonly name: string;
  /**
   * Counts them.
   *
   * @returns The number.
   */
  count(): Promise<number>;
  /**
   * Deletes at most {@linkcode DELETE_MAX} of them.
   *
   * @returns How many.
   */
  delete(): Promise<number>;
}

/**
 * Finds the rows that nobody needs any more.
 *
 * @param db Pool.
 * @param limits The time, and for how many days rows are kept; 0 is for ever.
 * @returns Each kind of them.
 */
export function oldRows(
  db: Db,
  limits: { now: Date; auditDays: number; formerAddressDays: number },
): OldRows[] {
  const { now, auditDays, formerAddressDays } = limits;
  const ago = (days: number) =>
    db`${now}::timestamptz - ${days} * interval '1 day'`;
  return [
    ...auditDays === 0 ? [] : [
      rowsOf(
        db,
        "entries of the audit log",
        db`audit_log`,
        db`at < ${ago(Math.max(auditDays, AUDIT_KEPT_DAYS))}`,
      ),
    ],
    rowsOf(
      db,
      "former addresses",
      db`former_addresses`,
      db`removed_at < ${ago(formerAddressDays)}`,
    ),
    rowsOf(
      db,
      "counts of deliveries",
      db`delivery_counts`,
      db`day < ${ago(COUNTS_KEPT_DAYS)}`,
    ),
    rowsOf(
      db,
      "runs of verification",
      db`verification_runs`,
      db`ended_at < ${ago(RUNS_KEPT_DAYS)} and not exists (
        select from verifications v where v.run_id = verification_runs.id
      ) and id <> (select max(id) from verification_runs)`,
    ),
  ];
}

/** Parts of queries, which are constants of this file but for times. */
type Part = ReturnType<Db>;

function rowsOf(db: Db, name: string, table: Part, where: Part): OldRows {
  return {
    name,
    async count() {
      const [row] = await db<[{ count: number }]>`
        select count(*) as count from ${table} where ${where}
      `;
      return row.count;
    },
    async delete() {
      const deleted = await db`
        delete from ${table} where ctid in (
          select ctid from ${table} where ${where} limit ${DELETE_MAX}
        )
      `;
      return deleted.count;
    },
  };
}

/** How a table is doing. */
export interface TableState {
  /** Its name. */
  readonly name: string;
  /** Octets with its indexes. */
  readonly bytes: number;
  /** Rows, about. */
  readonly live: number;
  /** Rows that are gone and whose place is not free yet, about. */
  readonly dead: number;
  /** When it was vacuumed last; null if never. */
  readonly vacuumedAt: Date | null;
}

/**
 * Lists the largest tables.
 *
 * @param db Pool.
 * @param limit How many.
 * @returns The tables.
 */
export async function listTables(db: Db, limit: number): Promise<TableState[]> {
  return [
    ...await db<TableState[]>`
      select relname as name, pg_total_relation_size(relid) as bytes,
        n_live_tup as live, n_dead_tup as dead,
        greatest(last_vacuum, last_autovacuum) as vacuumed_at
      from pg_stat_user_tables order by 2 desc, 1 limit ${limit}
    `,
  ];
}
