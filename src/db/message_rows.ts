/**
 * The statement that makes deliveries durable: rows of messages, and counters.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Where a stored message is and what it must be. */
export interface Storage {
  /** Name of the file in tmp/ and new/. */
  readonly file: string;
  /** HMAC-SHA256 of the stored octets, hexadecimal. */
  readonly hmac: string;
  /** Who encrypted it. */
  readonly encryptedBy: "appliance" | "sender";
  /**
   * Path below the Maildir where it is shown, if it is not a new message of
   * INBOX: imported mail, and what was sealed in its folder.
   */
  readonly place?: string;
}

/** Values of a new row. */
export interface MessageRow {
  /** UUID made from the delivery's identity. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** The vaultbox's when it was looked up. */
  readonly version: number;
  /** Message-ID field; null without one. */
  readonly messageId: string | null;
  /** Domain of the envelope sender; null for the empty one. */
  readonly fromDomain: string | null;
  /** Local part of the recipient. */
  readonly toAlias: string;
  /** Octets as stored. */
  readonly sizeBytes: number;
  /** When it came, if that is not now. */
  readonly receivedAt?: Date;
  /** Where it is. */
  readonly storage: Storage;
}

/**
 * Inserts messages and counts them, in one statement, which is a transaction.
 *
 * A message is left out, and nothing of it is counted, if the delivery has a
 * row; if the vaultbox is gone or has another version; or if the messages given
 * for its vaultbox, or for all vaultboxes of its customer, do not all fit.
 *
 * Locks are taken in one order: vaultboxes, customers, messages, each by key.
 * With `waits: false` none of vaultboxes and customers is waited for, so whoever
 * changes several vaultboxes at once cannot be in a deadlock with this, and no
 * customer's change holds up another's mail; messages for a vaultbox or a
 * customer that somebody else has locked are left out.
 *
 * @param db Pool or transaction.
 * @param rows Values of the new rows.
 * @param options `waits` is whether locks of vaultboxes and customers are waited
 * for.
 * @returns Files of the messages that this call inserted.
 */
export async function insertMessages(
  db: Db,
  rows: readonly MessageRow[],
  { waits }: { waits: boolean },
): Promise<Set<string>> {
  const given = rows.map(columnsOf);
  const elseSkips = waits ? db`` : db`skip locked`;
  // A lock is taken before what it is read for: the queries behind it read from
  // it, and a row that has changed since the statement began is read anew.
  const inserted = await db<{ file: string }[]>`
    with given as (
      select * from jsonb_to_recordset(${db.json(given)}) as given (
        id uuid, vaultbox_id uuid, version bigint, message_id text,
        from_domain text, to_alias text, size_bytes integer,
        received_at timestamptz, storage jsonb
      )
    ), needed as (
      select vaultbox_id, count(*) as messages, sum(size_bytes) as bytes
      from given group by vaultbox_id
    ), locked as (
      select id, user_id, version, used_messages, used_bytes, max_messages,
        max_bytes
      from vaultboxes where id = any(array(select vaultbox_id from needed))
      order by id for no key update ${elseSkips}
    ), fitting as (
      select v.id, v.user_id, v.version, n.messages, n.bytes
      from locked v join needed n on n.vaultbox_id = v.id
      where (max_messages is null or used_messages + messages <= max_messages)
        and (max_bytes is null or used_bytes + bytes <= max_bytes)
    ), payers as (
      -- The lock keeps setLimits() waiting and nobody else. It must be taken
      -- without a limit, too: that is when setLimits() has to wait.
      select user_id, num_nonnulls(max_bytes, max_messages) > 0 as is_limited
      from customers where user_id = any(array(select user_id from fitting))
      order by user_id for key share ${elseSkips}
    ), limited as (
      select user_id, used_messages, used_bytes, max_messages, max_bytes
      from customers
      where user_id = any(array(select user_id from payers where is_limited))
      order by user_id for no key update ${elseSkips}
    ), locked_elsewhere as (
      -- An operator's vaultbox has no customer.
      select user_id from customers
      where user_id = any(array(select user_id from fitting))
        and user_id not in (
          select user_id from payers where not is_limited
          union all select user_id from limited
        )
    ), refused as (
      select user_id from limited join fitting using (user_id)
      group by user_id, used_messages, used_bytes, max_messages, max_bytes
      having used_messages + sum(messages) > max_messages
        or used_bytes + sum(bytes) > max_bytes
    ), inserted as (
      insert into messages (
        id, vaultbox_id, message_id, from_domain, to_alias, size_bytes,
        received_at, storage
      )
      select g.id, g.vaultbox_id, g.message_id, g.from_domain, g.to_alias,
        g.size_bytes, coalesce(g.received_at, now()), g.storage
      from given g
      join fitting f on f.id = g.vaultbox_id and f.version = g.version
      where f.user_id not in (
        select user_id from refused union all select user_id from locked_elsewhere
      )
      order by g.id
      on conflict do nothing
      returning vaultbox_id, size_bytes, received_at, storage->>'file' as file
    ), counted as (
      update vaultboxes v set
        message_count = message_count + more.messages,
        total_bytes = total_bytes + more.bytes,
        used_messages = used_messages + more.messages,
        used_bytes = used_bytes + more.bytes,
        last_received = greatest(last_received, more.received_at)
      from (
        select vaultbox_id, count(*) as messages, sum(size_bytes) as bytes,
          max(received_at) as received_at
        from inserted group by vaultbox_id
      ) more
      where v.id = more.vaultbox_id
      returning v.user_id, more.messages, more.bytes
    ), charged as (
      update customers c set
        used_messages = used_messages + more.messages,
        used_bytes = used_bytes + more.bytes
      from (
        select user_id, sum(messages) as messages, sum(bytes) as bytes
        from counted where user_id in (select user_id from limited)
        group by user_id
      ) more
      where c.user_id = more.user_id
    )
    select file from inserted
  `;
  return new Set(inserted.map(({ file }) => file));
}

