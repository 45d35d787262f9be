/**
 * Queries on user names whose sessions have to end.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** A user name whose sessions have to end. */
export interface EndingSessions {
  /** Number of the newest request; an answer of Dovecot covers it. */
  readonly id: number;
  /** UUID of the vaultbox, which may be gone. */
  readonly vaultboxId: string;
  /** User name. */
  readonly username: string;
}

/**
 * Seconds after which one answer of Dovecot is enough: a login that was checked
 * before the change may become a session after the first answer.
 */
const LOGIN_SECONDS = 10;

/**
 * Notes that the sessions of a vaultbox have to end.
 *
 * @param db Transaction of the change.
 * @param vaultboxId UUID.
 * @param username Its user name; null if it never had one.
 */
export async function insertEndingSessions(
  db: Db,
  vaultboxId: string,
  username: string | null,
): Promise<void> {
  if (username === null) return;
  await db`
    insert into ending_sessions (vaultbox_id, username)
    values (${vaultboxId}, ${username})
  `;
}

/**
 * Notes that the sessions of credentials that have expired have to end.
 *
 * @param db Pool or transaction.
 */
export async function insertExpiredSessions(db: Db): Promise<void> {
  await db`
    with expired as (
      update app_credentials set expired = true
      where not expired and expires_at <= now()
      returning vaultbox_id, username, scope
    )
    insert into ending_sessions (vaultbox_id, username)
    select distinct vaultbox_id, username from expired where scope <> 'smtp'
  `;
}

/**
 * Lists the user names whose sessions have to end.
 *
 * @param db Pool or transaction.
 * @param vaultboxId Only this vaultbox's, if given.
 * @returns One for each user name.
 */
export async function listEndingSessions(
  db: Db,
  vaultboxId?: string,
): Promise<EndingSessions[]> {
  return [
    ...await db<EndingSessions[]>`
      select max(id) as id, vaultbox_id, username from ending_sessions
      ${vaultboxId === undefined ? db`` : db`where vaultbox_id = ${vaultboxId}`}
      group by vaultbox_id, username order by id
    `,
  ];
}

/**
 * Notes that Dovecot has ended the sessions of a user name. What they wrote into
 * the folder of a deleted vaultbox is removed once more, and for another day.
 *
 * @param db Transaction.
 * @param ended What was listed before Dovecot was asked.
 */
export async function deleteEndingSessions(
  db: Db,
  ended: EndingSessions,
): Promise<void> {
  const { count } = await db`
    delete from ending_sessions
    where username = ${ended.username} and id <= ${ended.id}
      and requested_at < now() - make_interval(secs => ${LOGIN_SECONDS})
  `;
  if (count === 0) return;
  await db`
    update removals set mail_removed_at = null, requested_at = now()
    where vaultbox_id = ${ended.vaultboxId}
  `;
}
