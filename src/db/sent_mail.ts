/**
 * Queries on how much vaultboxes send.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Who sends. */
export interface Sender {
  /** UUID of the vaultbox. */
  readonly id: string;
  /** UUID of its user. */
  readonly userId: string;
  /** Its domain. */
  readonly domain: string;
  /** Whether its sending is stopped. */
  readonly isStopped: boolean;
}

/** What a vaultbox has sent, in recipients. */
export interface Sent {
  /** In this hour. */
  readonly hour: number;
  /** In 24 hours. */
  readonly day: number;
}

/** A vaultbox that sends nothing until somebody says so. */
export interface SendingStop {
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** Its address. */
  readonly address: string;
  /** Since when. */
  readonly stoppedAt: Date;
  /** Recipients in the day before. */
  readonly recipients: number;
}

/** Whose mail is held back. */
export interface SendingCounts {
  /** Vaultboxes that are stopped. */
  readonly stopped: number;
  /** Vaultboxes that had too many recipients in an hour, in the last 24 hours. */
  readonly limited: number;
}

/** First of two numbers of an advisory lock; the second is a vaultbox's. */
const SENDING_LOCK = 4301_0019;

/** Hours that are kept. */
const KEPT_HOURS = 48;

/** Rows that are deleted at a time. */
const SWEEP_MAX = 1000;

/**
 * Finds out who a login of Postfix is, and waits until no other of its messages
 * is being counted.
 *
 * @param tx Transaction.
 * @param username User name of a vaultbox.
 * @returns The vaultbox; undefined if it is gone or not active.
 */
export async function lockSender(
  tx: Db,
  username: string,
): Promise<Sender | undefined> {
  const [row] = await tx<Sender[]>`
    select v.id, v.user_id, v.domain, s.vaultbox_id is not null as is_stopped,
      pg_advisory_xact_lock(${SENDING_LOCK}, hashtext(v.id::text))::text as locked
    from vaultboxes v left join sending_stops s on s.vaultbox_id = v.id
    where v.username = ${username} and v.status = 'active'
  `;
  return row;
}

/**
 * Says whether the sending of a login is stopped.
 *
 * @param db Pool or transaction.
 * @param username User name of a vaultbox.
 * @returns Whether it is.
 */
export async function isSendingStopped(
  db: Db,
  username: string,
): Promise<boolean> {
  const rows = await db`
    select from sending_stops s join vaultboxes v on v.id = s.vaultbox_id
    where v.username = ${username}
  `;
  return rows.length > 0;
}

/**
 * Sums up what a vaultbox has sent.
 *
 * @param tx Transaction that holds its lock.
 * @param vaultboxId UUID.
 * @returns The sums.
 */
export async function sumSent(tx: Db, vaultboxId: string): Promise<Sent> {
  const [row] = await tx<[Sent]>`
    select coalesce(sum(recipients), 0)::int as day,
      coalesce(sum(recipients) filter (
        where hour = date_trunc('hour', now())), 0)::int as hour
    from sent_mail
    where vaultbox_id = ${vaultboxId} and hour > now() - interval '24 hours'
  `;
  return row;
}

/**
 * Counts recipients of a message.
 *
 * @param tx Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 * @param recipients How many.
 */
export async function addSent(
  tx: Db,
  vaultboxId: string,
  recipients: number,
): Promise<void> {
  await tx`
    insert into sent_mail (vaultbox_id, hour, recipients)
    values (${vaultboxId}, date_trunc('hour', now()), ${recipients})
    on conflict (vaultbox_id, hour) do update
    set recipients = sent_mail.recipients + excluded.recipients
  `;
}

/**
 * Notes that the hour of a vaultbox is full.
 *
 * @param tx Transaction that holds its lock.
 * @param vaultboxId UUID.
 * @returns Whether it was not noted before.
 */
export async function markLimited(
  tx: Db,
  vaultboxId: string,
): Promise<boolean> {
  const { count } = await tx`
    insert into sent_mail (vaultbox_id, hour, limited)
    values (${vaultboxId}, date_trunc('hour', now()), true)
    on conflict (vaultbox_id, hour) do update set limited = true
    where not sent_mail.limited
  `;
  return count === 1;
}

/**
 * Stops the sending of a vaultbox.
 *
 * @param tx Transaction that holds its lock.
 * @param vaultboxId UUID.
 * @param recipients Recipients in the day before.
 */
export async function insertSendingStop(
  tx: Db,
  vaultboxId: string,
  recipients: number,
): Promise<void> {
  await tx`
    insert into sending_stops (vaultbox_id, recipients)
    values (${vaultboxId}, ${recipients}) on conflict do nothing
  `;
}

/**
 * Lets a vaultbox send again, with a new day.
 *
 * @param tx Transaction.
 * @param vaultboxId UUID.
 * @returns Whether it was stopped.
 */
export async function deleteSendingStop(
  tx: Db,
  vaultboxId: string,
): Promise<boolean> {
  const { count } = await tx`
    delete from sending_stops where vaultbox_id = ${vaultboxId}
  `;
  if (count === 1) {
    await tx`delete from sent_mail where vaultbox_id = ${vaultboxId}`;
  }
  return count === 1;
}

/**
 * Lists those that are stopped, the first 1000.
 *
 * @param db Pool or transaction.
 * @returns They, the latest first.
 */
export async function listSendingStops(db: Db): Promise<SendingStop[]> {
  return [
    ...await db<SendingStop[]>`
      select s.vaultbox_id, v.alias || '@' || v.domain as address,
        s.stopped_at, s.recipients
      from sending_stops s join vaultboxes v on v.id = s.vaultbox_id
      order by s.stopped_at desc limit 1000
    `,
  ];
}

/**
 * Counts whose mail is held back.
 *
 * @param db Pool or transaction.
 * @returns The counts.
 */
export async function countSending(db: Db): Promise<SendingCounts> {
  const [row] = await db<[SendingCounts]>`
    select (select count(*)::int from sending_stops) as stopped,
      (select count(distinct vaultbox_id)::int from sent_mail
        where limited and hour > now() - interval '24 hours') as limited
  `;
  return row;
}

/**
 * Deletes what is no longer counted, a bounded number of rows.
 *
 * @param db Pool or transaction.
 */
export async function deleteOldSent(db: Db): Promise<void> {
  await db`
    delete from sent_mail where (vaultbox_id, hour) in (
      select vaultbox_id, hour from sent_mail
      where hour < now() - make_interval(hours => ${KEPT_HOURS})
      order by hour limit ${SWEEP_MAX}
    )
  `;
}
