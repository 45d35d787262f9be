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
      used_bytes = ${found.bytes} + total_bytes - ${start.totalBytes},
      used_messages = ${found.messages} + message_count - ${start.messageCount}
    where id = ${vaultboxId}
    returning used_bytes, used_messages
  `;
  const more = {
    bytes: now.usedBytes - old.usedBytes,
    messages: now.usedMessages - old.usedMessages,
  };
  await addToCustomer(db, old.userId, more);
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
