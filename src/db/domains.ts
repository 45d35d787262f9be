/**
 * Queries on hosted domains and the addresses in them.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import {
  type Db,
  isViolation,
  pipelined,
  UNIQUE_VIOLATION,
} from "./connect.ts";

/** A hosted domain. */
export interface Domain {
  /** Lower case, A-labels. */
  readonly domain: string;
  /** UUID of the user whose vaultboxes it holds. */
  readonly userId: string;
  /** When it was claimed. */
  readonly createdAt: Date;
}

/** Local part of the row that stands for all addresses without a row. */
export const CATCH_ALL = "*";

/** What Postfix has to know of one address. */
export interface Route {
  /** Domain, lower case. */
  readonly domain: string;
  /** Local part, lower case, or {@linkcode CATCH_ALL}. */
  readonly alias: string;
  /** UUID of the vaultbox that its mail goes to. */
  readonly vaultboxId: string;
  /** User name that may send as this address; null without credentials. */
  readonly sender: string | null;
  /** Why mail for it is refused for now; null if it is not. */
  readonly refusal: "suspended" | "full" | null;
}

/**
 * Claims a domain for a user.
 *
 * @param db Transaction.
 * @param domain Lower case, A-labels.
 * @param userId UUID of the user.
 * @param proof How it was shown whose it is.
 * @returns Whether the domain was free until now.
 * @throws {AppError} `forbidden` if it is another user's.
 */
export async function claimDomain(
  db: Db,
  domain: string,
  userId: string,
  proof: "declared" | "dns" | "platform" = "declared",
): Promise<boolean> {
  const [isNew] = await pipelined([
    insertDomain(db, { domain, userId, proof }),
    checkDomainOwner(db, domain, userId),
  ]);
  return isNew;
}

async function insertDomain(
  db: Db,
  row: { domain: string; userId: string; proof: string },
): Promise<boolean> {
  const { count } = await db`
    insert into domains ${db(row)} on conflict do nothing
  `;
  return count === 1;
}

/**
 * Makes sure that a domain is hosted and belongs to a user.
 *
 * @param db Pool or transaction.
 * @param domain Lower case, A-labels.
 * @param userId UUID of the user.
 * @throws {AppError} `forbidden` if it is not.
 */
export async function checkDomainOwner(
  db: Db,
  domain: string,
  userId: string,
): Promise<void> {
  // "for key share" waits for a removal of the domain that is under way.
  const rows = await db`
    select 1 from domains where domain = ${domain} and user_id = ${userId}
    for key share
  `;
  if (rows.length === 0) throw new AppError("forbidden", "Domain is not yours");
}

/**
 * Finds a domain.
 *
 * @param db Pool or transaction.
 * @param domain Lower case, A-labels.
 * @returns The domain, if it is hosted.
 */
export async function findDomain(
  db: Db,
  domain: string,
): Promise<Domain | undefined> {
  const [row] = await db<Domain[]>`
    select domain, user_id, created_at from domains where domain = ${domain}
  `;
  return row;
}

/**
 * Lists all domains in alphabetical order.
 *
 * @param db Pool or transaction.
 * @returns The domains.
 */
export async function listDomains(db: Db): Promise<Domain[]> {
  return [
    ...await db<Domain[]>`
      select domain, user_id, created_at from domains order by domain
    `,
  ];
}

/**
 * Deletes a domain with its role addresses.
 *
 * @param db Transaction.
 * @param domain Lower case, A-labels.
 * @param userId UUID of the user whose it must be.
 * @returns Local parts of the addresses that went with it.
 * @throws {AppError} `not_found` if it is not hosted, `conflict` if it holds
 * addresses of vaultboxes.
 */
export async function deleteDomain(
  db: Db,
  domain: string,
  userId: string,
): Promise<string[]> {
  // Before anything else: nothing is added to it from here on, and whoever adds
  // holds the lock of a vaultbox, for which the foreign keys would wait.
  const [held] = await db`
    select from domains where domain = ${domain} and user_id = ${userId}
    for update
  `;
  if (held === undefined) throw new AppError("not_found", "No such domain");
  const inside = await db`
    select from vaultboxes where domain = ${domain}
    union all
    select from addresses where domain = ${domain} and kind <> 'role'
    limit 1
  `;
  if (inside.length > 0) {
    throw new AppError("conflict", "Domain holds addresses of vaultboxes");
  }
  const roles = await db<{ alias: string }[]>`
    delete from addresses where domain = ${domain} and kind = 'role'
    returning alias
  `;
  await db`delete from domains where domain = ${domain}`;
  return roles.map((row) => row.alias);
}

