/**
 * Vaultboxes that have sent too much.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { deleteSendingStop } from "../db/sent_mail.ts";
import { getVaultbox } from "../db/vaultboxes.ts";

/**
 * Lets a vaultbox send again; its day begins anew.
 *
 * @param app Uses `sql`.
 * @param actor Who says so.
 * @param vaultboxId UUID.
 * @returns Whether it was stopped.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function resumeSending(
  app: Pick<App, "sql">,
  actor: Actor,
  vaultboxId: string,
): Promise<boolean> {
  return await app.sql.begin(async (tx) => {
    const { userId, domain } = await getVaultbox(tx, vaultboxId, actor);
    if (!await deleteSendingStop(tx, vaultboxId)) return false;
    const action = "sending.resume";
    await insertAudit(tx, actor, { action, userId, vaultboxId, domain });
    return true;
  }) as boolean;
}
