/**
 * Queries on stored messages.
 *
 * @module
 */

import type { Db } from "./connect.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** What is known of a stored message. */
export interface Message {
  /** UUID. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** Message-ID field; null without one. */
  readonly messageId: string | null;
  /** Domain of the envelope sender; null for the empty one. */
  readonly fromDomain: string | null;
  /** Local part of the recipient. */
  readonly toAlias: string;
  /** Octets as stored. */
  readonly sizeBytes: number;
  /** When it was stored. */
  readonly receivedAt: Date;
  /** Who encrypted it. */
  readonly encryptedBy: "appliance" | "sender";
}

/** Which messages are wanted. */
export interface MessageFilter {
  /** UUID. */
  readonly vaultboxId: string;
  /** Only those from then on. */
  readonly receivedFrom?: Date | undefined;
  /** Only those before. */
  readonly receivedBefore?: Date | undefined;
}

/** Orders of the list. */
export const MESSAGE_ORDERS: Readonly<
  Record<"-received_at" | "received_at", Order>
> = {
  "-received_at": {
    keys: [["received_at", "timestamptz"], ["id", "uuid"]],
    descending: true,
  },
  "received_at": {
    keys: [["received_at", "timestamptz"], ["id", "uuid"]],
    descending: false,
  },
};

/**
 * Lists messages of a vaultbox.
 *
 * @param db Pool or transaction.
 * @param owner Whose the vaultbox must be.
 * @param page Which part, in one of {@linkcode MESSAGE_ORDERS}.
 * @param filter Which of them.
 * @returns The page; empty if the vaultbox is another's.
 */
export function listMessages(
  db: Db,
  owner: string | undefined,
  page: Page,
  filter: MessageFilter,
): Promise<Rows<Message>> {
  const { vaultboxId, receivedFrom, receivedBefore } = filter;
  return fetchPage<Message>(db, page, {
    columns: db`id, vaultbox_id, message_id, from_domain, to_alias, size_bytes,
      received_at, storage->>'encrypted_by' as encrypted_by`,
    from: db`messages m`,
    where: db`
      and vaultbox_id = ${vaultboxId}
      ${
      owner === undefined ? db`` : db`and exists (
        select from vaultboxes v where v.id = m.vaultbox_id and user_id = ${owner}
      )`
    }
      ${
      receivedFrom === undefined ? db`` : db`and received_at >= ${receivedFrom}`
    }
      ${
      receivedBefore === undefined
        ? db``
        : db`and received_at < ${receivedBefore}`
    }
    `,
  });
}

/**
 * Counts messages of a vaultbox, up to a number.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @param from Those received from then on.
 * @param before And before that; null for until now.
 * @param max What is counted at most.
 * @returns The count; `max` may be more.
 */
export async function countMessages(
  db: Db,
  vaultboxId: string,
  from: Date,
  before: Date | null,
  max: number,
): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*) as count from (
      select from messages
      where vaultbox_id = ${vaultboxId} and received_at >= ${from}
        and received_at < coalesce(${before}, 'infinity'::timestamptz)
      limit ${max}
    ) rows
  `;
  return row.count;
}

/**
 * Finds the file of a delivery.
 *
 * @param db Pool or transaction.
 * @param id UUID made from the delivery's identity.
 * @returns Name of its file, if the delivery has a row.
 */
export async function findMessageFile(
  db: Db,
  id: string,
): Promise<string | undefined> {
  const [row] = await db<{ file: string }[]>`
    select storage->>'file' as file from messages where id = ${id}
  `;
  return row?.file;
}

/**
 * Says which of some files have a row.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @param ids UUIDs that the files' names say.
 * @returns Names of the files that have one, and the place of each below its
 * Maildir; undefined for a new message of INBOX.
 */
export async function filesWithRows(
  db: Db,
  vaultboxId: string,
  ids: readonly string[],
): Promise<Map<string, string | undefined>> {
  const rows = await db<{ file: string; place: string | null }[]>`
    select storage->>'file' as file, storage->>'place' as place from messages
    where vaultbox_id = ${vaultboxId} and id = any(${ids as string[]}::uuid[])
  `;
  return new Map(rows.map(({ file, place }) => [file, place ?? undefined]));
}
