/**
 * What vaultboxes use, counted again where it matters: at a limit.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import {
  addUpNextCustomer,
  beginNextRecount,
  beginRecount,
  endRecount,
  isFull,
  listFull,
  type RecountStart,
  type RecountTurn,
} from "../db/recounts.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { countMessages } from "../storage/maildir.ts";

/** Times that a vaultbox is counted in vain, as mail comes meanwhile. */
const EXACT_TRIES = 3;

/** Milliseconds that one sweep counts in turn. */
const TURN_MS = 1000;

/** Full vaultboxes that one sweep counts, at most. */
const SWEEP_MAX = 1000;

/**
 * Counts what is in a vaultbox's Maildir, unless that was done moments ago.
 *
 * @param app Uses `config` and `sql`.
 * @param vaultboxId UUID.
 * @returns Whether it was counted.
 */
export async function recount(
  app: Pick<IntakeApp, "config" | "sql">,
  vaultboxId: string,
): Promise<boolean> {
  const start = await beginRecount(app.sql, vaultboxId);
  if (start === undefined) return false;
  const found = await countMessages(app.config.maildirBasePath, vaultboxId);
  await app.sql.begin((tx) => endRecount(tx, vaultboxId, start, found));
  return true;
}

/**
 * Makes sure that a vaultbox that was full has room by now.
 *
 * @param app Uses `config` and `sql`.
 * @param vaultboxId UUID.
 * @throws {AppError} `vaultbox_full` if it has not.
 */
export async function checkRoom(
  app: Pick<IntakeApp, "config" | "sql">,
  vaultboxId: string,
): Promise<void> {
  await recount(app, vaultboxId);
  if (await isFull(app.sql, vaultboxId)) {
    throw new AppError("vaultbox_full", "Vaultbox is full");
  }
}

/**
 * Counts a vaultbox that has become full: it is counted too high after its user
 * has removed mail.
 *
 * @param app Uses `config` and `sql`.
 * @param payload What the channel `encimap_full` says.
 */
export async function recountNamed(
  app: Pick<IntakeApp, "config" | "sql">,
  payload: string,
): Promise<void> {
  const [table, id] = payload.split(":");
  if (table !== "vaultboxes" || !(await isFull(app.sql, id!))) return;
  await recount(app, id!);
}

/**
 * Counts the vaultboxes again that are full or whose customer is, as their
 * users may have removed mail.
 *
 * @param app Uses `config`, `log` and `sql`.
 */
export async function recountFull(
  app: Pick<IntakeApp, "config" | "log" | "sql">,
): Promise<void> {
  for (const vaultboxId of await listFull(app.sql, SWEEP_MAX)) {
    try {
      await recount(app, vaultboxId);
    } catch (error) {
      app.log.write("error", "mail could not be counted", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
}

/**
 * Counts vaultboxes in turn, and adds up customers, for a second: each that was
 * not within the hour, those first for which it is the longest ago. So what
 * clients remove and store is known, and whatever made a counter wrong, it does
 * not stay so.
 *
 * @param app Uses `config`, `log` and `sql`.
 */
export async function recountInTurn(
  app: Pick<IntakeApp, "config" | "log" | "sql">,
): Promise<void> {
  const until = performance.now() + TURN_MS;
  while (performance.now() < until) {
    const next = await beginNextRecount(app.sql);
    if (next === undefined) break;
    try {
      await countExactly(app, next);
    } catch (error) {
      app.log.write("error", "mail could not be counted", {
        vaultbox: next.id,
        cause: reason(error),
      });
    }
  }
  while (performance.now() < until + TURN_MS) {
    const userId = await app.sql.begin((tx) => addUpNextCustomer(tx));
    if (userId === undefined) break;
  }
}

/** Without a message too much, unless mail comes all the time. */
async function countExactly(
  app: Pick<IntakeApp, "config" | "sql">,
  turn: RecountTurn,
): Promise<void> {
  const { id } = turn;
  let start: RecountStart | undefined = turn;
  for (let left = EXACT_TRIES; start !== undefined; left--) {
    const from: RecountStart = start;
    const found = await countMessages(app.config.maildirBasePath, id);
    start = await app.sql.begin((tx): Promise<RecountStart | undefined> =>
      endRecount(tx, id, from, found, left > 0)
    );
  }
}
