/**
 * Queries on vaultboxes.
 *
 * Where a query takes an `owner`, that is the UUID of the user whose vaultboxes
 * alone exist for the caller; `undefined` is a service, for which all exist.
 *
 * @module
 */

import { type Db, isViolation, UNIQUE_VIOLATION } from "./connect.ts";
import { AppError } from "../errors.ts";
import type { ChosenPolicy } from "../encryption_policy.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** A vaultbox. */
export interface Vaultbox extends ChosenPolicy {
  /** UUID. */
  readonly id: string;
  /** UUID of the user that it belongs to. */
  readonly userId: string;
  /** Domain of its own address. */
  readonly domain: string;
  /** Local part of its own address. */
  readonly alias: string;
  /** For people. */
  readonly name: string;
  /** Whether it takes mail and logins. */
  readonly status: "active" | "suspended";
  /** Who holds the private key. */
  readonly custody: "server" | "client" | "external";
  /** Whether it is the operator's. */
  readonly isOperator: boolean;
  /** User name of its credentials; null until there is one. */
  readonly username: string | null;
  /** Messages ever stored. */
  readonly messageCount: number;
  /** Octets ever stored, encrypted. */
  readonly totalBytes: number;
  /** Octets in the Maildir at most; null is no limit. */
  readonly maxBytes: number | null;
  /** Messages in the Maildir at most; null is no limit. */
  readonly maxMessages: number | null;
  /** Octets in the Maildir, or more: see docs/design.md, "Limits". */
  readonly usedBytes: number;
  /** Messages in the Maildir, or more. */
  readonly usedMessages: number;
  /** When the last message came. */
  readonly lastReceived: Date | null;
  /** When it was made. */
  readonly createdAt: Date;
  /** Whether anybody who knows the address gets its certificate. */
  readonly publishCertificate: boolean;
}

/** Values of a new row. */
export interface VaultboxRow {
  /** UUID. */
  readonly id: string;
  /** UUID of the user. */
  readonly userId: string;
  /** Lower case, A-labels. */
  readonly domain: string;
  /** Lower case. */
  readonly alias: string;
  /** 1 to 255 characters. */
  readonly name: string;
  /** Whether it is the operator's; there is at most one. */
  readonly isOperator: boolean;
  /** Who holds the private key. */
  readonly custody: Vaultbox["custody"];
}

/** For whom vaultboxes exist. */
export interface Viewer {
  /** UUID of the user whose alone do; undefined: everybody's. */
  readonly owner: string | undefined;
  /** Whether the operator's does, which gets the mail for postmaster@. */
  readonly isAdmin: boolean;
}

/** For whom all vaultboxes exist. */
export const EVERYTHING: Viewer = { owner: undefined, isAdmin: true };

/** Which vaultboxes are wanted. */
export interface VaultboxFilter {
  /** Only this domain. */
  readonly domain?: string | undefined;
  /** Only this local part. */
  readonly alias?: string | undefined;
  /** Only in this state. */
  readonly status?: Vaultbox["status"] | undefined;
}

/** Orders of the list. */
export const VAULTBOX_ORDERS: Readonly<
  Record<"created_at" | "-created_at" | "address" | "-address", Order>
> = {
  "created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: false,
  },
  "-created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: true,
  },
  "address": {
    keys: [["domain", "text"], ["alias", "text"]],
    descending: false,
  },
  "-address": {
    keys: [["domain", "text"], ["alias", "text"]],
    descending: true,
  },
};

const COLUMNS = [
  "id",
  "userId",
  "domain",
  "alias",
  "name",
  "status",
  "custody",
  "isOperator",
  "username",
  "messageCount",
  "totalBytes",
  "maxBytes",
  "maxMessages",
  "usedBytes",
  "usedMessages",
  "lastReceived",
  "createdAt",
  "contentCipher",
  "keyTransport",
  "headerProtection",
  "publishCertificate",
] as const;

/**
 * Inserts a vaultbox.
 *
 * @param db Transaction.
 * @param row Values of the new row.
 * @returns The row as stored.
 * @throws {AppError} `conflict` if it is a second one for the operator.
 */
