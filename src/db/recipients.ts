/**
 * Queries that find whom a delivery is for.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db } from "./connect.ts";

/** Nexthop of Postfix's `virtual_transport`: an address without a route. */
export const UNROUTED = "unrouted";

/**
 * Finds the vaultbox of a delivery.
 *
 * @param db Pool or transaction.
 * @param route UUID in the route, or {@linkcode UNROUTED}.
 * @param address The recipient, lower case.
 * @returns UUID of the vaultbox.
 * @throws {AppError} `unknown_vaultbox` if it is gone; `unavailable` if it is
 * suspended or the address is not its own.
 */
export async function findRecipient(
  db: Db,
  route: string,
  address: { domain: string; alias: string },
): Promise<string> {
  const [row] = await db<{ id: string; status: string; isItsOwn: boolean }[]>`
    select v.id, v.status, a.vaultbox_id is not null as is_its_own
    from vaultboxes v
    left join addresses a on a.vaultbox_id = v.id
      and a.domain = ${address.domain} and a.alias = ${address.alias}
    where v.id = ${
    route === UNROUTED
      ? db`(
        select vaultbox_id from addresses
        where domain = ${address.domain} and alias = ${address.alias}
      )`
      : db`${route}::uuid`
  }
  `;
  if (row === undefined) {
    throw new AppError("unknown_vaultbox", "No such vaultbox");
  }
  if (!row.isItsOwn) {
    throw new AppError("unavailable", "Address is not this vaultbox's");
  }
  if (row.status !== "active") {
    throw new AppError("unavailable", "Vaultbox is suspended");
  }
  return row.id;
}
