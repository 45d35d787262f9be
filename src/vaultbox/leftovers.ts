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
import type { Sightings } from "./sightings.ts";

/**
 * A staged file without a row that has been there for so many milliseconds is of
 * no attempt. It is not judged by the time of the file: another process may have
 * written it just now, and the clock may have been set since.
 */
const ABANDONED_MS = 3_600_000;

/**
 * Finishes what a crash has left: staged messages with a row are shown, those
 * without one are removed after an hour, since Postfix still has the mail.
 *
 * @param app The intake's world.
 * @param sightings What was staged at the looks before.
 */
export async function finishDeliveries(
  app: IntakeApp,
  sightings: Sightings,
): Promise<void> {
  const base = app.config.maildirBasePath;
  for await (const vaultboxId of vaultboxesWithMail(base)) {
    try {
      await finishVaultbox(app, sightings, vaultboxId);
    } catch (error) {
      app.log.write("error", "delivery could not be finished", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
  sightings.endLook();
}

async function finishVaultbox(
  app: IntakeApp,
  sightings: Sightings,
  vaultboxId: string,
): Promise<void> {
  const base = app.config.maildirBasePath;
  const staged = (await stagedMessages(base, vaultboxId))
    .filter((file) => !app.underWay.has(file));
  if (staged.length === 0) return;
  const ids = staged.flatMap((file) => messageIdOf(file) ?? []);
  const committed = await filesWithRows(app.sql, vaultboxId, ids);
  for (const file of staged) {
    if (committed.has(file)) {
      await showMessage(base, vaultboxId, file, committed.get(file));
      app.log.write("info", "delivery finished", { vaultbox: vaultboxId });
    } else if (sightings.see(file) > ABANDONED_MS) {
      await discardMessage(base, vaultboxId, file);
      app.log.write("info", "abandoned delivery removed", {
        vaultbox: vaultboxId,
      });
    }
  }
}
