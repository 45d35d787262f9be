/**
 * Queries on the credentials for IMAP and submission.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { type Db, isViolation, UNIQUE_VIOLATION } from "./connect.ts";

/** What a credential opens. */
export type Service = "imap" | "smtp";

/** What a user enters in a mail client, besides the password. */
export interface Credential {
  /** UUID. */
  readonly id: string;
  /** User name, the same for IMAP and submission. */
  readonly username: string;
  /** Host name. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** How TLS begins. */
  readonly securityType: "STARTTLS" | "SSL/TLS";
}

/**
 * Inserts the credential for IMAP.
 *
 * @param db Transaction.
 * @param row Values of the new row; `passwordHash` is bcrypt.
 * @returns UUID of the row.
 * @throws {AppError} `conflict` if the vaultbox has one.
 */
export async function insertImapCredential(
  db: Db,
  row: {
    vaultboxId: string;
    userId: string;
    username: string;
    passwordHash: string;
  },
): Promise<string> {
  try {
    const [stored] = await db<[{ id: string }]>`
      insert into imap_app_credentials ${db(row)} returning id
    `;
    return stored.id;
  } catch (error) {
    throw conflictOr(error);
  }
}

/**
 * Inserts the credential for submission.
 *
 * @param db Transaction.
 * @param row Values of the new row; `passwordHash` is bcrypt.
 * @returns UUID of the row.
 * @throws {AppError} `conflict` if the vaultbox has one.
 */
export async function insertSmtpCredential(
  db: Db,
  row: {
    vaultboxId: string;
    username: string;
    passwordHash: string;
    host: string;
    port: number;
    securityType: string;
  },
): Promise<string> {
  try {
    const [stored] = await db<[{ id: string }]>`
      insert into vaultbox_smtp_credentials ${db(row)} returning id
    `;
    await db`
      update vaultboxes set smtp_enabled = true where id = ${row.vaultboxId}
    `;
    return stored.id;
  } catch (error) {
    throw conflictOr(error);
  }
}

/**
 * Deletes a vaultbox's credential for submission.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 */
export async function deleteSmtpCredential(
  db: Db,
  vaultboxId: string,
): Promise<void> {
  await db`
    with gone as (
      delete from vaultbox_smtp_credentials where vaultbox_id = ${vaultboxId}
    )
    update vaultboxes set smtp_enabled = false where id = ${vaultboxId}
  `;
}

/**
 * Changes the password of a vaultbox's credential for IMAP.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param passwordHash bcrypt.
 * @returns UUID and user name.
 * @throws {AppError} `not_found` if the vaultbox has none.
 */
export async function updateImapPassword(
  db: Db,
  vaultboxId: string,
  passwordHash: string,
): Promise<{ id: string; username: string }> {
  const [row] = await db<{ id: string; username: string }[]>`
    update imap_app_credentials set password_hash = ${passwordHash}
    where vaultbox_id = ${vaultboxId}
    returning id, username
  `;
  if (row === undefined) throw new AppError("not_found", "No such credential");
  return row;
}

/**
 * Changes the password of a vaultbox's credential for submission.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param passwordHash bcrypt.
 * @returns The credential.
 * @throws {AppError} `not_found` if the vaultbox has none.
 */
export async function updateSmtpPassword(
  db: Db,
  vaultboxId: string,
  passwordHash: string,
): Promise<Credential> {
  const [row] = await db<Credential[]>`
    update vaultbox_smtp_credentials set password_hash = ${passwordHash}
    where vaultbox_id = ${vaultboxId}
    returning id, username, host, port, security_type
  `;
  if (row === undefined) throw new AppError("not_found", "No such credential");
  return row;
}

function conflictOr(error: unknown): unknown {
  if (!isViolation(error, UNIQUE_VIOLATION)) return error;
  return new AppError(
    "conflict",
    "Vaultbox has such a credential; regenerate its password instead",
    { cause: error },
  );
}
