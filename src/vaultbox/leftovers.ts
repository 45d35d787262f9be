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

/**
 * Sweeps in a row that have found a staged file without a row before it is
 * removed: an hour at one every ten minutes. They are counted and no clock is
 * read: one that is set forward would make a file of another process that is
 * being delivered look abandoned.
 */
const SWEEPS_MIN = 7;

/** Staged files without a row, and how many sweeps in a row have found each. */
export type Leftovers = ReadonlyMap<string, number>;

/**
 * Finishes what a crash has left: staged messages with a row are shown, those
 * without one are removed after an hour, since Postfix still has the mail.
 *
 * @param app The intake's world.
 * @param found What the former sweep has found.
 * @returns What this one has.
 */
export async function finishDeliveries(
  app: IntakeApp,
  found: Leftovers,
): Promise<Leftovers> {
  const left = new Map<string, number>();
  for await (const id of vaultboxesWithMail(app.config.maildirBasePath)) {
    try {
      for (const file of await finishVaultbox(app, id)) {
        const sweeps = (found.get(file) ?? 0) + 1;
        if (sweeps < SWEEPS_MIN) left.set(file, sweeps);
        else await removeAbandoned(app, id, file);
      }
    } catch (error) {
      app.log.write("error", "delivery could not be finished", {
        vaultbox: id,
        cause: reason(error),
      });
    }
  }
  return left;
}

/** Shows what has a row, and gives the files that have none. */
async function finishVaultbox(
  app: IntakeApp,
  vaultboxId: string,
): Promise<string[]> {
  const base = app.config.maildirBasePath;
  const staged = (await stagedMessages(base, vaultboxId))
    .filter((file) => !app.underWay.has(file));
  if (staged.length === 0) return [];
  const ids = staged.flatMap((file) => messageIdOf(file) ?? []);
  const committed = await filesWithRows(app.sql, vaultboxId, ids);
  for (const file of committed) {
    await showMessage(base, vaultboxId, file);
    app.log.write("info", "delivery finished", { vaultbox: vaultboxId });
  }
  return staged.filter((file) => !committed.has(file));
}

async function removeAbandoned(
  app: IntakeApp,
  vaultboxId: string,
  file: string,
): Promise<void> {
  await discardMessage(app.config.maildirBasePath, vaultboxId, file);
  app.log.write("info", "abandoned delivery removed", { vaultbox: vaultboxId });
}
