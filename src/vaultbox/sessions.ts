/**
 * Sessions that have to end because what opened them is gone or changed.
 *
 * @module
 */

import type { App } from "../app.ts";
import {
  deleteEndingSessions,
  insertExpiredSessions,
  listEndingSessions,
} from "../db/sessions.ts";
import { reason } from "../log.ts";

/**
 * Ends the sessions that were noted in earlier transactions. What Dovecot does
 * not confirm stays noted, and the timer of the API tries again.
 *
 * @param app Uses `log`, `sessions` and `sql`.
 * @param vaultboxId Only this vaultbox's, if given.
 */
export async function endSessions(
  app: Pick<App, "log" | "sessions" | "sql">,
  vaultboxId?: string,
): Promise<void> {
  for (const ending of await listEndingSessions(app.sql, vaultboxId)) {
    try {
      await app.sessions.end(ending.username);
      await app.sql.begin((tx) => deleteEndingSessions(tx, ending));
    } catch (error) {
      app.log.write("warn", "sessions could not be ended", {
        vaultbox: ending.vaultboxId,
        cause: reason(error),
      });
    }
  }
}

/**
 * Ends the sessions of credentials that have expired, and all others that have
 * to end.
 *
 * @param app Uses `log`, `sessions` and `sql`.
 */
export async function endOverdueSessions(
  app: Pick<App, "log" | "sessions" | "sql">,
): Promise<void> {
  await insertExpiredSessions(app.sql);
  await endSessions(app);
}
