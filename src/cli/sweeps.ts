/**
 * What the intake does besides deliveries, on timers and when the database
 * says so.
 *
 * @module
 */

import { setInterval } from "node:timers";
import type { IntakeApp } from "../app.ts";
import { reason } from "../log.ts";
import { saveDeliveryCounts } from "../vaultbox/delivery_counts.ts";
import { finishDeliveries } from "../vaultbox/leftovers.ts";
import { followVaultboxes } from "../vaultbox/recipients.ts";
import {
  recountFull,
  recountInTurn,
  recountNamed,
} from "../vaultbox/recount.ts";
import { removeDeletedMail } from "../vaultbox/remove.ts";
import { Looks, sealArrived } from "../vaultbox/seal_arrived.ts";
import { Sightings } from "../vaultbox/sightings.ts";

/** Milliseconds between two sweeps of what crashes and sessions leave. */
const SWEEP_MS = 600_000;

/** Milliseconds between two looks for deleted vaultboxes, besides NOTIFY. */
const REMOVAL_MS = 60_000;

/** Milliseconds that a stop waits for the sweep that is under way. */
const FINISH_MS = 5000;

/** Milliseconds between two additions to the counts of deliveries. */
const SAVE_MS = 60_000;
/** Milliseconds between two looks for what clients have stored. */
const SEAL_MS = 10_000;

/** Milliseconds between two recounts of vaultboxes that are full, or in turn. */
const RECOUNT_MS = 60_000;

/**
 * Finishes what crashes left, and removes mail as vaultboxes are deleted.
 *
 * @param app The intake's world.
 * @returns What ends it and waits for the sweep that is under way.
 */
export function startSweeps(app: IntakeApp): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let isStopped = false;
  const queue = (task: () => Promise<void>): void => {
    running = running.then(() => isStopped ? undefined : task()).catch((
      error,
    ) => app.log.write("error", "sweep failed", { cause: reason(error) }));
  };
  const sightings = new Sightings();
  const finish = (): void => queue(() => finishDeliveries(app, sightings));
  const remove = (): void => queue(() => removeDeletedMail(app));
  const count = (): void => {
    queue(() => recountFull(app));
    queue(() => recountInTurn(app));
  };
  const listening = [
    followVaultboxes(app),
    app.sql.listen("encimap_removal", remove, remove),
    app.sql.listen(
      "encimap_full",
      (payload) => queue(() => recountNamed(app, payload)),
    ),
  ];
  for (const each of listening) {
    // The package tries again by itself, each time that it is not connected.
    each.catch((error) =>
      app.log.write("warn", "not listening yet", { cause: reason(error) })
    );
  }
  finish();
  const save = (): void => queue(() => saveDeliveryCounts(app));
  const timers = [
    setInterval(save, SAVE_MS),
    setInterval(finish, SWEEP_MS),
    setInterval(remove, REMOVAL_MS),
    setInterval(count, RECOUNT_MS),
  ];
  if (app.config.sealsArrived) {
    const looks = new Looks();
    timers.push(
      setInterval(() => queue(() => sealArrived(app, looks)), SEAL_MS),
    );
  }
  return async () => {
    // What is told from now on is found by the next process.
    isStopped = true;
    for (const timer of timers) clearInterval(timer);
    // A crash may end it as well; a large mail store must not hold the stop.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, FINISH_MS);
    });
    await Promise.race([running, late]);
    clearTimeout(timer);
  };
}