export async function insertVaultbox(
  db: Db,
  row: VaultboxRow,
): Promise<Vaultbox> {
  try {
    const [stored] = await db<[Vaultbox]>`
      insert into vaultboxes ${
      db(
        row,
        "id",
        "userId",
        "domain",
        "alias",
        "name",
        "isOperator",
        "custody",
      )
    }
      returning ${db(COLUMNS)}
    `;
    return stored;
  } catch (error) {
    if (isViolation(error, UNIQUE_VIOLATION)) {
      throw new AppError("conflict", "There is an operator's vaultbox", {
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * Finds a vaultbox.
 *
 * @param db Pool or transaction.
 * @param id UUID.
 * @param viewer Whose it must be.
 * @param lock Whether it is kept from changes until the transaction ends.
 * @returns The vaultbox.
 * @throws {AppError} `not_found` if there is none or it is another's.
 */
export async function getVaultbox(
  db: Db,
  id: string,
  viewer: Viewer,
  lock = false,
): Promise<Vaultbox> {
  const [row] = await db<Vaultbox[]>`
    select ${db(COLUMNS)} from vaultboxes
    where id = ${id} ${visibleTo(db, viewer)}
    ${lock ? db`for update` : db``}
  `;
  if (row === undefined) throw new AppError("not_found", "No such vaultbox");
  return row;
}

/**
 * Finds the vaultbox of an address.
 *
 * @param db Pool or transaction.
 * @param address Domain and local part, lower case.
 * @param owner Whose it must be.
 * @returns The vaultbox, if there is one and it is not another's.
 */
export async function findVaultboxByAddress(
  db: Db,
  address: { domain: string; alias: string },
  owner: string | undefined,
): Promise<Vaultbox | undefined> {
  const [row] = await db<Vaultbox[]>`
    select ${db(COLUMNS)} from vaultboxes
    where id = (
      select vaultbox_id from addresses
      where domain = ${address.domain} and alias = ${address.alias}
        and kind = 'own'
    ) and (${owner ?? null}::uuid is null or user_id = ${owner ?? null})
  `;
  return row;
}

/**
 * Lists vaultboxes.
 *
 * @param db Pool or transaction.
 * @param viewer Whose are listed.
 * @param page Which part, in one of {@linkcode VAULTBOX_ORDERS}.
 * @param filter Which of them.
 * @returns The page.
 */
export function listVaultboxes(
  db: Db,
  viewer: Viewer,
  page: Page,
  filter: VaultboxFilter = {},
): Promise<Rows<Vaultbox>> {
  const { domain, alias, status } = filter;
  return fetchPage<Vaultbox>(db, page, {
    columns: db`${db(COLUMNS)}`,
    from: db`vaultboxes`,
    where: db`
      ${visibleTo(db, viewer)}
      ${domain === undefined ? db`` : db`and domain = ${domain}`}
      ${alias === undefined ? db`` : db`and alias = ${alias}`}
      ${status === undefined ? db`` : db`and status = ${status}`}
    `,
  });
}

/**
 * Finds the version of a vaultbox, which is to be read before what depends on
 * it.
 *
 * @param db Pool or transaction.
 * @param id UUID.
 * @returns The version, and whether no mail fits into it, as far as is known.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function getVersion(
  db: Db,
  id: string,
): Promise<{ version: number; isFull: boolean }> {
  const [row] = await db<{ version: number; isFull: boolean }[]>`
    select version, is_full from vaultboxes where id = ${id}
  `;
  if (row === undefined) throw new AppError("not_found", "No such vaultbox");
  return row;
}

/**
 * Deletes a vaultbox with everything that hangs on its row.
 *
 * @param db Transaction.
 * @param id UUID.
 */
export async function deleteVaultbox(db: Db, id: string): Promise<void> {
  await db`
    insert into former_addresses (domain, alias, held_since)
    select domain, alias, created_at from addresses where vaultbox_id = ${id}
    on conflict (domain, alias) do update set removed_at = clock_timestamp()
  `;
  await db`
    with gone as (
      delete from vaultboxes where id = ${id}
      returning user_id, used_bytes, used_messages
    )
    update customers c set
      vaultbox_count = greatest(c.vaultbox_count - 1, 0),
      used_bytes = greatest(c.used_bytes - gone.used_bytes, 0),
      used_messages = greatest(c.used_messages - gone.used_messages, 0)
    from gone where c.user_id = gone.user_id
  `;
}

/** What can be changed of a vaultbox; what is left out stays. */
export interface VaultboxChanges extends Partial<ChosenPolicy> {
  /** 1 to 255 characters. */
  readonly name?: string;
  /** Whether it takes mail and logins. */
  readonly status?: Vaultbox["status"];
  /** Octets at most; null is no limit. */
  readonly maxBytes?: number | null;
  /** Messages at most; null is no limit. */
  readonly maxMessages?: number | null;
  /** Whether anybody who knows the address gets its certificate. */
  readonly publishCertificate?: boolean;
}

/**
 * Changes a vaultbox.
 *
 * @param db Transaction.
 * @param id UUID.
 * @param changes At least one.
 * @returns The vaultbox as it is then.
 */
export async function updateVaultbox(
  db: Db,
  id: string,
  changes: VaultboxChanges,
): Promise<Vaultbox> {
  const columns = Object.keys(changes) as (keyof VaultboxChanges)[];
  const [row] = await db<[Vaultbox]>`
    update vaultboxes set ${db(changes, ...columns)} where id = ${id}
    returning ${db(COLUMNS)}
  `;
  return row;
}

/**
 * Changes who holds the keys of a vaultbox.
 *
 * @param db Transaction that holds the row's lock.
 * @param id UUID.
 * @param custody Who does from now on.
 */
export async function setCustody(
  db: Db,
  id: string,
  custody: Vaultbox["custody"],
): Promise<void> {
  await db`update vaultboxes set custody = ${custody} where id = ${id}`;
}

/**
 * Gives a vaultbox the user name of its credentials.
 *
 * @param db Transaction that holds the row's lock.
 * @param id UUID.
 * @param username The name.
 * @returns False if another vaultbox has that name.
 */
export async function setUsername(
  db: Db,
  id: string,
  username: string,
): Promise<boolean> {
  const { count } = await db`
    update vaultboxes set username = ${username} where id = ${id}
      and not exists (select from vaultboxes where username = ${username})
  `;
  return count === 1;
}

/** The condition of every query, behind others. */
function visibleTo(db: Db, { owner, isAdmin }: Viewer) {
  return db`
    ${owner === undefined ? db`` : db`and user_id = ${owner}`}
    ${isAdmin ? db`` : db`and not is_operator`}
    and not is_self_test
  `;
}
