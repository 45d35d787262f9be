/**
 * Queries that find whom a delivery is for.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db } from "./connect.ts";
import { CATCH_ALL } from "./domains.ts";

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

/** Whose a delivery is. */
export interface Holder {
  /** UUID of the vaultbox. */
  readonly id: string;
  /** Its version before anything else of it is read. */
  readonly version: number;
  /** Whether no mail fits into it, as far as is known. */
  readonly isFull: boolean;
  /**
   * Since when the address is its own. Undefined if the mail is its only as
   * long as nobody else has had the address: a catch-all's, or older mail.
   */
  readonly since: Date | undefined;
}

/** An address of the recipient's domain that may have its mail. */
interface Candidate extends Omit<Holder, "since"> {
  readonly kind: string;
  readonly status: string;
  /** Since when it has this holder. */
  readonly createdAt: Date;
  /** When it last lost another one. */
  readonly removedAt: Date | null;
}

/** The times of an address's former holders, taken together. */
interface Former {
  readonly alias: string;
  /** When the last one lost it. */
  readonly removedAt: Date;
  /** Whether the first one had it when the mail was accepted. */
  readonly wasHeld: boolean;
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
 * @returns The vaultbox.
 * @throws {AppError} `unknown_vaultbox` if it is gone; `vaultbox_suspended` if
 * it takes no mail; `unavailable` if the address is not its own.
 */
export async function findRecipient(
  db: Db,
  recipient: Recipient,
): Promise<Holder> {
  const { route, domain, alias, acceptedAt } = recipient;
  const candidates = await db<Candidate[]>`
    select v.id, v.version, v.status, v.is_full or coalesce(c.is_full, false) as is_full,
      a.kind, a.created_at, f.removed_at
    from addresses a
    join vaultboxes v on v.id = a.vaultbox_id
    left join customers c on c.user_id = v.user_id
    left join former_addresses f on f.domain = a.domain and f.alias = a.alias
    where a.domain = ${domain} and a.alias in (${alias}, ${CATCH_ALL})
  `;
  if (route !== UNROUTED && candidates.every(({ id }) => id !== route)) {
    const exists = await db`select 1 from vaultboxes where id = ${route}::uuid`;
    if (exists.length > 0) {
      throw new AppError("unavailable", "Address is not this vaultbox's");
    }
    // Without the time there is nothing to tell a stale route from a late mail.
    if (acceptedAt === undefined) throw unknownVaultbox();
  }
  const former = await db<Former[]>`
    select alias, removed_at,
      held_since <= ${acceptedAt ?? null} or ${
    acceptedAt ?? null
  }::timestamptz is null
        as was_held
    from former_addresses
    where domain = ${domain} and alias in (${alias}, ${CATCH_ALL})
  `;
  const holder = holderOf(candidates, acceptedAt, {
    address: former.find((row) => row.alias === alias),
    catchAll: former.find((row) => row.alias === CATCH_ALL)?.removedAt,
  });
  if (holder === undefined) throw unknownVaultbox();
  if (holder.status !== "active") {
    throw new AppError("vaultbox_suspended", "Vaultbox is suspended");
  }
  const { id, version, isFull, kind, createdAt } = holder;
  const isOwn = kind !== "catch_all" && isSince(acceptedAt, createdAt);
  return { id, version, isFull, since: isOwn ? createdAt : undefined };
}

/**
 * The address itself goes before the catch-all, for mail that is not older than
 * it. What is older is the catch-all's, if that was there and the address had
 * no holder then.
 */
function holderOf(
  candidates: readonly Candidate[],
  acceptedAt: Date | undefined,
  removed: { address: Former | undefined; catchAll: Date | undefined },
): Candidate | undefined {
  const exact = candidates.find(({ kind }) => kind !== "catch_all");
  const catchAll = candidates.find(({ kind }) => kind === "catch_all");
  const isOf = ({ createdAt }: Candidate): boolean =>
    isSince(acceptedAt, createdAt);
  if (exact !== undefined && isOf(exact)) return exact;
  const wasFree = removed.address === undefined ||
    !removed.address.wasHeld ||
    acceptedAt !== undefined && acceptedAt >= removed.address.removedAt;
  if (catchAll !== undefined && isOf(catchAll) && wasFree) return catchAll;
  // Older than every holder: whoever had no other one before it. That may have
  // been a catch-all, of another user if the domain was given up since.
  const wasCaught = removed.catchAll !== undefined &&
    acceptedAt !== undefined && acceptedAt < removed.catchAll;
  if (exact !== undefined && exact.kind !== "role" && wasCaught) {
    return undefined;
  }
  const first = exact ?? (wasFree ? catchAll : undefined);
  return first?.removedAt === null ? first : undefined;
}

/**
 * Says whether mail was accepted while an address had its holder.
 *
 * @param acceptedAt When that was; undefined if it is not known.
 * @param since Since when the holder has the address.
 * @returns Whether the holder was there; true if nothing is known.
 */
export function isSince(acceptedAt: Date | undefined, since: Date): boolean {
  return acceptedAt === undefined || acceptedAt >= since;
}

function unknownVaultbox(): AppError {
  return new AppError("unknown_vaultbox", "No such vaultbox");
}
