/**
 * Lists of those who may sign in, and of those who are invited.
 *
 * @module
 */

import { type Grant, grantOf, type GrantRow } from "../roles.ts";
import type { Account } from "./accounts.ts";
import type { Store } from "./store.ts";

/** One-time links that are listed. */
export const LINKS_SHOWN = 100;

/** An account in a list. */
export type AccountRow = Pick<Account, "id" | "login" | "grant"> & {
  /** Whether a code is asked for. */
  readonly hasCodes: boolean;
  /** Since when there is the account. */
  readonly createdAt: Date;
  /** Last request of a session that has not ended. */
  readonly seenAt: Date | null;
};

/** Which accounts are listed. */
export interface AccountList {
  /** UUID of the vaultbox whose owners they are; null is everybody's. */
  readonly vaultboxId: string | null;
  /** What is in their logins; all if left out. */
  readonly search?: string;
  /** Login behind which they come; from the first on if left out. */
  readonly after?: string;
  /** Rows, at most. */
  readonly limit: number;
}

/**
 * Lists accounts by login.
 *
 * @param store The store.
 * @param list Which.
 * @returns The accounts.
 */
export function listAccounts(
  store: Store,
  { vaultboxId, search = "", after = "", limit }: AccountList,
): AccountRow[] {
  return store.all<
    GrantRow & {
      id: string;
      login: string;
      hasCodes: number;
      createdAt: number;
      seenAt: number | null;
    }
  >(
    `select id, login, role, user_id as userId, vaultbox_id as vaultboxId,
       totp_secret is not null as hasCodes, created_at as createdAt,
       (select max(seen_at) from sessions where account_id = accounts.id)
         as seenAt
     from accounts
     where (:vaultboxId is null or vaultbox_id = :vaultboxId)
       and instr(login, :search) > 0 and login > :after
     order by login limit :limit`,
    { vaultboxId, search: search.toLowerCase(), after, limit },
  ).map((row) => ({
    id: row.id,
    login: row.login,
    grant: grantOf(row),
    hasCodes: row.hasCodes === 1,
    createdAt: new Date(row.createdAt),
    seenAt: row.seenAt === null ? null : new Date(row.seenAt),
  }));
}

/** A one-time link in a list. */
export interface InvitationRow {
  /** SHA-256 of its secret, hexadecimal: opens nothing. */
  readonly digest: string;
  /** Login of the account whose password it sets; null makes an account. */
  readonly login: string | null;
  /** What the account may do. */
  readonly grant: Grant;
  /** When it ends. */
  readonly expiresAt: Date;
}

/**
 * Lists one-time links that work.
 *
 * @param store The store.
 * @param now The time.
 * @param vaultboxId UUID of the vaultbox whose owners they make; null for those
 * of customers and operators.
 * @returns The newest {@linkcode LINKS_SHOWN}.
 */
export function listInvitations(
  store: Store,
  now: Date,
  vaultboxId: string | null,
): InvitationRow[] {
  return store.all<
    GrantRow & { digest: string; login: string | null; expiresAt: number }
  >(
    `select lower(hex(i.hash)) as digest, a.login, i.role,
       i.user_id as userId, i.vaultbox_id as vaultboxId,
       i.expires_at as expiresAt
     from invitations i left join accounts a on a.id = i.account_id
     where i.expires_at > :now
       and (i.vaultbox_id is :vaultboxId)
     order by i.expires_at desc limit :limit`,
    { now: now.getTime(), vaultboxId, limit: LINKS_SHOWN },
  ).map((row) => ({
    digest: row.digest,
    login: row.login,
    grant: grantOf(row),
    expiresAt: new Date(row.expiresAt),
  }));
}

/**
 * Counts those who may sign in for a vaultbox alone, and the links for more.
 *
 * @param store The store.
 * @param now The time.
 * @param vaultboxId UUID of the vaultbox.
 * @returns How many.
 */
export function countOwners(
  store: Store,
  now: Date,
  vaultboxId: string,
): number {
  const [row] = store.all<{ count: number }>(
    `select (select count(*) from accounts where vaultbox_id = :vaultboxId) +
       (select count(*) from invitations where vaultbox_id = :vaultboxId
          and account_id is null and expires_at > :now) as count`,
    { vaultboxId, now: now.getTime() },
  );
  return row!.count;
}

/**
 * Takes a one-time link back.
 *
 * @param store The store.
 * @param digest Of the link, as {@linkcode listInvitations} has it.
 * @param vaultboxId UUID of the vaultbox whose link it must be; null is any.
 */
export function deleteInvitation(
  store: Store,
  digest: string,
  vaultboxId: string | null,
): void {
  store.run(
    `delete from invitations where lower(hex(hash)) = :digest
       and (:vaultboxId is null or vaultbox_id = :vaultboxId)`,
    { digest, vaultboxId },
  );
}
