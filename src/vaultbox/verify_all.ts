/**
 * A run of verification over all vaultboxes.
 *
 * @module
 */

import { runAlone } from "../db/maintenance.ts";
import {
  beginRun,
  endRun,
  findOpenRun,
  listFindings,
  listOwnerless,
  listUnverified,
  saveVerification,
  sumRun,
  type Tally,
  VERIFICATION_LOCK,
  type VerificationRun,
  type VerifiedVaultbox,
} from "../db/verifications.ts";
import { vaultboxesWithMail } from "../storage/maildir.ts";
import { type VerifyApp, verifyVaultbox, type Watcher } from "./verify.ts";

/** Vaultboxes that are listed at a time. */
const PAGE = 500;

/** Vaultboxes with findings of an interrupted run that are named, at most. */
const NAMED_MAX = 1000;

/** Who is told of a run. */
export interface RunWatcher extends Watcher {
  /** An interrupted run is gone on with. */
  resumed(
    run: VerificationRun,
    done: {
      /** Vaultboxes that it has verified. */
      readonly vaultboxes: number;
      /** Those of them in which it found something, at most 1000. */
      readonly withFindings: readonly VerifiedVaultbox[];
    },
  ): void;
  /** The next vaultbox. */
  begun(vaultbox: VerifiedVaultbox): void;
}

/** What a run has found, interruptions included. */
export interface RunReport extends Tally {
  /** Vaultboxes that it has verified. */
  readonly vaultboxes: number;
  /** Folders of vaultboxes that there are not. */
  readonly ownerless: number;
}

/**
 * Verifies all vaultboxes. Each is noted when it is done, so a run that was
 * interrupted is gone on with by the next one.
 *
 * @param app What verification needs.
 * @param options With `restart` an interrupted run is given up.
 * @param watcher Who is told.
 * @returns What the run has found; undefined if another process is at it.
 */
export function verifyAll(
  app: VerifyApp,
  options: { restart: boolean },
  watcher: RunWatcher,
): Promise<RunReport | undefined> {
  return runAlone(app.sql, VERIFICATION_LOCK, async () => {
    const run = await openRun(app, options, watcher);
    let last: string | undefined;
    let page: VerifiedVaultbox[];
    do {
      page = await listUnverified(app.sql, run.id, last, PAGE);
      for (const vaultbox of page) {
        watcher.begun(vaultbox);
        const tally = await verifyVaultbox(app, vaultbox.id, watcher);
        await saveVerification(app.sql, run.id, vaultbox.id, tally);
      }
      last = page.at(-1)?.id;
    } while (page.length === PAGE);
    const ownerless = await findOwnerless(app, watcher);
    await endRun(app.sql, run.id);
    return { ...await sumRun(app.sql, run.id), ownerless };
  });
}

async function openRun(
  app: VerifyApp,
  { restart }: { restart: boolean },
  watcher: RunWatcher,
): Promise<VerificationRun> {
  const open = await findOpenRun(app.sql);
  if (open !== undefined && !restart) {
    const { vaultboxes } = await sumRun(app.sql, open.id);
    const withFindings = await listFindings(app.sql, open.id, NAMED_MAX);
    watcher.resumed(open, { vaultboxes, withFindings });
    return open;
  }
  if (open !== undefined) await endRun(app.sql, open.id);
  return await beginRun(app.sql);
}

/** Finds folders that a database from an older backup knows nothing of. */
async function findOwnerless(
  app: VerifyApp,
  watcher: Watcher,
): Promise<number> {
  let count = 0;
  let ids: string[] = [];
  const lookUp = async (): Promise<void> => {
    for (const id of await listOwnerless(app.sql, ids)) {
      watcher.found({ kind: "ownerless", vaultboxId: id, path: id });
      count++;
    }
    ids = [];
  };
  for await (const id of vaultboxesWithMail(app.config.maildirBasePath)) {
    if (ids.push(id) >= PAGE) await lookUp();
  }
  await lookUp();
  return count;
}
