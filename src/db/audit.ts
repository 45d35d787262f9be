/**
 * The audit log.
 *
 * @module
 */

import type { Actor } from "../app.ts";
import type { Db } from "./connect.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** What was changed. */
export interface Change {
  /** What was done, such as `vaultbox.create`. */
  readonly action: string;
  /** UUID of the user whose thing it was; null for what serves everybody. */
  readonly userId: string | null;
  /** UUID of the vaultbox. */
  readonly vaultboxId?: string | undefined;
  /** Domain. */
  readonly domain?: string | undefined;
  /** What else tells one change from another; no secrets, no content. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

/** A row of the log. */
export interface AuditEntry {
  /** Number; later entries have greater ones. */
  readonly id: number;
  /** When. */
  readonly at: Date;
  /** Who. */
  readonly actor: string;
  /** UUID of the request. */
  readonly requestId: string | null;
  /** What was done. */
  readonly action: string;
  /** UUID of the user. */
  readonly userId: string | null;
  /** UUID of the vaultbox. */
  readonly vaultboxId: string | null;
  /** Domain. */
  readonly domain: string | null;
  /** More of it. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Which entries are wanted. */
export interface AuditFilter {
  /** UUID of a vaultbox. */
  readonly vaultboxId?: string | undefined;
  /** What was done. */
  readonly action?: string | undefined;
}

/** Orders of the log. */
export const AUDIT_ORDERS: {
  readonly "-id": Order;
  readonly id: Order;
} = {
  "-id": { keys: [["id", "bigint"]], descending: true },
  id: { keys: [["id", "bigint"]], descending: false },
};

/**
 * Writes down a change.
 *
 * @param db Transaction of the change.
 * @param actor Who changes it.
 * @param change What is changed.
 */
export async function insertAudit(
  db: Db,
  actor: Actor,
  change: Change,
): Promise<void> {
  const { action, userId, vaultboxId = null, domain = null } = change;
  await db`
    insert into audit_log (
      actor, request_id, action, user_id, vaultbox_id, domain, details
    ) values (
      ${actor.name}, ${actor.requestId ?? null}, ${action}, ${userId},
      ${vaultboxId}, ${domain}, ${db.json(change.details ?? {})}
    )
  `;
}

/**
 * Lists entries.
 *
 * @param db Pool or transaction.
 * @param owner Whose entries exist for the caller.
 * @param page Which part, in one of {@linkcode AUDIT_ORDERS}.
 * @param filter Which of them.
 * @returns The page.
 */
export function listAudit(
  db: Db,
  owner: string | undefined,
  page: Page,
  filter: AuditFilter,
): Promise<Rows<AuditEntry>> {
  const { vaultboxId, action } = filter;
  return fetchPage<AuditEntry>(db, page, {
    columns: db`id, at, actor, request_id, action, user_id, vaultbox_id,
      domain, details`,
    from: db`audit_log`,
    where: db`
      ${owner === undefined ? db`` : db`and user_id = ${owner}`}
      ${vaultboxId === undefined ? db`` : db`and vaultbox_id = ${vaultboxId}`}
      ${action === undefined ? db`` : db`and action = ${action}`}
    `,
  });
}
