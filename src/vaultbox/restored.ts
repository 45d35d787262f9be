/**
 * What a database that comes from a backup must not go on with.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { countOpenHandOuts, dropSetupLinks } from "../db/backups.ts";
import { findLastRun, setLastRun } from "../db/maintenance.ts";

/** What was done, and what people have to know. */
export interface Restored {
  /** One-time links that open nothing any more. */
  readonly links: number;
  /** Bundles that nobody had confirmed when the backup was made. */
  readonly unconfirmed: number;
}

/**
 * Takes what may have been used since the backup out of use: keys that were made
 * ahead, and one-time links. Maintenance does not doubt the clock for the time
 * between.
 *
 * @param app Uses `keyPool`, `now` and `sql`.
 * @param actor Who restores.
 * @param madeAt When the backup was made.
 * @returns What was done.
 */
export async function finishRestore(
  app: Pick<App, "keyPool" | "now" | "sql">,
  actor: Actor,
  madeAt: string,
): Promise<Restored> {
  await app.keyPool.trim(0);
  return await app.sql.begin(async (tx): Promise<Restored> => {
    const links = await dropSetupLinks(tx);
    if (await findLastRun(tx) !== undefined) await setLastRun(tx, app.now());
    await insertAudit(tx, actor, {
      action: "appliance.restore",
      userId: null,
      details: { "made_at": madeAt },
    });
    return { links, unconfirmed: await countOpenHandOuts(tx) };
  }) as Restored;
}
