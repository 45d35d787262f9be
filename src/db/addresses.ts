/**
 * Queries on the addresses that a vaultbox has besides its own: aliases and
 * catch-alls.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { type Db, isViolation, UNIQUE_VIOLATION } from "./connect.ts";
import { CATCH_ALL } from "./domains.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** An alias of a vaultbox. */
export interface Alias {
  /** Domain, lower case. */
  readonly domain: string;
  /** Local part, lower case. */
  readonly alias: string;
  /** When it was made. */
  readonly createdAt: Date;
}

/** Who gets the mail for all other addresses of a domain. */
export interface CatchAll {
  /** Domain, lower case. */
  readonly domain: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** When the domain got a catch-all. */
  readonly createdAt: Date;
}

/** Aliases of a vaultbox, at most. */
const ALIASES_MAX = 100;

/** Orders of a vaultbox's aliases. */
export const ALIAS_ORDERS: {
  readonly address: Order;
  readonly "-address": Order;
} = {
  address: {
    keys: [["domain", "text"], ["alias", "text"]],
    descending: false,
  },
  "-address": {
    keys: [["domain", "text"], ["alias", "text"]],
    descending: true,
  },
};

/**
 * Lists the addresses of a vaultbox, or of all vaultboxes of a user.
 *
 * @param db Pool or transaction.
 * @param of Whose.
 * @returns Domain and local part of each.
 */
export async function listAddressesOf(
  db: Db,
  of: { vaultboxId: string } | { userId: string },
): Promise<{ domain: string; alias: string }[]> {
  const rows = await db<{ domain: string; alias: string }[]>`
    select domain, alias from addresses
    where vaultbox_id in (${
    "vaultboxId" in of
      ? db`${of.vaultboxId}`
      : db`select id from vaultboxes where user_id = ${of.userId}`
  })
  `;
  return [...rows];
}

/**
 * Inserts an alias.
 *
 * @param db Transaction that holds the lock of the vaultbox.
 * @param row Address and vaultbox.
 * @returns The alias as stored.
 * @throws {AppError} `conflict` if the address is taken, or if the vaultbox has
 * {@linkcode ALIASES_MAX} of them.
 */
export async function insertAlias(
  db: Db,
  row: { domain: string; alias: string; vaultboxId: string },
): Promise<Alias> {
  const earlier = await db`
    select from addresses
    where vaultbox_id = ${row.vaultboxId} and kind = 'alias'
    limit ${ALIASES_MAX}
  `;
  if (earlier.length >= ALIASES_MAX) {
    throw new AppError(
      "conflict",
      `Vaultbox has ${ALIASES_MAX} aliases, the most it can have`,
    );
  }
  try {
    const [stored] = await db<[Alias]>`
      insert into addresses ${db({ ...row, kind: "alias" })}
      returning domain, alias, created_at
    `;
    return stored;
  } catch (error) {
    if (isViolation(error, UNIQUE_VIOLATION)) {
      throw new AppError("conflict", "Address is taken", { cause: error });
    }
    throw error;
  }
}

/**
 * Lists aliases of a vaultbox.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID; the caller has made sure whose it is.
 * @param page Which part, in one of {@linkcode ALIAS_ORDERS}.
 * @returns The page.
 */
export function listAliases(
  db: Db,
  vaultboxId: string,
  page: Page,
): Promise<Rows<Alias>> {
  return fetchPage<Alias>(db, page, {
    columns: db`domain, alias, created_at`,
    from: db`addresses`,
    where: db`and vaultbox_id = ${vaultboxId} and kind = 'alias'`,
  });
}

/**
 * Deletes an alias or a catch-all.
 *
 * @param db Transaction.
 * @param row Address and vaultbox.
 * @throws {AppError} `not_found` if the vaultbox has no such one.
 */
export async function deleteAddress(
  db: Db,
  row: { domain: string; alias: string; vaultboxId: string },
): Promise<void> {
  const { count } = await db`
    with gone as (
      delete from addresses
      where domain = ${row.domain} and alias = ${row.alias}
        and vaultbox_id = ${row.vaultboxId} and kind in ('alias', 'catch_all')
      returning domain, alias, created_at
    )
    insert into former_addresses (domain, alias, held_since)
    select domain, alias, created_at from gone
    on conflict (domain, alias) do update set removed_at = clock_timestamp()
  `;
  if (count === 0) throw new AppError("not_found", "No such alias");
}

/**
 * Finds a domain's catch-all.
 *
 * @param db Pool or transaction.
 * @param domain Lower case, A-labels.
 * @param owner Whose the domain must be.
 * @returns The catch-all.
 * @throws {AppError} `not_found` if there is none or the domain is another's.
 */
export async function getCatchAll(
  db: Db,
  domain: string,
  owner: string | undefined,
): Promise<CatchAll> {
  const [row] = await db<CatchAll[]>`
    select a.domain, a.vaultbox_id, a.created_at
    from addresses a join domains d on d.domain = a.domain
    where a.domain = ${domain} and a.alias = ${CATCH_ALL}
      and (${owner ?? null}::uuid is null or d.user_id = ${owner ?? null})
  `;
  if (row === undefined) throw new AppError("not_found", "No such catch-all");
  return row;
}

/**
 * Sets a domain's catch-all. Mail that is queued for the one before goes to the
 * new one: both are of one user, who wants it so.
 *
 * @param db Transaction.
 * @param domain Lower case, A-labels.
 * @param vaultboxId UUID of a vaultbox of the domain's user.
 * @returns The catch-all as stored.
 */
export async function putCatchAll(
  db: Db,
  domain: string,
  vaultboxId: string,
): Promise<CatchAll> {
  const row = { domain, alias: CATCH_ALL, vaultboxId, kind: "catch_all" };
  const [stored] = await db<[CatchAll]>`
    insert into addresses ${db(row)}
    on conflict (domain, alias) do update set vaultbox_id = ${vaultboxId}
    returning domain, vaultbox_id, created_at
  `;
  return stored;
}
