/**
 * Queries on domains as their users see them: hosted ones and claims.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db } from "./connect.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** A domain that is hosted, or that a user claims. */
export interface UserDomain {
  /** Lower case, A-labels. */
  readonly domain: string;
  /** UUID of the user. */
  readonly userId: string;
  /** How it was shown whose it is; null while it is only claimed. */
  readonly proof: "declared" | "dns" | "platform" | null;
  /** Text of the TXT record that would show it; null once it is hosted. */
  readonly challenge: string | null;
  /** When it was claimed or hosted. */
  readonly createdAt: Date;
}

/** Orders of the list. */
export const DOMAIN_ORDERS: Readonly<Record<"domain" | "-domain", Order>> = {
  domain: {
    keys: [["domain", "text"], ["user_id", "uuid"]],
    descending: false,
  },
  "-domain": {
    keys: [["domain", "text"], ["user_id", "uuid"]],
    descending: true,
  },
};

/** Claims of one user, at most. */
const CLAIMS_MAX = 100;

/**
 * Lists domains, hosted and claimed.
 *
 * @param db Pool or transaction.
 * @param owner Whose are listed.
 * @param page Which part, in one of {@linkcode DOMAIN_ORDERS}.
 * @param status Only those in this state.
 * @returns The page.
 */
export function listUserDomains(
  db: Db,
  owner: string | undefined,
  page: Page,
  status?: "pending" | "hosted",
): Promise<Rows<UserDomain>> {
  return fetchPage<UserDomain>(db, page, {
    columns: db`domain, user_id, proof, challenge, created_at`,
    from: db`(${userDomains(db)}) d`,
    where: db`
      ${owner === undefined ? db`` : db`and user_id = ${owner}`}
      ${status === undefined ? db`` : db`and status = ${status}`}
    `,
  });
}

/**
 * Finds a domain of a user: the hosted one before a claim.
 *
 * @param db Pool or transaction.
 * @param owner Whose it must be.
 * @param domain Lower case, A-labels.
 * @returns The domain.
 * @throws {AppError} `not_found` if there is none, or it is another's;
 * `invalid_request` if several users claim it and none is named.
 */
export async function getUserDomain(
  db: Db,
  owner: string | undefined,
  domain: string,
): Promise<UserDomain> {
  const [row, other] = await db<UserDomain[]>`
    select domain, user_id, proof, challenge, created_at
    from (${userDomains(db)}) d
    where domain = ${domain}
      and (${owner ?? null}::uuid is null or user_id = ${owner ?? null})
    order by status, created_at
    limit 2
  `;
  if (row === undefined) throw new AppError("not_found", "No such domain");
  if (row.challenge !== null && other !== undefined) {
    throw new AppError(
      "invalid_request",
      "user_id is missing: several users claim the domain",
      { details: { field: "user_id" } },
    );
  }
  return row;
}

/** "hosted" sorts before "pending". */
function userDomains(db: Db) {
  return db`
    select domain, user_id, 'hosted' as status, proof,
      null as challenge, created_at from domains
    union all
    select domain, user_id, 'pending', null, challenge, created_at
    from domain_claims
  `;
}

/**
 * Notes that a user claims a domain; a claim that is there stays.
 *
 * @param db Transaction.
 * @param claim Values of the new row.
 * @returns Whether it is new.
 * @throws {AppError} `conflict` if the user has 100 claims.
 */
export async function insertClaim(
  db: Db,
  claim: { domain: string; userId: string; challenge: string },
): Promise<boolean> {
  const [row] = await db<[{ count: number }]>`
    select count(*) from domain_claims where user_id = ${claim.userId}
  `;
  const { count } = await db`
    insert into domain_claims ${db(claim)} on conflict do nothing
  `;
  if (count === 1 && row.count >= CLAIMS_MAX) {
    throw new AppError(
      "conflict",
      `${CLAIMS_MAX} domains are waiting for their proof, the most there can be`,
    );
  }
  return count === 1;
}

/**
 * Deletes a user's claim.
 *
 * @param db Transaction.
 * @param domain Lower case, A-labels.
 * @param userId UUID.
 * @returns Whether there was one.
 */
export async function deleteClaim(
  db: Db,
  domain: string,
  userId: string,
): Promise<boolean> {
  const { count } = await db`
    delete from domain_claims where domain = ${domain} and user_id = ${userId}
  `;
  return count === 1;
}
