/**
 * Queries on deleted vaultboxes whose traces are being removed.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Days for which a removal is repeated: an IMAP session may write again. */
const KEPT_DAYS = 1;

/**
 * Notes that a vaultbox's mail has to go.
 *
 * @param db Transaction that deletes the vaultbox.
 * @param vaultboxId UUID.
 */
export async function insertRemoval(
  db: Db,
  vaultboxId: string,
): Promise<void> {
  await db`insert into removals (vaultbox_id) values (${vaultboxId})`;
  await db`select pg_notify('encimap_removal', '')`;
}

/**
 * Lists the vaultboxes whose mail has to go.
 *
 * @param db Pool or transaction.
 * @returns UUIDs.
 */
export async function listRemovals(db: Db): Promise<string[]> {
  const rows = await db<{ vaultboxId: string }[]>`
    select vaultbox_id from removals r
    where (mail_removed_at is null
        or requested_at > now() - make_interval(days => ${KEPT_DAYS}))
      and not exists (select from vaultboxes v where v.id = r.vaultbox_id)
  `;
  return rows.map((row) => row.vaultboxId);
}

/**
 * Counts deleted vaultboxes whose mail is still there after an hour.
 *
 * @param db Pool or transaction.
 * @returns The count.
 */
export async function countStuckRemovals(db: Db): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*) as count from removals r
    where mail_removed_at is null
      and requested_at < now() - interval '1 hour'
      and not exists (select from vaultboxes v where v.id = r.vaultbox_id)
  `;
  return row.count;
}

/**
 * Notes that the mail of a deleted vaultbox is gone.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 */
export async function markMailRemoved(
  db: Db,
  vaultboxId: string,
): Promise<void> {
  await db`
    update removals set mail_removed_at = now()
    where vaultbox_id = ${vaultboxId}
  `;
}

/**
 * Drops the notes of removals that are over.
 *
 * @param db Pool or transaction.
 */
export async function deleteOldRemovals(db: Db): Promise<void> {
  await db`
    delete from removals r
    where mail_removed_at is not null
      and requested_at < now() - make_interval(days => ${2 * KEPT_DAYS})
      and not exists (
        select from ending_sessions e where e.vaultbox_id = r.vaultbox_id
      )
  `;
}
