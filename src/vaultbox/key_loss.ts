/**
 * What is left to do when private keys are lost, as with the master key.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { listCertificates, updateRetired } from "../db/certificates.ts";
import { deleteDkimKeys } from "../db/dkim_keys.ts";
import { EVERYTHING, getVaultbox } from "../db/vaultboxes.ts";
import { generateCertificate } from "./certificate.ts";
import { replaceIssuer } from "./issuer.ts";
import { checkKeys } from "./key_check.ts";
import { dkimKeys } from "./dkim.ts";
import { decideDestruction, destroyDecided } from "./key_destruction.ts";

/** A vaultbox with keys that are lost. */
export interface LostKeys {
  /** UUID. */
  readonly vaultboxId: string;
  /** Its own address. */
  readonly address: string;
  /** Keys that somebody has in a bundle: they open their mail as before. */
  readonly inBundles: number;
  /** Keys that nobody has: mail that is encrypted to these alone is lost. */
  readonly nobodys: number;
}

/** What was lost, and replaced unless it was a dry run. */
export interface Loss {
  /** Vaultboxes. */
  readonly vaultboxes: readonly LostKeys[];
  /** Whether the key of the issuer is lost, too. */
  readonly issuer: boolean;
  /** Domains whose key of outgoing mail is lost; DNS has to show the next one. */
  readonly domains: readonly string[];
}

/**
 * Replaces keys that the master key does not open, or whose file is gone.
 *
 * A vaultbox whose newest key is lost gets a new one first, so that there is no
 * moment without a certificate. Then the lost keys count as destroyed, and a
 * certificate whose key nobody has is retired for good. A vaultbox that fails
 * stays as it is and stops the others: the next run goes on.
 *
 * @param app The world.
 * @param actor Who does it.
 * @param options With `dryRun` nothing is changed.
 * @returns What was lost.
 * @throws {AppError} `conflict` if a vaultbox may have no more certificates.
 */
export async function replaceLost(
  app: App,
  actor: Actor,
  { dryRun }: { dryRun: boolean },
): Promise<Loss> {
  const { unreadable, missing, unreadableDkim } = await checkKeys(app);
  const lost = [...unreadable, ...missing];
  const isIssuers = (name: { certificateId: string; vaultboxId: string }) =>
    name.certificateId === name.vaultboxId;
  const issuer = lost.some(isIssuers);
  // It signs the new certificates.
  if (issuer && !dryRun) await replaceIssuer(app);
  const groups = Map.groupBy(
    lost.filter((name) => !isIssuers(name)),
    ({ vaultboxId }) => vaultboxId,
  );
  const vaultboxes: LostKeys[] = [];
  for (const [vaultboxId, names] of groups) {
    const ids = new Set(names.map(({ certificateId }) => certificateId));
    vaultboxes.push(await replaceFor(app, actor, vaultboxId, ids, dryRun));
  }
  const domains = [...new Set(unreadableDkim.map(({ domain }) => domain))];
  if (!dryRun) {
    for (const domain of domains) {
      await deleteDkimKeys(app.sql, domain);
      await dkimKeys(app, domain);
    }
  }
  return { vaultboxes, issuer, domains };
}

async function replaceFor(
  app: App,
  actor: Actor,
  vaultboxId: string,
  ids: ReadonlySet<string>,
  dryRun: boolean,
): Promise<LostKeys> {
  const { alias, domain, custody } = await getVaultbox(
    app.sql,
    vaultboxId,
    EVERYTHING,
  );
  const all = await listCertificates(app.sql, vaultboxId);
  const isLost = (row: { id: string; keyState: string }) =>
    ids.has(row.id) && row.keyState === "kept";
  const lost = all.filter(isLost);
  const nobodys = lost.filter(({ handedOutAt }) => handedOutAt === null);
  const report = {
    vaultboxId,
    address: `${alias}@${domain}`,
    inBundles: lost.length - nobodys.length,
    nobodys: nobodys.length,
  };
  if (dryRun) return report;
  const newest = all.find(({ retiredAt }) => retiredAt === null);
  if (custody !== "external" && newest !== undefined && isLost(newest)) {
    await generateCertificate(app, actor, { address: { alias, domain } });
  }
  const decided = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, EVERYTHING, true);
    const rows = (await listCertificates(tx, vaultboxId)).filter(isLost);
    await decideDestruction(tx, actor, vaultbox, rows, { reason: "lost" });
    for (const { id, handedOutAt } of rows) {
      if (handedOutAt === null) await updateRetired(tx, id, true);
    }
    return rows.map(({ id }) => id);
  });
  await destroyDecided(app, vaultboxId, decided as string[]);
  return report;
}
