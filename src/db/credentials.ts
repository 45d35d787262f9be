/**
 * Queries on the guide's two credentials: one for IMAP, one for submission.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { type Db, isViolation, UNIQUE_VIOLATION } from "./connect.ts";
import type { Fragment } from "./page.ts";

/** What a credential opens. */
export type Service = "imap" | "smtp";

/** Where a mail client connects. */
export interface MailServer {
  /** Host name. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** How TLS begins. */
  readonly securityType: "STARTTLS" | "SSL/TLS";
}

/** A credential as stored; the server is there for submission only. */
export interface StoredCredential extends Partial<MailServer> {
  /** UUID. */
  readonly id: string;
  /** User name, the same for IMAP and submission. */
  readonly username: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** When somebody last logged in with it, to a minute; null for never. */
  readonly lastUsedAt: Date | null;
}

/** Values of a new row. */
export interface CredentialRow extends Partial<MailServer> {
  /** UUID. */
  readonly vaultboxId: string;
  /** UUID; for IMAP only. */
  readonly userId?: string;
  /** The vaultbox's user name. */
  readonly username: string;
  /** bcrypt. */
  readonly passwordHash: string;
}

const TABLES = {
  imap: "imap_app_credentials",
  smtp: "vaultbox_smtp_credentials",
} as const;

/**
 * Inserts a credential.
 *
 * @param db Transaction.
 * @param service What it opens.
 * @param row Values of the new row.
 * @returns The credential.
 * @throws {AppError} `conflict` if the vaultbox has one.
 */
export async function insertCredential(
  db: Db,
  service: Service,
  row: CredentialRow,
): Promise<StoredCredential> {
  try {
    const [stored] = await db<[StoredCredential]>`
      insert into ${db(TABLES[service])} ${db({ ...row })}
      returning ${columns(db, service)}
    `;
    return stored;
  } catch (error) {
    if (!isViolation(error, UNIQUE_VIOLATION)) throw error;
    throw new AppError(
      "conflict",
      "Vaultbox has such a credential; regenerate its password instead",
      { cause: error },
    );
  }
}

/**
 * Finds a vaultbox's credential.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @param owner Whose the vaultbox must be.
 * @param service What it opens.
 * @returns The credential.
 * @throws {AppError} `not_found` if the vaultbox has none.
 */
export async function getCredential(
  db: Db,
  vaultboxId: string,
  owner: string | undefined,
  service: Service,
): Promise<StoredCredential> {
  const [row] = await db<StoredCredential[]>`
    select ${columns(db, service)} from ${db(TABLES[service])}
    where vaultbox_id = ${vaultboxId} ${ofOwner(db, owner)}
  `;
  return there(row);
}

/**
 * Deletes a vaultbox's credential.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 * @param owner Whose the vaultbox must be.
 * @param service What it opens.
 * @throws {AppError} `not_found` if the vaultbox has none.
 */
export async function deleteCredential(
  db: Db,
  vaultboxId: string,
  owner: string | undefined,
  service: Service,
): Promise<void> {
  const [row] = await db<{ id: string }[]>`
    delete from ${db(TABLES[service])}
    where vaultbox_id = ${vaultboxId} ${ofOwner(db, owner)}
    returning id
  `;
  there(row);
}

/**
 * Changes the password of a vaultbox's credential.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param owner Whose the vaultbox must be.
 * @param change What it opens, and the new hash, bcrypt.
 * @returns The credential.
 * @throws {AppError} `not_found` if the vaultbox has none.
 */
export async function updatePassword(
  db: Db,
  vaultboxId: string,
  owner: string | undefined,
  change: { service: Service; passwordHash: string },
): Promise<StoredCredential> {
  const [row] = await db<StoredCredential[]>`
    update ${db(TABLES[change.service])}
    set password_hash = ${change.passwordHash}
    where vaultbox_id = ${vaultboxId} ${ofOwner(db, owner)}
    returning ${columns(db, change.service)}
  `;
  return there(row);
}

/**
 * Notes whether a vaultbox has a credential for submission, and so whether its
 * user name may send. One that has expired counts: Dovecot refuses its login.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 */
export async function updateSmtpEnabled(
  db: Db,
  vaultboxId: string,
): Promise<void> {
  await db`
    update vaultboxes v set smtp_enabled = exists (
        select from vaultbox_smtp_credentials c where c.vaultbox_id = v.id
      ) or exists (
        select from app_credentials c
        where c.vaultbox_id = v.id and c.scope <> 'imap'
      )
    where id = ${vaultboxId}
  `;
}

/**
 * Makes the part of a `where` clause that hides what belongs to others.
 *
 * @param db Pool or transaction.
 * @param owner Whose vaultboxes exist for the caller.
 * @returns It begins with `and`; the table has a column `vaultbox_id`.
 */
export function ofOwner(db: Db, owner: string | undefined): Fragment {
  return owner === undefined ? db`` : db`
    and vaultbox_id in (select id from vaultboxes where user_id = ${owner})
  `;
}

/**
 * Refuses what is not there.
 *
 * @param row First row of an answer.
 * @returns The same.
 * @throws {AppError} `not_found` if there is none.
 */
export function there<T>(row: T | undefined): T {
  if (row === undefined) throw new AppError("not_found", "No such credential");
  return row;
}

function columns(db: Db, service: Service): Fragment {
  return service === "imap"
    ? db`id, username, created_at, last_used_at`
    : db`id, username, created_at, last_used_at, host, port, security_type`;
}
