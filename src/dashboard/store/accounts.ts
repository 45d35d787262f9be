/**
 * Accounts, and the one-time links that make them.
 *
 * @module
 */

import { AppError } from "../../errors.ts";
import { type Grant, grantOf, type GrantRow, grantRow } from "../roles.ts";
import { digest, newSecret } from "../secrets.ts";
import type { Store } from "./store.ts";

/** Somebody with a password. */
export interface Account {
  /** UUID. */
  readonly id: string;
  /** What is typed to sign in, in lower case. */
  readonly login: string;
  /** What it may do. */
  readonly grant: Grant;
  /** bcrypt. */
  readonly passwordHash: string;
  /** RFC 6238; null where no code is asked for. */
  readonly totpSecret: Uint8Array<ArrayBuffer> | null;
  /** Last step whose code was taken. */
  readonly totpStep: number;
}

/** What a one-time link makes. */
export interface Invitation {
  /** Whose password it sets; null makes an account. */
  readonly accountId: string | null;
  /** What the account may do. */
  readonly grant: Grant;
  /** When it ends. */
  readonly expiresAt: Date;
}

type Row = GrantRow & Omit<Account, "grant">;

const COLUMNS = `id, login, role, user_id as userId, vaultbox_id as vaultboxId,
  password_hash as passwordHash, totp_secret as totpSecret,
  totp_step as totpStep`;

/**
 * Finds an account by what is typed to sign in.
 *
 * @param store The store.
 * @param login The login, in any case.
 * @returns The account, if there is one.
 */
export function findAccount(store: Store, login: string): Account | undefined {
  const sql = `select ${COLUMNS} from accounts where login = :login`;
  const [row] = store.all<Row>(sql, { login: login.toLowerCase() });
  return row && { ...row, grant: grantOf(row) };
}

/**
 * Gets an account.
 *
 * @param store The store.
 * @param id Its UUID.
 * @returns The account.
 * @throws {AppError} `not_found` if it is gone.
 */
export function getAccount(store: Store, id: string): Account {
  const sql = `select ${COLUMNS} from accounts where id = :id`;
  const [row] = store.all<Row>(sql, { id });
  if (row === undefined) throw new AppError("not_found", "No such account");
  return { ...row, grant: grantOf(row) };
}

/**
 * Makes a one-time link. One for a new password ends the one before it.
 *
 * @param store The store.
 * @param invitation What it makes.
 * @returns Its secret, which is kept nowhere.
 */
export function insertInvitation(store: Store, invitation: Invitation): string {
  const { accountId, grant, expiresAt } = invitation;
  const secret = newSecret();
  store.atOnce(() => {
    store.run("delete from invitations where account_id = :accountId", {
      accountId,
    });
    store.run(
      `insert into invitations values
        (:hash, :accountId, :role, :userId, :vaultboxId, :expiresAt)`,
      {
        hash: digest(secret),
        accountId,
        ...grantRow(grant),
        expiresAt: expiresAt.getTime(),
      },
    );
  });
  return secret;
}

/**
 * Finds a one-time link that still works.
 *
 * @param store The store.
 * @param secret Its secret.
 * @param now The time.
 * @returns What it makes, if it works.
 */
export function findInvitation(
  store: Store,
  secret: string,
  now: Date,
): Invitation | undefined {
  const [row] = store.all<
    GrantRow & { accountId: string | null; expiresAt: number }
  >(
    `select account_id as accountId, role, user_id as userId,
       vaultbox_id as vaultboxId, expires_at as expiresAt
     from invitations where hash = :hash and expires_at > :now`,
    { hash: digest(secret), now: now.getTime() },
  );
  return row && {
    accountId: row.accountId,
    grant: grantOf(row),
    expiresAt: new Date(row.expiresAt),
  };
}

/**
 * Uses a one-time link up: makes an account, or sets a password, which ends all
 * sessions and asks for no code any more.
 *
 * @param store The store.
 * @param secret The link's secret.
 * @param input Login of a new account, bcrypt of the password, the time.
 * @returns The account.
 * @throws {AppError} `not_found` if the link does not work any more, `conflict`
 * if the login is taken; then the link still works.
 */
export function acceptInvitation(
  store: Store,
  secret: string,
  input: { login: string; passwordHash: string; now: Date },
): Account {
  const { login, passwordHash, now } = input;
  return store.atOnce(() => {
    const invitation = findInvitation(store, secret, now);
    if (invitation === undefined) {
      throw new AppError("not_found", "No such invitation");
    }
    const { accountId, grant } = invitation;
    const id = accountId ?? crypto.randomUUID();
    if (accountId === null) {
      if (findAccount(store, login) !== undefined) {
        throw new AppError("conflict", "The login is taken");
      }
      store.run(
        `insert into accounts values
          (:id, :login, :role, :userId, :vaultboxId, :passwordHash, null, 0, :now)`,
        {
          id,
          login: login.toLowerCase(),
          ...grantRow(grant),
          passwordHash,
          now: now.getTime(),
        },
      );
    } else {
      store.run(
        `update accounts set password_hash = :passwordHash, totp_secret = null
         where id = :id`,
        { id, passwordHash },
      );
      for (const table of ["sessions", "devices", "recovery_codes"]) {
        store.run(`delete from ${table} where account_id = :id`, { id });
      }
    }
    // Another link for the same account must not undo this.
    store.run(
      "delete from invitations where hash = :hash or account_id = :id",
      {
        hash: digest(secret),
        id,
      },
    );
    return getAccount(store, id);
  });
}

/**
 * Sets another password, and ends all sessions but one.
 *
 * @param store The store.
 * @param id The account.
 * @param change bcrypt of the password, and the session that goes on.
 */
export function changePassword(
  store: Store,
  id: string,
  change: { passwordHash: string; sessionId: string },
): void {
  store.atOnce(() => {
    store.run(
      "update accounts set password_hash = :passwordHash where id = :id",
      { id, passwordHash: change.passwordHash },
    );
    store.run(
      "delete from sessions where account_id = :id and id <> :sessionId",
      { id, sessionId: change.sessionId },
    );
    for (const table of ["devices", "invitations"]) {
      store.run(`delete from ${table} where account_id = :id`, { id });
    }
  });
}

/**
 * Deletes an account with its sessions.
 *
 * @param store The store.
 * @param id The account.
 */
export function deleteAccount(store: Store, id: string): void {
  store.run("delete from accounts where id = :id", { id });
}
