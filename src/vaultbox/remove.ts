/**
 * Removal of vaultboxes.
 *
 * @module
 */

import type { Actor, App, IntakeApp } from "../app.ts";
import { listAddressesOf } from "../db/addresses.ts";
import { insertAudit } from "../db/audit.ts";
import {
  deleteOldRemovals,
  insertRemoval,
  listRemovals,
  markMailRemoved,
} from "../db/removals.ts";
import { insertEndingSessions } from "../db/sessions.ts";
import { deleteVaultbox, getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { removeMail } from "../storage/maildir.ts";
import { endSessions } from "./sessions.ts";
import { publishAddresses } from "./routes.ts";

/**
 * Deletes a vaultbox: rows, route, keys, sessions; the intake removes the mail.
 *
 * Once this returns, the address is refused by Postfix and the credentials
 * open nothing. What remains of it after a crash is removed by the next
 * reconciliation and by the intake.
 *
 * @param app The world.
 * @param actor Who deletes it, and whose it must be.
 * @param id UUID.
 * @throws {AppError} `not_found` if there is none or it is another's,
 * `conflict` if it is the operator's.
 */
export async function removeVaultbox(
  app: App,
  actor: Actor,
  id: string,
): Promise<void> {
  const gone = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, id, actor, true);
    if (vaultbox.isOperator) {
      throw new AppError("conflict", "The operator's vaultbox has to stay");
    }
    const addresses = await listAddressesOf(tx, { vaultboxId: id });
    const certificates = await tx<{ id: string }[]>`
      select id from vaultbox_certs where vaultbox_id = ${id}
    `;
    await deleteVaultbox(tx, id);
    await insertRemoval(tx, id);
    await insertEndingSessions(tx, id, vaultbox.username);
    await insertAudit(tx, actor, {
      action: "vaultbox.delete",
      userId: vaultbox.userId,
      vaultboxId: id,
      domain: vaultbox.domain,
      details: { alias: vaultbox.alias },
    });
    return { addresses, certificateIds: certificates.map((row) => row.id) };
  });
  app.log.write("info", "vaultbox deleted", { vaultbox: id });
  // The vaultbox is gone: what fails here is mended within a minute, and what
  // does not depend on it goes on.
  const maps = ["transport", "senders", "refusals"] as const;
  const outcomes = await Promise.allSettled([
    app.privateKeys.remove(gone.certificateIds),
    publishAddresses(app, gone.addresses, maps),
  ]);
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") continue;
    app.log.write("error", "removal is not complete", {
      vaultbox: id,
      cause: reason(outcome.reason),
    });
  }
  await endSessions(app, id);
  await deleteOldRemovals(app.sql);
}

/**
 * Removes the mail of deleted vaultboxes.
 *
 * @param app Uses `config`, `log` and `sql`.
 */
export async function removeDeletedMail(
  app: Pick<IntakeApp, "config" | "log" | "sql">,
): Promise<void> {
  for (const vaultboxId of await listRemovals(app.sql)) {
    try {
      const there = await removeMail(app.config.maildirBasePath, vaultboxId);
      await markMailRemoved(app.sql, vaultboxId);
      if (there) {
        app.log.write("info", "mail removed", { vaultbox: vaultboxId });
      }
    } catch (error) {
      app.log.write("error", "mail could not be removed", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
}
