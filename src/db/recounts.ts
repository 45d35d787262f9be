/**
 * Queries that set right what vaultboxes use, from what was counted on disk.
 *
 * @module
 */

import type { Db } from "./connect.ts";
import { addToCustomer } from "./customers.ts";

/** Seconds between two recounts of a vaultbox, at least. */
const PAUSE_SECONDS = 5;

/** Where the counters stood when a recount began. */
export interface RecountStart {
  /** Messages ever stored. */
  readonly messageCount: number;
  /** Octets ever stored. */
  readonly totalBytes: number;
}

/**
 * Begins a recount, unless one has begun moments ago.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns Where the counters stand; undefined if it is too early.
 */
export async function beginRecount(
  db: Db,
  vaultboxId: string,
): Promise<RecountStart | undefined> {
  const [row] = await db<RecountStart[]>`
    update vaultboxes set counted_at = clock_timestamp()
    where id = ${vaultboxId} and (
      counted_at is null or counted_at <
        clock_timestamp() - make_interval(secs => ${PAUSE_SECONDS})
    )
    returning message_count, total_bytes
  `;
  return row;
}

/**
 * Sets what a vaultbox uses: what was counted, and what has come since the count
 * began. Of that, some may have been counted already; too much is the harmless
 * side, and the next recount sets it right.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param start Where the counters stood.
 * @param found What is in the Maildir.
 */
export async function endRecount(
  db: Db,
  vaultboxId: string,
  start: RecountStart,
  found: { bytes: number; messages: number },
): Promise<void> {
  const [old] = await db<
    { userId: string; usedBytes: number; usedMessages: number }[]
  >`
    select user_id, used_bytes, used_messages from vaultboxes
    where id = ${vaultboxId} for no key update
  `;
  if (old === undefined) return;
  const [now] = await db<[{ usedBytes: number; usedMessages: number }]>`
    update vaultboxes set
      used_bytes =
        ${found.bytes} + greatest(total_bytes - ${start.totalBytes}, 0),
      used_messages =
        ${found.messages} + greatest(message_count - ${start.messageCount}, 0)
    where id = ${vaultboxId}
    returning used_bytes, used_messages
  `;
  const more = {
    bytes: now.usedBytes - old.usedBytes,
    messages: now.usedMessages - old.usedMessages,
  };
  await addToCustomer(db, old.userId, more, true);
}

/** Counters of a vaultbox that do not agree with its rows. */
export interface Drift {
  /** Messages ever stored, as it was counted. */
  readonly messageCount: number;
  /** Octets ever stored, as it was counted. */
  readonly totalBytes: number;
  /** Messages that have a row. */
  readonly messages: number;
  /** Their octets. */
  readonly bytes: number;
}

/**
 * Compares the counters of messages ever stored with the rows. Both change in
 * one transaction, so one look sees them agree unless they have drifted.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns What differs; undefined if they agree or the vaultbox is gone.
 */
export async function findDrift(
  db: Db,
  vaultboxId: string,
): Promise<Drift | undefined> {
  const [row] = await db<[Drift]>`
    select v.message_count, v.total_bytes, r.messages, r.bytes
    from vaultboxes v, (
      select count(*) as messages, coalesce(sum(size_bytes), 0)::bigint as bytes
      from messages where vaultbox_id = ${vaultboxId}
    ) r
    where v.id = ${vaultboxId}
      and (v.message_count, v.total_bytes) <> (r.messages, r.bytes)
  `;
  return row;
}

/**
 * Sets the counters of messages ever stored to what the rows say. Deliveries to
 * the vaultbox wait meanwhile.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 */
export async function mendCounters(db: Db, vaultboxId: string): Promise<void> {
  await db`
    select from vaultboxes where id = ${vaultboxId} for no key update
  `;
  await db`
    update vaultboxes v set message_count = r.messages, total_bytes = r.bytes
    from (
      select count(*) as messages, coalesce(sum(size_bytes), 0)::bigint as bytes
      from messages where vaultbox_id = ${vaultboxId}
    ) r
    where v.id = ${vaultboxId}
  `;
}

/**
 * Says whether no mail fits into a vaultbox.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns Whether it or its customer is full.
 */
export async function isFull(db: Db, vaultboxId: string): Promise<boolean> {
  const rows = await db`
    select from vaultboxes v left join customers c on c.user_id = v.user_id
    where v.id = ${vaultboxId} and (v.is_full or c.is_full)
  `;
  return rows.length > 0;
}

/**
 * Lists vaultboxes that are full or whose customer is, those first whose last
 * recount is the longest ago.
 *
 * @param db Pool or transaction.
 * @param limit Vaultboxes at most.
 * @returns UUIDs.
 */
export async function listFull(db: Db, limit: number): Promise<string[]> {
  const rows = await db<{ id: string }[]>`
    select id, counted_at from vaultboxes where is_full and used_messages > 0
    union
    select v.id, v.counted_at from customers c
    join vaultboxes v on v.user_id = c.user_id
    where c.is_full and v.used_messages > 0
    order by counted_at nulls first
    limit ${limit}
  `;
  return rows.map((row) => row.id);
}
