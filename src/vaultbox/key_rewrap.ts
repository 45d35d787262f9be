/**
 * Another master key over the same private keys.
 *
 * @module
 */

import type { Actor, App, PrivateKeys } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { dropRepeatedAnswers } from "../db/backups.ts";
import type { KeptKey } from "../db/certificates.ts";
import { listAllDkimKeys, updateSealedKey } from "../db/dkim_keys.ts";
import { dkimName, openDkimKey, sealDkimKey } from "./dkim.ts";
import { keptKeys } from "./key_check.ts";

/** What became of the private keys. */
export interface Rewrapped {
  /** Keys that were under the master key already. */
  readonly done: number;
  /** Keys that were under the former one, and are not any more unless `dryRun`. */
  readonly moved: number;
  /** Keys that neither master key opens, or whose file is not there. */
  readonly lost: readonly KeptKey[];
  /** Records of DNS whose key of outgoing mail neither opens. */
  readonly lostDkim: readonly string[];
}

/**
 * Puts every private key that is under a former master key under the one in use,
 * those that sign outgoing mail as well. Each file is replaced in one step, and
 * one that is under the key in use already is left as it is: so a run that was
 * interrupted is gone on with by the next one.
 *
 * What else was sealed under the former one goes: keys made ahead, and the answers
 * that repeated requests are given.
 *
 * @param app Uses `keyPool`, `privateKeys`, `sealer` and `sql`.
 * @param actor Who does it.
 * @param former The same files under the former master key.
 * @param options With `dryRun` nothing is changed.
 * @returns What became of them; as long as a key is lost nothing but these files
 * is changed.
 */
export async function rewrapKeys(
  app: Pick<App, "keyPool" | "privateKeys" | "sealer" | "sql">,
  actor: Actor,
  former: Pick<App, "privateKeys" | "sealer">,
  { dryRun }: { dryRun: boolean },
): Promise<Rewrapped> {
  let done = 0;
  let moved = 0;
  const lost: KeptKey[] = [];
  for await (const name of keptKeys(app)) {
    let key = await readOr(app.privateKeys, name);
    if (key !== undefined) done++;
    else {
      key = await readOr(former.privateKeys, name);
      if (key === undefined) lost.push(name);
      else {
        if (!dryRun) await app.privateKeys.store(name, key);
        moved++;
      }
    }
    key?.fill(0);
  }
  const lostDkim: string[] = [];
  for (const row of await listAllDkimKeys(app.sql)) {
    let key = await openDkimKey(app.sealer, row);
    if (key !== undefined) done++;
    else {
      key = await openDkimKey(former.sealer, row);
      if (key === undefined) lostDkim.push(dkimName(row));
      else {
        if (!dryRun) {
          const sealed = await sealDkimKey(app.sealer, row, key);
          await updateSealedKey(app.sql, row, sealed);
        }
        moved++;
      }
    }
    key?.fill(0);
  }
  if (!dryRun && lost.length + lostDkim.length === 0) {
    await app.keyPool.trim(0);
    await app.sql.begin(async (tx) => {
      await dropRepeatedAnswers(tx);
      await insertAudit(tx, actor, {
        action: "master_key.rotate",
        userId: null,
        details: { keys: done + moved },
      });
    });
  }
  return { done, moved, lost, lostDkim };
}

/** Undefined also if it is under another master key. */
async function readOr(
  keys: PrivateKeys,
  name: KeptKey,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await keys.read(name);
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}
