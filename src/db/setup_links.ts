/**
 * Queries on one-time links.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db } from "./connect.ts";
import { fetchPage, type Page, type Rows } from "./page.ts";

/** A one-time link. */
export interface SetupLink {
  /** UUID. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** Whether an Apple profile brings a new app credential with it. */
  readonly withCredential: boolean;
  /** When it ends. */
  readonly expiresAt: Date;
  /** When a file went out; null if none has. */
  readonly usedAt: Date | null;
  /** When it was made. */
  readonly createdAt: Date;
}

/** Values of a new row. */
export interface SetupLinkRow
  extends Pick<SetupLink, "vaultboxId" | "withCredential" | "expiresAt"> {
  /** SHA-256 of the secret part of the URL. */
  readonly tokenHash: Uint8Array;
}

const COLUMNS = [
  "id",
  "vaultboxId",
  "withCredential",
  "expiresAt",
  "usedAt",
  "createdAt",
] as const;

/** Links of a vaultbox that can be used, at most. */
const SETUP_LINKS_MAX = 20;

/**
 * Inserts a link.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param row Values of the new row.
 * @param now The time.
 * @returns The link.
 * @throws {AppError} `conflict` if the vaultbox has {@linkcode SETUP_LINKS_MAX}
 * that can be used.
 */
export async function insertSetupLink(
  db: Db,
  row: SetupLinkRow,
  now: Date,
): Promise<SetupLink> {
  const open = await db`
    select from setup_links where vaultbox_id = ${row.vaultboxId}
      and used_at is null and expires_at > ${now}
    limit ${SETUP_LINKS_MAX}
  `;
  if (open.length >= SETUP_LINKS_MAX) {
    throw new AppError(
      "conflict",
      `Vaultbox has ${SETUP_LINKS_MAX} links; delete one or wait`,
    );
  }
  const [stored] = await db<[SetupLink]>`
    insert into setup_links ${db({ ...row })} returning ${db(COLUMNS)}
  `;
  return stored;
}

/**
 * Lists a vaultbox's links.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID; the caller has made sure whose it is.
 * @param page Which part, in one of {@linkcode NEWEST_FIRST}.
 * @returns The page.
 */
export function listSetupLinks(
  db: Db,
  vaultboxId: string,
  page: Page,
): Promise<Rows<SetupLink>> {
  return fetchPage<SetupLink>(db, page, {
    columns: db`${db(COLUMNS)}`,
    from: db`setup_links`,
    where: db`and vaultbox_id = ${vaultboxId}`,
  });
}

/**
 * Deletes a link.
 *
 * @param db Transaction.
 * @param vaultboxId UUID of the vaultbox that it must be of.
 * @param id UUID.
 * @throws {AppError} `not_found` if the vaultbox has none with this id.
 */
export async function deleteSetupLink(
  db: Db,
  vaultboxId: string,
  id: string,
): Promise<void> {
  const { count } = await db`
    delete from setup_links where id = ${id} and vaultbox_id = ${vaultboxId}
  `;
  if (count === 0) throw new AppError("not_found", "No such link");
}

/**
 * Finds a link that can be used.
 *
 * @param db Pool or transaction.
 * @param tokenHash SHA-256 of the secret part of the URL.
 * @param now The time.
 * @returns The link, if there is one, and its vaultbox is active.
 */
export async function findSetupLink(
  db: Db,
  tokenHash: Uint8Array,
  now: Date,
): Promise<SetupLink | undefined> {
  const [row] = await db<SetupLink[]>`
    select ${db(COLUMNS)} from setup_links l
    where token_hash = ${tokenHash} and used_at is null and expires_at > ${now}
      and exists (
        select from vaultboxes v where v.id = l.vaultbox_id and v.status = 'active'
      )
  `;
  return row;
}

/**
 * Uses a link up: of two at once one succeeds.
 *
 * @param db Pool or transaction.
 * @param id UUID.
 * @param now The time.
 * @returns Whether it could still be used.
 */
export async function useSetupLink(
  db: Db,
  id: string,
  now: Date,
): Promise<boolean> {
  const { count } = await db`
    update setup_links set used_at = ${now}
    where id = ${id} and used_at is null and expires_at > ${now}
  `;
  return count === 1;
}

/**
 * Makes a link that was used up usable again, as no file was made.
 *
 * @param db Pool or transaction.
 * @param id UUID.
 */
export async function restoreSetupLink(db: Db, id: string): Promise<void> {
  await db`update setup_links set used_at = null where id = ${id}`;
}

/**
 * Deletes links a month after their end.
 *
 * @param db Pool or transaction.
 * @param now The time.
 */
export async function deleteOldSetupLinks(db: Db, now: Date): Promise<void> {
  await db`
    delete from setup_links where expires_at < ${now}::timestamptz - interval '30 days'
  `;
}
