/**
 * Sealing what clients store, soon after it came.
 *
 * Nobody tells the intake what an IMAP session writes; so it looks. A directory
 * whose time has not changed since the last look costs one system call.
 *
 * @module
 */

import { join } from "node:path";
import type { IntakeApp } from "../app.ts";
import { EVERYTHING, getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { mailDirectories } from "../storage/mail_files.ts";
import { vaultboxesWithMail } from "../storage/maildir.ts";
import { sealVaultbox } from "./seal.ts";

/** Milliseconds that one turn looks and seals. */
const TURN_MS = 1000;

/**
 * Milliseconds that a message is left alone: a client that has stored it may set
 * flags by its UID.
 */
const REST_MS = 5000;

/** Directories whose time says that more may come in the same instant. */
const TIME_GRAIN_MS = 1000;

/** Messages of others that are known to be encrypted, at most. */
const KNOWN_MAX = 100_000;

/** What the looks before have seen; some megabytes at most. */
export class Looks {
  /** Time of each directory when all in it was sealed. */
  readonly times: Map<string, number> = new Map<string, number>();
  /** Messages that somebody else has encrypted. */
  readonly known: Set<string> = new Set<string>();
  /** Vaultboxes that the turn before did not come to. */
  rest: AsyncGenerator<string, void> | undefined;
}

/**
 * Seals what has come since the last look, for a second, and goes on there the
 * next time.
 *
 * @param app The intake's world.
 * @param looks What was seen before.
 */
export async function sealArrived(
  app: IntakeApp,
  looks: Looks,
): Promise<void> {
  const until = performance.now() + TURN_MS;
  const base = app.config.maildirBasePath;
  const rest = looks.rest ??= vaultboxesWithMail(base);
  while (performance.now() < until) {
    const { value: id, done } = await rest.next();
    if (done) {
      looks.rest = undefined;
      return;
    }
    try {
      await sealChanged(app, looks, id, () => performance.now() > until);
    } catch (error) {
      if (error instanceof AppError && error.code === "not_found") continue;
      app.log.write("error", "stored mail could not be sealed", {
        vaultbox: id,
        cause: reason(error),
      });
    }
  }
}

async function sealChanged(
  app: IntakeApp,
  looks: Looks,
  id: string,
  isOver: () => boolean,
): Promise<void> {
  const base = app.config.maildirBasePath;
  const { directories } = await mailDirectories(base, id);
  const now = Date.now();
  const times = new Map<string, number>();
  for (const { folder, path } of directories) {
    if (folder === undefined) continue;
    // deno-lint-ignore no-sync-fn-in-async-fn
    const time = Deno.lstatSync(join(base, path)).mtime?.getTime() ?? 0;
    if (looks.times.get(path) !== time) times.set(path, time);
  }
  if (times.size === 0) return;
  const { alias } = await getVaultbox(app.sql, id, EVERYTHING);
  let leftOut = 0;
  const tally = await sealVaultbox(app, { id, alias }, {
    dryRun: false,
    drafts: false,
    directories: new Set(times.keys()),
    restMs: REST_MS,
    isOver,
    isKnown: (path) => looks.known.has(path),
    remember(path) {
      if (looks.known.size >= KNOWN_MAX) looks.known.clear();
      looks.known.add(path);
    },
  }, {
    looked: () => {},
    leftOut: () => leftOut++,
  });
  if (tally === undefined) return;
  if (tally.sealed > 0) {
    app.log.write("info", "stored mail sealed", {
      vaultbox: id,
      messages: tally.sealed,
    });
  }
  if (leftOut > 0) {
    app.log.write("warn", "stored mail stays in clear", {
      vaultbox: id,
      messages: leftOut,
    });
  }
  if (tally.waiting > 0) return;
  for (const [path, time] of times) {
    if (now - time > TIME_GRAIN_MS) looks.times.set(path, time);
  }
}
