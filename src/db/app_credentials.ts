/**
 * Queries on app credentials: one for each device or program.
 *
 * @module
 */

import type { Db } from "./connect.ts";
import { ofOwner, there } from "./credentials.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** What an app credential opens. */
export type AppScope = "imap" | "smtp" | "both";

/** What can be changed of an app credential. */
export interface AppCredentialChange {
  /** For people; 1 to 100 characters. */
  readonly label: string;
  /** What it opens. */
  readonly scope: AppScope;
  /** When it stops to open anything; null for never. */
  readonly expiresAt: Date | null;
  /** Where logins may come from, CIDR; null for anywhere. */
  readonly allowedNetworks: readonly string[] | null;
}

/** An app credential. */
export interface AppCredential extends AppCredentialChange {
  /** UUID. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** What the device gives as its user name. */
  readonly login: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** When somebody last logged in with it, to a minute; null for never. */
  readonly lastUsedAt: Date | null;
}

/** Orders of the list. */
export const APP_CREDENTIAL_ORDERS: Readonly<
  Record<"created_at" | "-created_at", Order>
> = {
  "created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: false,
  },
  "-created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: true,
  },
};

const COLUMNS = [
  "id",
  "vaultboxId",
  "login",
  "label",
  "scope",
  "expiresAt",
  "allowedNetworks",
  "createdAt",
  "lastUsedAt",
] as const;

/**
 * Inserts an app credential.
 *
 * @param db Transaction.
 * @param row Its vaultbox, names, bcrypt hash and what can be changed later.
 * @returns The credential; undefined if its user name is taken.
 */
export async function insertAppCredential(
  db: Db,
  row: AppCredentialChange & {
    vaultboxId: string;
    username: string;
    login: string;
    passwordHash: string;
  },
): Promise<AppCredential | undefined> {
  const [stored] = await db<AppCredential[]>`
    insert into app_credentials (
      vaultbox_id, username, login, password_hash, label, scope, expires_at,
      allowed_networks
    ) values (
      ${row.vaultboxId}, ${row.username}, ${row.login}, ${row.passwordHash},
      ${row.label}, ${row.scope}, ${row.expiresAt},
      ${row.allowedNetworks as string[] | null}::text[]::cidr[]
    )
    on conflict (login) do nothing
    returning ${db(COLUMNS)}
  `;
  return stored;
}

/**
 * Counts a vaultbox's app credentials.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 * @returns How many there are, expired ones as well.
 */
export async function countAppCredentials(
  db: Db,
  vaultboxId: string,
): Promise<number> {
  const [row] = await db<[{ count: number }]>`
    select count(*) from app_credentials where vaultbox_id = ${vaultboxId}
  `;
  return row.count;
}

/**
 * Lists a vaultbox's app credentials.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @param owner Whose the vaultbox must be.
 * @param page Which part, in one of {@linkcode APP_CREDENTIAL_ORDERS}.
 * @returns The page.
 */
export function listAppCredentials(
  db: Db,
  vaultboxId: string,
  owner: string | undefined,
  page: Page,
): Promise<Rows<AppCredential>> {
  return fetchPage<AppCredential>(db, page, {
    columns: db`${db(COLUMNS)}`,
    from: db`app_credentials`,
    where: db`and vaultbox_id = ${vaultboxId} ${ofOwner(db, owner)}`,
  });
}

/** Which app credential is meant. */
export interface AppCredentialKey {
  /** UUID. */
  readonly id: string;
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** Whose the vaultbox must be. */
  readonly owner: string | undefined;
}

/**
 * Finds an app credential.
 *
 * @param db Pool or transaction.
 * @param key Which.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is none or it is another's.
 */
export async function getAppCredential(
  db: Db,
  key: AppCredentialKey,
): Promise<AppCredential> {
  const [row] = await db<AppCredential[]>`
    select ${db(COLUMNS)} from app_credentials where ${is(db, key)}
  `;
  return there(row);
}

/**
 * Changes an app credential. A new time of expiry is in the future.
 *
 * @param db Transaction.
 * @param key Which.
 * @param change New values.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is none or it is another's.
 */
export async function updateAppCredential(
  db: Db,
  key: AppCredentialKey,
  change: AppCredentialChange,
): Promise<AppCredential> {
  const [row] = await db<AppCredential[]>`
    update app_credentials set
      label = ${change.label},
      scope = ${change.scope},
      expires_at = ${change.expiresAt},
      expired = expired and coalesce(${change.expiresAt} <= now(), false),
      allowed_networks = ${change.allowedNetworks as
    | string[]
    | null}::text[]::cidr[]
    where ${is(db, key)}
    returning ${db(COLUMNS)}
  `;
  return there(row);
}

/**
 * Changes the password of an app credential.
 *
 * @param db Transaction.
 * @param key Which.
 * @param passwordHash bcrypt.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is none or it is another's.
 */
export async function updateAppPassword(
  db: Db,
  key: AppCredentialKey,
  passwordHash: string,
): Promise<AppCredential> {
  const [row] = await db<AppCredential[]>`
    update app_credentials set password_hash = ${passwordHash}
    where ${is(db, key)}
    returning ${db(COLUMNS)}
  `;
  return there(row);
}

/**
 * Deletes an app credential.
 *
 * @param db Transaction.
 * @param key Which.
 * @returns What it was.
 * @throws {AppError} `not_found` if there is none or it is another's.
 */
export async function deleteAppCredential(
  db: Db,
  key: AppCredentialKey,
): Promise<AppCredential> {
  const [row] = await db<AppCredential[]>`
    delete from app_credentials where ${is(db, key)} returning ${db(COLUMNS)}
  `;
  return there(row);
}

function is(db: Db, { id, vaultboxId, owner }: AppCredentialKey) {
  return db`
    id = ${id} and vaultbox_id = ${vaultboxId} ${ofOwner(db, owner)}
  `;
}
