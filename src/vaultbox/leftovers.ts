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
 * Finishes what a crash has left: staged messages with a row are shown. Those
 * without one are removed, since Postfix still has the mail, if they are over an
 * hour old and the sweep before has seen them as well: after a jump of the clock
 * or a pause of the machine another process may just be about to insert the row
 * of a file that seems to be old.
 *
 * @param app The intake's world.
 * @param seen Names of old files without a row that the sweep before saw.
 * @returns Those that this one saw and left.
 */
export async function finishDeliveries(
  app: IntakeApp,
  seen: ReadonlySet<string> = new Set(),
): Promise<Set<string>> {
  const base = app.config.maildirBasePath;
  const left = new Set<string>();
  for await (const vaultboxId of vaultboxesWithMail(base)) {
    try {
      for (const file of await finishVaultbox(app, vaultboxId, seen)) {
        left.add(file);
      }
    } catch (error) {
      app.log.write("error", "delivery could not be finished", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
  return left;
}

async function finishVaultbox(
  app: IntakeApp,
  vaultboxId: string,
  seen: ReadonlySet<string>,
): Promise<string[]> {
  const base = app.config.maildirBasePath;
  const staged = (await stagedMessages(base, vaultboxId))
    .filter(({ file }) => !app.underWay.has(file));
  if (staged.length === 0) return [];
  const ids = staged.flatMap(({ file }) => messageIdOf(file) ?? []);
  const committed = await filesWithRows(app.sql, vaultboxId, ids);
  const left: string[] = [];
  for (const { file, writtenAt } of staged) {
    const age = app.now().getTime() - writtenAt.getTime();
    if (committed.has(file)) {
      await showMessage(base, vaultboxId, file);
      app.log.write("info", "delivery finished", { vaultbox: vaultboxId });
    } else if (age > ABANDONED_MS) {
      if (!seen.has(file)) {
        left.push(file);
        continue;
      }
      await discardMessage(base, vaultboxId, file);
      app.log.write("info", "abandoned delivery removed", {
        vaultbox: vaultboxId,
      });
    }
  }
  return left;
}
