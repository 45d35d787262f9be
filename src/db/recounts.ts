/**
 * Queries that set right what vaultboxes use, from what was counted on disk.
 *
 * @module
 */

import type { Db } from "./connect.ts";
import { addToCustomer } from "./customers.ts";

/** Seconds between two recounts of a vaultbox, at least. */
const PAUSE_SECONDS = 5;

/** Minutes between two recounts of a vaultbox in turn, at least. */
const TURN_MINUTES = 60;

/** Where the counters stood when a recount began. */
export interface RecountStart {
  /** Messages ever stored. */
  readonly messageCount: number;
  /** Octets ever stored. */
  readonly totalBytes: number;
}

/**
 * Begins a recount, unless one has begun moments ago, or somebody has locked the
 * vaultbox: many deliveries may ask at once, and none keeps a connection from
 * others to wait for that.
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
    where id = (
      select id from vaultboxes
      where id = ${vaultboxId} and (
        counted_at is null or counted_at <
          clock_timestamp() - make_interval(secs => ${PAUSE_SECONDS})
      )
      for no key update skip locked
    )
    returning message_count, total_bytes
  `;
  return row;
}

/** A recount that has begun in turn. */
export interface RecountTurn extends RecountStart {
  /** UUID of the vaultbox. */
  readonly id: string;
}

/**
 * Begins the recount of the vaultbox whose last one is the longest ago, unless
 * that was within the hour. Of several at once each gets another vaultbox.
 *
 * @param db Pool or transaction.
 * @returns The vaultbox and where its counters stand, if there is one.
 */
export async function beginNextRecount(
  db: Db,
): Promise<RecountTurn | undefined> {
  const [row] = await db<RecountTurn[]>`
    update vaultboxes set counted_at = clock_timestamp()
    where id = (
      select id from vaultboxes
      where counted_at is null or counted_at <
        clock_timestamp() - make_interval(mins => ${TURN_MINUTES})
      order by counted_at nulls first, id
      limit 1 for no key update skip locked
    )
    returning id, message_count, total_bytes
  `;
  return row;
}

/**
 * Adds up again what a customer with a limit for mail uses: the one for whom
 * that was done the longest ago, unless it was within the hour. Deliveries to
 * its vaultboxes wait meanwhile.
 *
 * @param db Transaction.
 * @returns UUID of the user, if there is one.
 */
export async function addUpNextCustomer(db: Db): Promise<string | undefined> {
  const [row] = await db<{ userId: string }[]>`
    select user_id from customers
    where num_nonnulls(max_bytes, max_messages) > 0
      and (counted_at is null or counted_at <
        clock_timestamp() - make_interval(mins => ${TURN_MINUTES}))
    order by counted_at nulls first, user_id
    limit 1 for no key update skip locked
  `;
  if (row === undefined) return undefined;
  // What a delivery has added to a vaultbox and not yet to the customer is not
  // committed, so it is not in the sum; it is added when this is over.
  await db`
    update customers c set
      used_bytes = used.bytes, used_messages = used.messages,
      counted_at = clock_timestamp()
    from (
      select coalesce(sum(used_bytes), 0)::bigint as bytes,
        coalesce(sum(used_messages), 0)::bigint as messages
      from vaultboxes where user_id = ${row.userId}
    ) used
    where c.user_id = ${row.userId}
  `;
  return row.userId;
}

/**
 * Sets what a vaultbox uses: what was counted, and what has come since the count
 * began. Of that, some may have been counted already; too much is the harmless
 * side, and the next recount sets it right.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param start Where the counters stood.
 * @param found What is in the Maildir; `staged` of the messages are being
 * stored.
 * @param isExact Whether nothing is set if mail came meanwhile.
 * @returns Undefined once it is set, or the vaultbox gone; else where the
 * counters stand now.
 */
export async function endRecount(
  db: Db,
  vaultboxId: string,
  start: RecountStart,
  found: { bytes: number; messages: number; staged: number },
  isExact = false,
): Promise<RecountStart | undefined> {
  const [old] = await db<
    (RecountStart & {
      userId: string;
      usedBytes: number;
      usedMessages: number;
    })[]
  >`
    select user_id, used_bytes, used_messages, message_count, total_bytes
    from vaultboxes where id = ${vaultboxId} for no key update
  `;
  if (old === undefined) return undefined;
  const isQuiet = old.messageCount === start.messageCount &&
    found.staged === 0;
  if (isExact && !isQuiet) return old;
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
  await addToCustomer(db, old.userId, more);
  return undefined;
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
