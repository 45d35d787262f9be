/**
 * What is done once a day: certificates are renewed, and what people forget is
 * spoken of.
 *
 * @module
 */

import type { App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { insertCertificate, listCertificates } from "../db/certificates.ts";
import type { Db } from "../db/connect.ts";
import {
  type Expiring,
  findLastRun,
  listExpiring,
  listUnconfirmed,
  MAINTENANCE_LOCK,
  markRenewalFailed,
  markReported,
  runAlone,
  setLastRun,
} from "../db/maintenance.ts";
import { EVERYTHING, getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { checkRenewals, newIdentity, storeIdentity } from "./certificate.ts";
import { APPLIANCE } from "./issuer.ts";
import { finishDestructions } from "./key_destruction.ts";

/** Certificates that are looked at between two words on the progress. */
const BATCH = 100;

/** Certificates that a report lists of a kind, at most. */
const LISTED_MAX = 1000;

/** Days since the last run from which on the clock is doubted. */
const JUMP_DAYS = 30;

const DAY_MS = 86_400_000;

/** What a run did, or with `dryRun` would do. */
export interface MaintenanceReport {
  /** Certificates that were renewed. */
  readonly renewed: number;
  /** Those that could not be. */
  readonly failed: number;
  /** With `dryRun`, those that would be renewed, at most 1000. */
  readonly due: readonly Expiring[];
  /** Those that their owners have to renew, at most 1000. */
  readonly waiting: readonly Expiring[];
  /** Bundles that nobody has confirmed for a week, spoken of now. */
  readonly unconfirmed: number;
}

/**
 * Renews certificates whose key is kept here, each over the same key, and
 * speaks of what owners have to do.
 *
 * Each renewal is a transaction of its own, so a run that was interrupted is
 * gone on with by the next one. One that fails does not stop the others.
 *
 * @param app The world.
 * @param options `dryRun` changes nothing; `force` believes the clock after a
 * jump; `progress` is told after each hundred certificates.
 * @returns What was done; undefined if another process is at it.
 * @throws {AppError} `conflict` if the last run is more than 30 days ago by the
 * clock, without `force`.
 */
export function maintain(
  app: App,
  options: {
    dryRun: boolean;
    force: boolean;
    progress: (report: { renewed: number; failed: number }) => void;
  },
): Promise<MaintenanceReport | undefined> {
  const { dryRun, force, progress } = options;
  return runAlone(app.sql, MAINTENANCE_LOCK, async () => {
    const now = app.now();
    await checkClock(app, now, force);
    if (!dryRun) {
      await setLastRun(app.sql, now);
      await finishDestructions(app);
    }
    let renewed = 0;
    let failed = 0;
    const wouldRenew: Expiring[] = [];
    const waiting: Expiring[] = [];
    const horizon = { now, renewDays: app.config.certRenewDays };
    let batch: Expiring[];
    let last: Expiring | undefined;
    do {
      batch = await listExpiring(app.sql, horizon, last, BATCH);
      for (const due of batch) {
        if (!due.isRenewable) {
          if (waiting.length < LISTED_MAX) waiting.push(due);
        } else if (dryRun) {
          renewed++;
          if (wouldRenew.length < LISTED_MAX) wouldRenew.push(due);
        } else if (await isRenewed(app, due)) renewed++;
        else failed++;
      }
      last = batch.at(-1);
      if (batch.length > 0) progress({ renewed, failed });
    } while (batch.length === BATCH);
    const unconfirmed = dryRun ? 0 : await reportUnconfirmed(app, now);
    return { renewed, failed, due: wouldRenew, waiting, unconfirmed };
  });
}

/** A clock that is years ahead would renew everything into the future. */
async function checkClock(
  app: Pick<App, "sql">,
  now: Date,
  force: boolean,
): Promise<void> {
  const last = await findLastRun(app.sql);
  if (last === undefined || force) return;
  const days = Math.floor((now.getTime() - last.getTime()) / DAY_MS);
  if (days <= JUMP_DAYS) return;
  throw new AppError(
    "conflict",
    `The last run was ${days} days ago by this machine's clock (${now.toISOString()}): nothing is renewed. If the clock is right, run it once with --force`,
  );
}

async function isRenewed(app: App, due: Expiring): Promise<boolean> {
  try {
    await renew(app, due);
    return true;
  } catch (error) {
    app.log.write("error", "certificate is not renewed", {
      vaultbox: due.vaultboxId,
      certificate: due.id,
      cause: reason(error),
    });
    await markRenewalFailed(app.sql, due.id);
    return false;
  }
}

async function renew(app: App, due: Expiring): Promise<void> {
  const { id: certificateId, vaultboxId, fingerprintSha256, address } = due;
  const name = { certificateId, vaultboxId, fingerprintSha256 };
  const key = await app.privateKeys.read(name);
  if (key === undefined) throw new Error("its private key is missing");
  const identity = await newIdentity(app, key, address, vaultboxId);
  await storeIdentity(app, identity, async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, EVERYTHING, true);
    const isOurs = vaultbox.custody === "server" &&
      await isDue(tx, vaultboxId, certificateId);
    if (!isOurs) {
      throw new AppError("conflict", "The vaultbox has changed meanwhile");
    }
    await checkRenewals(tx, vaultboxId);
    await insertCertificate(tx, identity.row);
    await insertAudit(tx, APPLIANCE, {
      action: "certificate.renew",
      userId: vaultbox.userId,
      vaultboxId,
      domain: vaultbox.domain,
      details: { "certificate_id": identity.row.id, renews: certificateId },
    });
  });
  app.log.write("info", "certificate renewed", {
    vaultbox: vaultboxId,
    certificate: identity.row.id,
  });
}

/** Whether it is the newest yet, and its key is for us to use. */
async function isDue(tx: Db, vaultboxId: string, id: string): Promise<boolean> {
  const newest = (await listCertificates(tx, vaultboxId))
    .find(({ retiredAt }) => retiredAt === null);
  return newest?.id === id && newest.keyState === "kept";
}

async function reportUnconfirmed(app: App, now: Date): Promise<number> {
  const rows = await listUnconfirmed(app.sql, now);
  for (const { id, vaultboxId, userId, domain, handedOutAt } of rows) {
    await app.sql.begin(async (tx) => {
      await markReported(tx, id);
      await insertAudit(tx, APPLIANCE, {
        action: "key.unconfirmed",
        userId,
        vaultboxId,
        domain,
        details: { "handed_out_at": handedOutAt.toISOString() },
      });
    });
    app.log.write("warn", "bundle is not confirmed", { vaultbox: vaultboxId });
  }
  return rows.length;
}
