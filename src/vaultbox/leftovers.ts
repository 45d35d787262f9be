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
  lockStaged,
  showMessage,
  stagedMessages,
  vaultboxesWithMail,
} from "../storage/maildir.ts";
import { messageIdOf } from "../storage/maildir_names.ts";
import { dropAbandoned } from "./freeze.ts";
import type { Sightings } from "./sightings.ts";

/**
 * A staged file without a row that nobody has had locked for so many milliseconds
 * is of no attempt: a statement that a dead process has sent ends in seconds. It
 * is not judged by the time of the file, as the clock may have been set since.
 */
const ABANDONED_MS = 3_600_000;

/** Vaultboxes that are looked at at a time: deliveries need the disk, too. */
const VAULTBOXES_MAX = 4;

/** Staged files of a vaultbox that are looked at, and held open, at a time. */
const FILES_MAX = 100;

/**
 * Finishes what a crash has left: staged messages with a row are shown, those
 * without one that no delivery has are removed after an hour, since Postfix still
 * has the mail. What was frozen for a backup that was killed goes, too.
 *
 * @param app The intake's world.
 * @param sightings What was staged at the looks before.
 * @param stopping Ends it early.
 */
export async function finishDeliveries(
  app: IntakeApp,
  sightings: Sightings,
  stopping?: AbortSignal,
): Promise<void> {
  await dropAbandoned(app).catch((error) =>
    app.log.write("error", "what was frozen for a backup is not removed", {
      cause: reason(error),
    })
  );
  const base = app.config.maildirBasePath;
  const vaultboxes = vaultboxesWithMail(base);
  // They share the list: it is never in memory as a whole.
  const look = async (): Promise<void> => {
    for await (const vaultboxId of vaultboxes) {
      if (stopping?.aborted) return;
      await finishVaultbox(app, sightings, vaultboxId).catch((error) =>
        app.log.write("error", "delivery could not be finished", {
          vaultbox: vaultboxId,
          cause: reason(error),
        })
      );
    }
  };
  await Promise.all(Array.from({ length: VAULTBOXES_MAX }, look));
  sightings.endLook();
}

async function finishVaultbox(
  app: IntakeApp,
  sightings: Sightings,
  vaultboxId: string,
): Promise<void> {
  const base = app.config.maildirBasePath;
  const staged = await stagedMessages(base, vaultboxId);
  for (let i = 0; i < staged.length; i += FILES_MAX) {
    await finishFiles(
      app,
      sightings,
      vaultboxId,
      staged.slice(i, i + FILES_MAX),
    );
  }
}

async function finishFiles(
  app: IntakeApp,
  sightings: Sightings,
  vaultboxId: string,
  files: readonly string[],
): Promise<void> {
  const base = app.config.maildirBasePath;
  using locks = new DisposableStack();
  const free = new Set<string>();
  for (const file of files) {
    const lock = await lockStaged(base, vaultboxId, file);
    if (lock === undefined) continue;
    locks.use(lock);
    free.add(file);
  }
  // Asked when they are locked: a row that is not there now does not come.
  const ids = files.flatMap((file) => messageIdOf(file) ?? []);
  const committed = await filesWithRows(app.sql, vaultboxId, ids);
  for (const file of files) {
    if (committed.has(file)) {
      const place = committed.get(file);
      if (!await showMessage(base, vaultboxId, file, place)) continue;
      app.log.write("info", "delivery finished", { vaultbox: vaultboxId });
    } else if (free.has(file) && sightings.see(file) > ABANDONED_MS) {
      await discardMessage(base, vaultboxId, file);
      app.log.write("info", "abandoned delivery removed", {
        vaultbox: vaultboxId,
      });
    }
  }
}
