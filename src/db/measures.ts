/**
 * Queries for metrics and for the report: sums over everything. They read whole
 * tables or indexes, so nobody may ask them often.
 *
 * @module
 */

import type { Db } from "./connect.ts";
import type { Horizon } from "./maintenance.ts";

/** Days after its time has come at which a renewal is overdue. */
const OVERDUE_DAYS = 2;

/** Sums over all vaultboxes. */
export interface VaultboxSums {
  /** Those that take mail. */
  readonly active: number;
  /** Those that are suspended. */
  readonly suspended: number;
  /** Those in which no message fits. */
  readonly full: number;
  /** Messages in them. */
  readonly messages: number;
  /** Octets of those. */
  readonly bytes: number;
  /** When the newest mail came; null if none has. */
  readonly lastReceived: Date | null;
}

/** Newest certificates that end within some days. */
export interface Ending {
  /** Who holds the keys of the vaultbox. */
  readonly custody: string;
  /** Those that have ended. */
  readonly within0Days: number;
  /** Those that end within a week. */
  readonly within7Days: number;
  /** Those that end within thirty days. */
  readonly within30Days: number;
  /** Those that end within ninety days. */
  readonly within90Days: number;
}

/** What the last verification of each vaultbox has found. */
export interface FindingSums {
  /** When all were verified last; null if they never were. */
  readonly endedAt: Date | null;
  /** Stored messages whose octets are others now. */
  readonly altered: number;
  /** Files in INBOX that are no stored message. */
  readonly foreign: number;
  /** What is no file, or is not named like one. */
  readonly strange: number;
  /** What the system does not let be read. */
  readonly unreadable: number;
}

/** The database itself. */
export interface DatabaseState {
  /** Its size, in octets. */
  readonly bytes: number;
  /** Connections that PostgreSQL allows. */
  readonly connectionsMax: number;
}

/**
 * Adds up all vaultboxes.
 *
 * @param db Pool.
 * @returns The sums.
 */
export async function sumVaultboxes(db: Db): Promise<VaultboxSums> {
  const [row] = await db<[VaultboxSums]>`
    select count(*) filter (where status = 'active') as active,
      count(*) filter (where status = 'suspended') as suspended,
      count(*) filter (where is_full) as full,
      coalesce(sum(used_messages), 0)::bigint as messages,
      coalesce(sum(used_bytes), 0)::bigint as bytes,
      max(last_received) as last_received
    from vaultboxes where not is_self_test
  `;
  return row;
}

/**
 * Counts certificates that end soon.
 *
 * @param db Pool.
 * @param now The time.
 * @returns Counts, those that have ended included.
 */
export async function countEnding(db: Db, now: Date): Promise<Ending[]> {
  const ending = (days: number) =>
    db`c.not_after <= ${now}::timestamptz + ${days} * interval '1 day'`;
  return [
    ...await db<Ending[]>`
      select u.custody,
        count(c.id) filter (where ${ending(0)}) as within0_days,
        count(c.id) filter (where ${ending(7)}) as within7_days,
        count(c.id) filter (where ${ending(30)}) as within30_days,
        count(c.id) filter (where ${ending(90)}) as within90_days
      from (values ('server'), ('client'), ('external')) u (custody)
        left join (vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id)
          on v.custody = u.custody and c.is_newest and ${ending(90)}
      group by 1 order by 1
    `,
  ];
}

/**
 * Counts certificates that maintenance ought to have renewed two days ago.
 *
 * @param db Pool.
 * @param horizon What its time of renewal is.
 * @returns The count.
 */
export async function countOverdue(
  db: Db,
  { now, renewDays }: Horizon,
): Promise<number> {
  const days = db`${renewDays} * interval '1 day'`;
  const [row] = await db<[{ count: number }]>`
    select count(*) as count
    from vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id
    where c.is_newest and v.custody = 'server' and c.key_state = 'kept'
      and c.not_after <= ${now}::timestamptz + ${days}
      and c.not_after - least(${days}, (c.not_after - c.not_before) / 3)
        <= ${now}::timestamptz - ${OVERDUE_DAYS} * interval '1 day'
  `;
  return row.count;
}

/**
 * Lists certificates whose end is near.
 *
 * @param db Pool.
 * @param now The time.
 * @param days How near.
 * @param limit How many at most.
 * @returns Those that end first come first, those that have ended before them.
 */
export async function listEnding(
  db: Db,
  now: Date,
  days: number,
  limit: number,
): Promise<{ vaultboxId: string; custody: string; notAfter: Date }[]> {
  return [
    ...await db<{ vaultboxId: string; custody: string; notAfter: Date }[]>`
      select c.vaultbox_id, v.custody, c.not_after
      from vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id
      where c.is_newest
        and c.not_after <= ${now}::timestamptz + ${days} * interval '1 day'
      order by c.not_after, c.id limit ${limit}
    `,
  ];
}

/**
 * Counts vaultboxes that were made and deleted, by the audit log.
 *
 * @param db Pool.
 * @param since From when on.
 * @returns The counts.
 */
export async function countSince(
  db: Db,
  since: Date,
): Promise<{ created: number; deleted: number }> {
  const [row] = await db<[{ created: number; deleted: number }]>`
    select count(*) filter (where action = 'vaultbox.create') as created,
      count(*) filter (where action = 'vaultbox.delete') as deleted
    from audit_log
    where at >= ${since} and action in ('vaultbox.create', 'vaultbox.delete')
  `;
  return row;
}

/**
 * Adds up what verification has found.
 *
 * @param db Pool.
 * @returns The sums.
 */
export async function sumFindings(db: Db): Promise<FindingSums> {
  const [row] = await db<[FindingSums]>`
    select (select max(ended_at) from verification_runs) as ended_at,
      coalesce(sum(altered), 0)::bigint as altered,
      coalesce(sum(foreign_files), 0)::bigint as foreign,
      coalesce(sum(strange), 0)::bigint as strange,
      coalesce(sum(unreadable), 0)::bigint as unreadable
    from verifications
  `;
  return row;
}

/**
 * Says how large the database is, and how many may connect.
 *
 * @param db Pool.
 * @returns Its state.
 */
export async function findDatabaseState(db: Db): Promise<DatabaseState> {
  const [row] = await db<[DatabaseState]>`
    select pg_database_size(current_database()) as bytes,
      current_setting('max_connections')::int as connections_max
  `;
  return row;
}

/**
 * Counts connections to this database.
 *
 * @param db Pool.
 * @returns How many each role has.
 */
export async function countConnections(
  db: Db,
): Promise<{ role: string; count: number }[]> {
  return [
    ...await db<{ role: string; count: number }[]>`
      select usename as role, count(*) as count from pg_stat_activity
      where datname = current_database() and usename is not null
      group by 1 order by 1
    `,
  ];
}