/**
 * Inserts a vaultbox's own address.
 *
 * @param db Transaction.
 * @param row Address and vaultbox.
 * @throws {AppError} `conflict` if the address is taken.
 */
export async function insertAddress(
  db: Db,
  row: { domain: string; alias: string; vaultboxId: string },
): Promise<void> {
  try {
    await db`
      insert into addresses ${db({ ...row, kind: "own" })}
    `;
  } catch (error) {
    if (isViolation(error, UNIQUE_VIOLATION)) {
      throw new AppError("conflict", "Address is taken", { cause: error });
    }
    throw error;
  }
}

/**
 * Points role addresses of domains at the operator's vaultbox, if there is one.
 * An address that is taken stays as it is.
 *
 * @param db Transaction.
 * @param roles Local parts.
 * @param domain The domain; all hosted ones if left out.
 * @returns Domain and local part of each address that is new.
 */
export async function insertRoleAddresses(
  db: Db,
  roles: readonly string[],
  domain?: string,
): Promise<{ domain: string; alias: string }[]> {
  const rows = await db<{ domain: string; alias: string }[]>`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select d.domain, role, v.id, 'role'
    from domains d, unnest(${roles as string[]}::text[]) role, vaultboxes v
    where v.is_operator and (${domain ?? null}::text is null or d.domain = ${
    domain ?? null
  })
    on conflict do nothing
    returning domain, alias
  `;
  return [...rows];
}

/**
 * Finds the operator's vaultbox.
 *
 * @param db Pool.
 * @param hostname Name of the mail server.
 * @returns How it is, and whether the host's own domain is hosted; undefined if
 * there is none.
 */
export async function findOperator(
  db: Db,
  hostname: string,
): Promise<{ isSuspended: boolean; isHosted: boolean } | undefined> {
  const [row] = await db<{ isSuspended: boolean; isHosted: boolean }[]>`
    select status = 'suspended' as is_suspended,
      exists (select from domains where domain = ${hostname}) as is_hosted
    from vaultboxes where is_operator
  `;
  return row;
}

/**
 * Finds what Postfix has to know of some addresses.
 *
 * @param db Transaction that holds the lock of {@linkcode lockRoutes}.
 * @param addresses Domain and local part of each.
 * @returns Routes of those that exist.
 */
export async function findRoutes(
  db: Db,
  addresses: readonly { domain: string; alias: string }[],
): Promise<Route[]> {
  const domains = addresses.map(({ domain }) => domain);
  const aliases = addresses.map(({ alias }) => alias);
  return [
    ...await db<Route[]>`
      ${routes(db)}
      join unnest(${domains}::text[], ${aliases}::text[])
        wanted (domain, alias) using (domain, alias)
    `,
  ];
}

/**
 * Lists what Postfix has to know.
 *
 * @param db Transaction that holds the lock of {@linkcode lockRoutes}.
 * @returns Routes of all addresses.
 */
export async function listRoutes(db: Db): Promise<Route[]> {
  return [...await db<Route[]>`${routes(db)}`];
}

/** The beginning of both queries. */
function routes(db: Db) {
  return db`
    select domain, alias, a.vaultbox_id,
      case
        when v.smtp_enabled and v.status = 'active'
          and a.kind in ('own', 'role') then v.username
      end as sender,
      case
        when v.status = 'suspended' then 'suspended'
        when v.is_full or c.is_full then 'full'
      end as refusal
    from addresses a
    join (
      select id, user_id, status, is_full, username, smtp_enabled
      from vaultboxes
    ) v on v.id = a.vaultbox_id
    left join customers c on c.user_id = v.user_id
  `;
}

/** Key of the advisory lock that orders changes of Postfix's maps. */
const ROUTES_LOCK = 4301_0002;

/**
 * Waits until no other process changes Postfix's maps; the end of the
 * transaction lets the next one go on.
 *
 * @param tx Transaction.
 */
export async function lockRoutes(tx: Db): Promise<void> {
  await tx`select pg_advisory_xact_lock(${ROUTES_LOCK})`;
}
