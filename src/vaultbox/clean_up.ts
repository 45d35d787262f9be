/**
 * The weekly clean-up of the database: rows that nobody needs any more.
 *
 * @module
 */

import type { App } from "../app.ts";
import {
  CLEAN_UP_LOCK,
  DELETE_MAX,
  listTables,
  oldRows,
  type TableState,
} from "../db/clean_up.ts";
import { runAlone } from "../db/maintenance.ts";

/** Tables that are spoken of. */
const TABLES = 5;

/** What a clean-up did, or with `dryRun` would do. */
export interface CleanUpReport {
  /** What was deleted, and how many. */
  readonly deleted: readonly {
    readonly name: string;
    readonly count: number;
  }[];
  /** The largest tables. */
  readonly tables: readonly TableState[];
}

/**
 * Deletes rows that are older than the settings say, some thousand in each
 * statement, so that nobody waits for it.
 *
 * @param app Uses `config`, `now` and `sql`.
 * @param options `dryRun` counts only; `progress` is told after each statement.
 * @returns What was deleted; undefined if another process is at it.
 */
export function cleanUp(
  app: Pick<App, "config" | "now" | "sql">,
  options: { dryRun: boolean; progress: (name: string, count: number) => void },
): Promise<CleanUpReport | undefined> {
  const { auditDays, formerAddressDays } = app.config;
  const { dryRun, progress } = options;
  return runAlone(app.sql, CLEAN_UP_LOCK, async () => {
    const limits = { now: app.now(), auditDays, formerAddressDays };
    const deleted: { name: string; count: number }[] = [];
    for (const rows of oldRows(app.sql, limits)) {
      const { name } = rows;
      let count = 0;
      if (dryRun) count = await rows.count();
      else {
        let some: number;
        do {
          some = await rows.delete();
          count += some;
          if (some > 0) progress(name, count);
        } while (some === DELETE_MAX);
      }
      deleted.push({ name, count });
    }
    return { deleted, tables: await listTables(app.sql, TABLES) };
  });
}
