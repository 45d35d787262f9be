/**
 * Lists of those who may sign in, and of those who are invited.
 *
 * @module
 */

import { type Grant, grantOf, type GrantRow } from "../roles.ts";
import type { Account } from "./accounts.ts";
import type { Store } from "./store.ts";

/** An account in a list. */
export type AccountRow = Pick<Account, "id" | "login" | "grant"> & {
  /** Whether a code is asked for. */
  readonly hasCodes: boolean;
  /** Since when there is the account. */
  readonly createdAt: Date;
  /** Last request of a session that has not ended. */
  readonly seenAt: Date | null;
};

/**
 * Lists accounts by login.
 *
 * @param store The store.
 * @param vaultboxId UUID of the vaultbox whose owners they are; everybody's if
 * left out.
 * @returns All of them.
 */
export function listAccounts(
  store: Store,
  vaultboxId: string | null = null,
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
     from accounts where :vaultboxId is null or vaultbox_id = :vaultboxId
     order by login`,
    { vaultboxId },
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
 * @param vaultboxId As for {@linkcode listAccounts}.
 * @returns All of them; the first to end comes first.
 */
export function listInvitations(
  store: Store,
  now: Date,
  vaultboxId: string | null = null,
): InvitationRow[] {
  return store.all<
    GrantRow & { digest: string; login: string | null; expiresAt: number }
  >(
    `select lower(hex(i.hash)) as digest, a.login, i.role,
       i.user_id as userId, i.vaultbox_id as vaultboxId,
       i.expires_at as expiresAt
     from invitations i left join accounts a on a.id = i.account_id
     where i.expires_at > :now
       and (:vaultboxId is null or i.vaultbox_id = :vaultboxId)
     order by i.expires_at`,
    { now: now.getTime(), vaultboxId },
  ).map((row) => ({
    digest: row.digest,
    login: row.login,
    grant: grantOf(row),
    expiresAt: new Date(row.expiresAt),
  }));
}

/**
 * Takes a one-time link back.
 *
 * @param store The store.
 * @param digest Of the link, as {@linkcode listInvitations} has it.
 */
export function deleteInvitation(store: Store, digest: string): void {
  store.run("delete from invitations where lower(hex(hash)) = :digest", {
    digest,
  });
}
