/**
 * Makes what lies outside the database agree with it.
 *
 * @module
 */

import type { App } from "../app.ts";
import { listCertificateIds } from "../db/certificates.ts";
import { mendVaultboxCounts } from "../db/customers.ts";
import { deleteOldRemovals } from "../db/removals.ts";
import { destroyRestored, finishDestructions } from "./key_destruction.ts";
import { reconcileRoutes, type RouteDrift } from "./routes.ts";
import { removeLeft as removeLeftSelfTests } from "./self_test.ts";
import { endOverdueSessions } from "./sessions.ts";

/** What did not agree. */
export interface Reconciliation {
  /** Entries of Postfix's maps. */
  readonly routes: RouteDrift;
  /** Key files without a certificate, UUIDs of generations. They are kept. */
  readonly orphanedKeys: readonly string[];
}

/**
 * Removes what a killed self-test has left, mends Postfix's maps, destroys keys
 * and ends sessions that have to go, counts vaultboxes again where that is wrong,
 * and finds key files without a certificate.
 *
 * Such a key is named and not removed: it may belong to a database that was
 * restored from an older backup.
 *
 * @param app The world.
 * @param options With `dryRun` nothing is changed.
 * @returns What did not agree.
 * @throws {AppError} `unavailable` if the database or a map cannot be reached.
 */
export async function reconcile(
  app: App,
  options: { dryRun: boolean },
): Promise<Reconciliation> {
  if (!options.dryRun) await removeLeftSelfTests(app);
  const routes = await reconcileRoutes(app, options);
  if (!options.dryRun) {
    await finishDestructions(app);
    await destroyRestored(app);
    await endOverdueSessions(app);
    await deleteOldRemovals(app.sql);
    for (const user of await mendVaultboxCounts(app.sql)) {
      app.log.write("warn", "vaultboxes were counted wrong", { user });
    }
  }
  return { routes, orphanedKeys: await orphanedKeys(app) };
}

/**
 * Finds key files without a certificate.
 *
 * @param app Uses `privateKeys` and `sql`.
 * @returns UUIDs of generations.
 */
export async function orphanedKeys(
  app: Pick<App, "privateKeys" | "sql">,
): Promise<string[]> {
  // Files first: a creation under way has its key before its row.
  const stored = await app.privateKeys.list();
  const known = await listCertificateIds(app.sql);
  return stored.filter((id) => !known.has(id));
}
