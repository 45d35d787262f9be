/**
 * Queries that find whom a delivery is for.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db } from "./connect.ts";

/** Nexthop of Postfix's `virtual_transport`: an address without a route. */
export const UNROUTED = "unrouted";

/** Whom a delivery is for, and since when. */
export interface Recipient {
  /** UUID in the route, or {@linkcode UNROUTED}. */
  readonly route: string;
  /** Domain of the recipient, lower case. */
  readonly domain: string;
  /** Local part of the recipient, lower case. */
  readonly alias: string;
  /** When Postfix accepted the message; undefined if that is not known. */
  readonly acceptedAt: Date | undefined;
}

/**
 * Finds the vaultbox of a delivery.
 *
 * Postfix looks the route up at each attempt, and its queue manager remembers
 * the last one for 30 seconds. So neither the route nor the address alone says
 * whose a message is where an address had another holder before: what was
 * accepted before the holder of today is the former one's.
 *
 * @param db Pool or transaction.
 * @param recipient Route, address and time.
 * @returns UUID of the vaultbox.
 * @throws {AppError} `unknown_vaultbox` if it is gone; `unavailable` if it is
 * suspended or the address is not its own.
 */
export async function findRecipient(
  db: Db,
  recipient: Recipient,
): Promise<string> {
  const { route, domain, alias, acceptedAt } = recipient;
  const [holder] = await db<
    { id: string; status: string; createdAt: Date; hadAnother: boolean }[]
  >`
    select v.id, v.status, a.created_at, f.domain is not null as had_another
    from addresses a
    join vaultboxes v on v.id = a.vaultbox_id
    left join former_addresses f on f.domain = a.domain and f.alias = a.alias
    where a.domain = ${domain} and a.alias = ${alias}
  `;
  if (holder?.id !== route && route !== UNROUTED) {
    const exists = await db`select 1 from vaultboxes where id = ${route}::uuid`;
    if (exists.length > 0) {
      throw new AppError("unavailable", "Address is not this vaultbox's");
    }
    // Without the time there is nothing to tell a stale route from a late mail.
    if (acceptedAt === undefined) throw unknownVaultbox();
  }
  if (holder === undefined) throw unknownVaultbox();
  if (
    holder.hadAnother && acceptedAt !== undefined &&
    acceptedAt < holder.createdAt
  ) {
    throw unknownVaultbox();
  }
  if (holder.status !== "active") {
    throw new AppError("unavailable", "Vaultbox is suspended");
  }
  return holder.id;
}

function unknownVaultbox(): AppError {
  return new AppError("unknown_vaultbox", "No such vaultbox");
}
