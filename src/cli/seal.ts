/**
 * `encimap seal`: encrypts what clients have stored in clear.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import {
  EVERYTHING,
  listVaultboxes,
  type Vaultbox,
  VAULTBOX_ORDERS,
} from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { createLog } from "../log.ts";
import { openIntakeApp } from "../open.ts";
import { dropPermissions } from "../system/permissions.ts";
import { dropAbandoned } from "../vaultbox/freeze.ts";
import {
  NOTHING_TO_SEAL,
  type SealTally,
  sealVaultbox,
  type SealWatcher,
} from "../vaultbox/seal.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { addressOf, find, parse } from "./operator.ts";
import { printable } from "./verify.ts";

/** Exit status if a dry run has found something. */
const FOUND = 2;

/** Vaultboxes that are listed at a time. */
const PAGE = 500;

/** Milliseconds between two words on the progress. */
const PROGRESS_MS = 500;

/** `seal`. */
export async function runSeal(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    "dry-run": { type: "boolean" },
    drafts: { type: "boolean" },
  }, undefined);
  const dryRun = values["dry-run"] === true;
  const drafts = values["drafts"] === true;
  const config = loadConfig(io);
  await using app = await openIntakeApp(config, createLog(io.warn, "warn"));
  // Not "write": Deno asks for it to connect to the Unix socket of the database.
  dropPermissions("run");
  const sum = { vaultboxes: 0, sealed: 0, drafts: 0, leftOut: 0, busy: 0 };
  for await (const vaultbox of vaultboxesOf(app, positionals)) {
    const address = addressOf(vaultbox);
    const tally = await sealOne(app, vaultbox, { dryRun, drafts }, watcher(io));
    io.progress?.("");
    sum.vaultboxes++;
    if (tally === undefined) {
      sum.busy++;
      io.warn(`${address}: another process is at it`);
      continue;
    }
    sum.sealed += tally.sealed;
    sum.drafts += tally.drafts;
    sum.leftOut += tally.leftOut;
    const line = described(tally, dryRun);
    if (line !== "") io.print(`${address}\t${line}`);
  }
  if (!dryRun && !await dropAbandoned(app)) {
    io.warn(
      "A backup is being made: until its end it has links to what was sealed",
    );
  }
  const what = dryRun ? "in clear" : "sealed";
  io.print(
    `${sum.vaultboxes} vaultbox(es), ${sum.sealed} message(s) ${what}, ${sum.drafts} draft(s) in clear`,
  );
  if (sum.leftOut + sum.busy > 0) return EXIT.failed;
  return dryRun && sum.sealed > 0 ? FOUND : EXIT.ok;
}

/** One that is deleted meanwhile has nothing to seal. */
async function sealOne(
  app: IntakeApp,
  vaultbox: Vaultbox,
  options: { dryRun: boolean; drafts: boolean },
  watcher: SealWatcher,
): Promise<SealTally | undefined> {
  try {
    return await sealVaultbox(app, vaultbox, options, watcher);
  } catch (error) {
    const isGone = error instanceof AppError && error.code === "not_found";
    if (!isGone) throw error;
    return NOTHING_TO_SEAL;
  }
}

function watcher(io: Io): SealWatcher {
  let shownAt = 0;
  return {
    looked(so) {
      if (Date.now() - shownAt < PROGRESS_MS) return;
      shownAt = Date.now();
      io.progress?.(
        `${so.looked} messages, ${so.sealed} sealed, ${
          Math.round(so.bytes / 1_048_576)
        } MiB`,
      );
    },
    leftOut(path, why) {
      io.progress?.("");
      io.warn(`Still in clear: ${printable(path)} ${why}`);
    },
  };
}

function described(tally: SealTally, dryRun: boolean): string {
  const { sealed, bytes, encrypted, drafts, leftOut } = tally;
  const parts: [number, string][] = [
    [sealed, dryRun ? `in clear, ${bytes} octets` : `sealed, ${bytes} octets`],
    [encrypted, "encrypted by others"],
    [drafts, "draft(s)"],
    [leftOut, "left in clear"],
  ];
  return parts.filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`).join(", ");
}

async function* vaultboxesOf(
  app: Pick<IntakeApp, "sql">,
  wanted: readonly string[],
): AsyncGenerator<Vaultbox, void> {
  // All first: a slip in the last name is told before hours of work.
  const named = await Promise.all(wanted.map((each) => find(app, each)));
  if (named.length > 0) {
    yield* new Map(named.map((each) => [each.id, each])).values();
    return;
  }
  let after: readonly string[] | undefined;
  do {
    const page = { limit: PAGE, order: VAULTBOX_ORDERS.address, after };
    const { rows, next } = await listVaultboxes(app.sql, EVERYTHING, page);
    yield* rows;
    after = next;
  } while (after !== undefined);
}
