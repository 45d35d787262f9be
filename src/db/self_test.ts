/**
 * Queries on the vaultboxes to which `encimap doctor` sends a mail: each lives
 * for seconds, and nobody's lists and counts have it.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Minutes after which one is left over by a run that was killed. */
const LEFT_MINUTES = 15;

/** A vaultbox for a self-test. */
export interface SelfTestBox {
  /** UUID. */
  readonly id: string;
  /** The host's own domain. */
  readonly domain: string;
  /** Local part, lower case. */
  readonly alias: string;
  /** User name for IMAP. */
  readonly username: string;
  /** bcrypt of its password. */
  readonly passwordHash: string;
}

/**
 * Inserts a vaultbox with its address and its credential for IMAP.
 *
 * @param db Transaction.
 * @param box Values of the new rows.
 * @returns False if its domain is not hosted; nothing is inserted then.
 */
export async function insertSelfTest(
  db: Db,
  box: SelfTestBox,
): Promise<boolean> {
  const { id, domain, alias, username, passwordHash } = box;
  const { count } = await db`
    insert into vaultboxes (
      id, user_id, domain, alias, name, custody, username, is_self_test
    )
    select ${id}, user_id, domain, ${alias}, 'Self-test', 'external',
      ${username}, true
    from domains where domain = ${domain}
  `;
  if (count === 0) return false;
  await db`
    insert into addresses (domain, alias, vaultbox_id, kind)
    values (${domain}, ${alias}, ${id}, 'own')
  `;
  await db`
    insert into imap_app_credentials (
      vaultbox_id, user_id, username, password_hash
    )
    select id, user_id, username, ${passwordHash} from vaultboxes
    where id = ${id}
  `;
  return true;
}

/**
 * Deletes a vaultbox with all that hangs on its row, and notes that its mail has
 * to go. Nobody gets its address again, so it is not kept as a former one.
 *
 * @param db Transaction.
 * @param id UUID.
 */
export async function deleteSelfTest(db: Db, id: string): Promise<void> {
  await db`
    with gone as (
      delete from vaultboxes where id = ${id} and is_self_test returning id
    )
    insert into removals (vaultbox_id) select id from gone
  `;
  await db`select pg_notify('encimap_removal', '')`;
}

/**
 * Lists vaultboxes that a run which was killed has left behind.
 *
 * @param db Pool.
 * @returns Id and address of each.
 */
export async function listLeftSelfTests(
  db: Db,
): Promise<{ id: string; domain: string; alias: string }[]> {
  return [
    ...await db<{ id: string; domain: string; alias: string }[]>`
      select id, domain, alias from vaultboxes
      where is_self_test
        and created_at < now() - make_interval(mins => ${LEFT_MINUTES})
    `,
  ];
}