/**
 * Inserts the row of a message that takes the place of one that its owner has
 * stored in clear. Limits do not matter, as it is there already; what is used is
 * for a recount to say.
 *
 * @param db Pool or transaction.
 * @param row Values of the new row.
 * @returns Whether it was inserted: not if there is one with its id, or the
 * vaultbox is gone or has another version.
 */
export async function insertReplacement(
  db: Db,
  row: MessageRow,
): Promise<boolean> {
  const inserted = await db`
    with box as (
      select id from vaultboxes
      where id = ${row.vaultboxId} and version = ${row.version}
      for no key update
    ), inserted as (
      insert into messages (
        id, vaultbox_id, message_id, from_domain, to_alias, size_bytes,
        received_at, storage
      )
      -- A backup has it although it is newer than the one in clear.
      select given.id, given.vaultbox_id, given.message_id, given.from_domain,
        given.to_alias, given.size_bytes, given.received_at,
        given.storage || '{"replaces": true}'::jsonb
      from box, jsonb_to_record(${db.json(columnsOf(row))}) as given (
        id uuid, vaultbox_id uuid, message_id text, from_domain text,
        to_alias text, size_bytes integer, received_at timestamptz, storage jsonb
      )
      on conflict do nothing
      returning vaultbox_id, size_bytes
    )
    update vaultboxes v set
      message_count = message_count + 1,
      total_bytes = total_bytes + size_bytes
    from inserted where v.id = inserted.vaultbox_id
    returning v.id
  `;
  return inserted.length === 1;
}

function columnsOf(row: MessageRow) {
  const { file, hmac, encryptedBy, place } = row.storage;
  return {
    "id": row.id,
    "vaultbox_id": row.vaultboxId,
    "version": row.version,
    "message_id": row.messageId,
    "from_domain": row.fromDomain,
    "to_alias": row.toAlias,
    "size_bytes": row.sizeBytes,
    "received_at": row.receivedAt?.toISOString() ?? null,
    "storage": {
      file,
      hmac,
      "encrypted_by": encryptedBy,
      ...place === undefined ? {} : { place },
    },
  };
}

/**
 * Says why {@linkcode insertMessages} has left a message out.
 *
 * @param db Pool or transaction.
 * @param row The message.
 * @returns The file of the delivery's row, or that the vaultbox is gone or has
 * another version, or, if it is neither, that there is no room.
 */
export async function whyLeftOut(
  db: Db,
  row: MessageRow,
): Promise<{ file: string } | "stale" | "full"> {
  const [found] = await db<[{ file: string | null; version: number | null }]>`
    select
      (select storage->>'file' from messages where id = ${row.id}) as file,
      (select version from vaultboxes where id = ${row.vaultboxId}) as version
  `;
  if (found.file !== null) return { file: found.file };
  return found.version === row.version ? "full" : "stale";
}
