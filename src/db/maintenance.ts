/**
 * Queries of maintenance and of the state of health of certificates.
 *
 * @module
 */

import type { Db, Pool } from "./connect.ts";

/** Key of the lock that one run of maintenance holds. */
export const MAINTENANCE_LOCK = 0x656e6369;

/** What health counts at most: beyond that the number does not matter. */
const COUNT_MAX = 10_000;

/** A certificate that ends soon, or has. */
export interface Expiring {
  /** UUID of the generation, the newest of its vaultbox. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** The vaultbox's own address. */
  readonly address: string;
  /** Who holds the keys of the vaultbox. */
  readonly custody: "server" | "client" | "external";
  /** Whether the key is here, and kept to be used. */
  readonly isRenewable: boolean;
  /** SHA-256 of the certificate, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** End of validity. */
  readonly notAfter: Date;
}

/** Until when certificates count as ending soon. */
export interface Horizon {
  /** The time. */
  readonly now: Date;
  /** CERT_RENEW_DAYS. */
  readonly renewDays: number;
}

/** What health says of certificates; each number is 10,000 at most. */
export interface CertificateCounts {
  /** Newest ones whose time for renewal has come. */
  readonly expiring: number;
  /** Newest ones that have ended. */
  readonly expired: number;
  /** Newest ones that could not be renewed. */
  readonly renewalFailed: number;
  /** Bundles of custody `client` that nobody has confirmed for a week. */
  readonly unconfirmed: number;
}

/** A bundle that nobody has confirmed. */
export interface Unconfirmed {
  /** UUID of the hand-out. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** UUID of the vaultbox's user. */
  readonly userId: string;
  /** The vaultbox's domain. */
  readonly domain: string;
  /** When it went out. */
  readonly handedOutAt: Date;
}

/** Days after which an unconfirmed bundle is spoken of. */
const UNCONFIRMED_DAYS = 7;

/**
 * Lists newest certificates whose time for renewal has come: CERT_RENEW_DAYS
 * before they end, and no earlier than in the last third of their validity.
 *
 * @param db Pool.
 * @param horizon Until when.
 * @param after The last one of the page before; undefined for the first page.
 * @param limit How many at most.
 * @returns Those that end first come first.
 */
export async function listExpiring(
  db: Db,
  { now, renewDays }: Horizon,
  after: Expiring | undefined,
  limit: number,
): Promise<Expiring[]> {
  const days = db`${renewDays} * interval '1 day'`;
  return [
    ...await db<Expiring[]>`
      select c.id, c.vaultbox_id, v.alias || '@' || v.domain as address,
        v.custody, v.custody = 'server' and c.key_state = 'kept' as is_renewable,
        c.fingerprint_sha256, c.not_after
      from vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id
      where c.is_newest and c.not_after <= ${now}::timestamptz + ${days}
        and c.not_after - least(${days}, (c.not_after - c.not_before) / 3)
          <= ${now}
        ${
      after === undefined
        ? db``
        : db`and (c.not_after, c.id) > (${after.notAfter}, ${after.id})`
    }
      order by c.not_after, c.id limit ${limit}
    `,
  ];
}

/**
 * Notes that a certificate could not be renewed.
 *
 * @param db Pool.
 * @param id UUID of the generation.
 */
export async function markRenewalFailed(db: Db, id: string): Promise<void> {
  await db`
    update vaultbox_certs set renewal_failed_at = clock_timestamp()
    where id = ${id}
  `;
}

/**
 * Counts for health.
 *
 * @param db Pool.
 * @param horizon What ends soon.
 * @returns The counts.
 */
export async function countCertificates(
  db: Db,
  { now, renewDays }: Horizon,
): Promise<CertificateCounts> {
  const days = db`${renewDays} * interval '1 day'`;
  const week = db`
    ${now}::timestamptz - ${UNCONFIRMED_DAYS} * interval '1 day'
  `;
  const [row] = await db<[CertificateCounts]>`
    select
      (select count(*) from (select from vaultbox_certs
        where is_newest and not_after > ${now}
          and not_after <= ${now}::timestamptz + ${days}
          and not_after - least(${days}, (not_after - not_before) / 3) <= ${now}
        limit ${COUNT_MAX}) rows) as expiring,
      (select count(*) from (select from vaultbox_certs
        where is_newest and not_after <= ${now}
        limit ${COUNT_MAX}) rows) as expired,
      (select count(*) from (select from vaultbox_certs
        where is_newest and renewal_failed_at is not null
        limit ${COUNT_MAX}) rows) as renewal_failed,
      (select count(*) from (select from hand_outs
        where outcome is null and handed_out_at < ${week}
        limit ${COUNT_MAX}) rows) as unconfirmed
  `;
  return row;
}

/**
 * Lists bundles that nobody has confirmed for a week and that the log has not
 * spoken of.
 *
 * @param db Pool.
 * @param now The time.
 * @returns Bundles, at most 1000.
 */
export async function listUnconfirmed(
  db: Db,
  now: Date,
): Promise<Unconfirmed[]> {
  return [
    ...await db<Unconfirmed[]>`
      select h.id, h.vaultbox_id, v.user_id, v.domain, h.handed_out_at
      from hand_outs h join vaultboxes v on v.id = h.vaultbox_id
      where h.outcome is null and h.reported_at is null
        and h.handed_out_at
          < ${now}::timestamptz - ${UNCONFIRMED_DAYS} * interval '1 day'
      order by h.handed_out_at limit 1000
    `,
  ];
}

/**
 * Notes that the log has spoken of a bundle.
 *
 * @param db Transaction.
 * @param id UUID of the hand-out.
 */
export async function markReported(db: Db, id: string): Promise<void> {
  await db`update hand_outs set reported_at = clock_timestamp() where id = ${id}`;
}

/**
 * Runs something unless another process does.
 *
 * A lost connection gives the lock up early; whatever runs must not depend on
 * being alone, or look at the signal.
 *
 * @param sql Pool.
 * @param lock Number of the advisory lock that stands for it.
 * @param task What to run; its signal says that the lock is lost.
 * @returns What it returned; undefined if another process runs it.
 */
export async function runAlone<T>(
  sql: Pool,
  lock: number,
  task: (lost: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const lost = new AbortController();
  let running: Promise<T> | undefined;
  try {
    // A transaction without a snapshot: however long it is, it holds up nobody.
    await sql.begin(async (tx) => {
      await tx`set local idle_in_transaction_session_timeout = 0`;
      const [row] = await tx<[{ free: boolean }]>`
        select pg_try_advisory_xact_lock(${lock}) as free
      `;
      if (row.free) await (running = task(lost.signal));
    });
  } catch (error) {
    // The task tells by itself how it ends, also where the lock is lost.
    if (running === undefined) throw error;
    lost.abort();
  }
  return await running;
}

/**
 * Finds the time of the last run of maintenance.
 *
 * @param db Pool.
 * @returns By the clock of that time; undefined before the first one.
 */
export async function findLastRun(db: Db): Promise<Date | undefined> {
  const [row] = await db<{ lastRunAt: Date }[]>`
    select last_run_at from maintenance
  `;
  return row?.lastRunAt;
}

/**
 * Notes the time of a run of maintenance.
 *
 * @param db Pool.
 * @param now The time.
 */
export async function setLastRun(db: Db, now: Date): Promise<void> {
  await db`
    insert into maintenance (last_run_at) values (${now})
    on conflict (is_one) do update set last_run_at = excluded.last_run_at
  `;
}
