/**
 * Queries of backups and of what follows a restoration.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** A moment of the database that pg_dump can look at, too. */
export interface DatabaseSnapshot {
  /** What `pg_dump --snapshot` takes; valid until the transaction ends. */
  readonly id: string;
  /** When it was. */
  readonly at: Date;
}

/**
 * Exports the snapshot of a transaction, which may then be open for hours.
 *
 * @param tx Transaction of isolation level repeatable read.
 * @returns The snapshot.
 */
export async function exportSnapshot(tx: Db): Promise<DatabaseSnapshot> {
  await tx`set local statement_timeout = 0`;
  await tx`set local idle_in_transaction_session_timeout = 0`;
  const [row] = await tx<[DatabaseSnapshot]>`
    select pg_export_snapshot() as id, now() as at
  `;
  return row;
}

/**
 * Lists vaultboxes.
 *
 * @param db Pool or transaction.
 * @param after UUID of the last one that was listed.
 * @param limit Vaultboxes at most.
 * @returns UUIDs, in their order.
 */
export async function listVaultboxIds(
  db: Db,
  after: string | undefined,
  limit: number,
): Promise<string[]> {
  const rows = await db<{ id: string }[]>`
    select id from vaultboxes
    where ${after === undefined ? db`true` : db`id > ${after}`}
    order by id limit ${limit}
  `;
  return rows.map(({ id }) => id);
}

/**
 * Ends one-time links: whether one was used after the backup is not known, and
 * it would give keys a second time.
 *
 * @param db Pool or transaction.
 * @returns How many there were.
 */
export async function dropSetupLinks(db: Db): Promise<number> {
  const { count } = await db`delete from setup_links where used_at is null`;
  return count;
}

/**
 * Counts bundles that went out and that nobody has confirmed, as far as the
 * backup knows.
 *
 * @param db Pool or transaction.
 * @returns The count.
 */
export async function countOpenHandOuts(db: Db): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*) as count from hand_outs where outcome is null
  `;
  return row.count;
}

/**
 * Forgets the answers that repeated requests are given.
 *
 * @param db Pool or transaction.
 */
export async function dropRepeatedAnswers(db: Db): Promise<void> {
  await db`delete from idempotency_keys`;
}
