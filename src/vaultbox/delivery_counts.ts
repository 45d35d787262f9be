/**
 * What became of deliveries, brought from memory to the database.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { addDeliveryCounts } from "../db/delivery_counts.ts";

/**
 * Adds what was counted since the last time.
 *
 * @param app Uses `metrics`, `now` and `sql`.
 * @throws {Error} If the database is away; then it is added the next time.
 */
export async function saveDeliveryCounts(
  app: Pick<IntakeApp, "metrics" | "now" | "sql">,
): Promise<void> {
  const counts = app.metrics.takeUnsaved();
  if (counts.length === 0) return;
  try {
    await addDeliveryCounts(app.sql, app.now(), counts);
  } catch (error) {
    app.metrics.putBack(counts);
    throw error;
  }
}
