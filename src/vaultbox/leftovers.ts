/**
 * What crashes leave of deliveries.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { filesWithRows } from "../db/messages.ts";
import { reason } from "../log.ts";
import {
  discardMessage,
  messageIdOf,
  showMessage,
  stagedMessages,
  vaultboxesWithMail,
} from "../storage/maildir.ts";

/** A staged file without a row that is older than this is of no attempt. */
const ABANDONED_MS = 3_600_000;

/**
 * Finishes what a crash has left: staged messages with a row are shown, those
 * without one are removed after an hour, since Postfix still has the mail.
 *
 * @param app The intake's world.
 */
export async function finishDeliveries(app: IntakeApp): Promise<void> {
  const base = app.config.maildirBasePath;
  for await (const vaultboxId of vaultboxesWithMail(base)) {
    try {
      await finishVaultbox(app, vaultboxId);
    } catch (error) {
      app.log.write("error", "delivery could not be finished", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
}

async function finishVaultbox(
  app: IntakeApp,
  vaultboxId: string,
): Promise<void> {
  const base = app.config.maildirBasePath;
  const staged = (await stagedMessages(base, vaultboxId))
    .filter(({ file }) => !app.underWay.has(file));
  if (staged.length === 0) return;
  const ids = staged.flatMap(({ file }) => messageIdOf(file) ?? []);
  const committed = await filesWithRows(app.sql, vaultboxId, ids);
  for (const { file, writtenAt } of staged) {
    const age = app.now().getTime() - writtenAt.getTime();
    if (committed.has(file)) {
      await showMessage(base, vaultboxId, file);
      app.log.write("info", "delivery finished", { vaultbox: vaultboxId });
    } else if (age > ABANDONED_MS) {
      await discardMessage(base, vaultboxId, file);
      app.log.write("info", "abandoned delivery removed", {
        vaultbox: vaultboxId,
      });
    }
  }
}
