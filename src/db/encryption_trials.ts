/**
 * Queries on policies that wait for the confirmation of their owners.
 *
 * @module
 */

import type { ChosenPolicy } from "../encryption_policy.ts";
import type { Db } from "./connect.ts";

/** A trial; a vaultbox has one at most. What is null is not changed. */
export interface EncryptionTrial extends ChosenPolicy {
  /** UUID. */
  readonly vaultboxId: string;
  /** Fingerprint of the code in the mail, 32 octets. */
  readonly codeHash: Uint8Array;
  /** Wrong codes so far. */
  readonly attempts: number;
  /** When it began. */
  readonly createdAt: Date;
  /** When it can no longer be confirmed. */
  readonly expiresAt: Date;
}

const COLUMNS = [
  "vaultboxId",
  "contentCipher",
  "keyTransport",
  "headerProtection",
  "codeHash",
  "attempts",
  "createdAt",
  "expiresAt",
] as const;

/**
 * Puts a trial in the place of the one that may be there.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param trial The new one.
 */
export async function replaceTrial(
  db: Db,
  trial: EncryptionTrial,
): Promise<void> {
  await deleteTrial(db, trial.vaultboxId);
  await db`insert into encryption_trials ${db(trial, ...COLUMNS)}`;
}

/**
 * Finds the trial of a vaultbox.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 * @returns The trial, if there is one.
 */
export async function findTrial(
  db: Db,
  vaultboxId: string,
): Promise<EncryptionTrial | undefined> {
  const [row] = await db<EncryptionTrial[]>`
    select ${db(COLUMNS)} from encryption_trials
    where vaultbox_id = ${vaultboxId}
  `;
  return row;
}

/**
 * Counts a wrong code.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 */
export async function countAttempt(db: Db, vaultboxId: string): Promise<void> {
  await db`
    update encryption_trials set attempts = attempts + 1
    where vaultbox_id = ${vaultboxId}
  `;
}

/**
 * Deletes the trial of a vaultbox.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param codeHash Only the one with this code; any if left out.
 */
export async function deleteTrial(
  db: Db,
  vaultboxId: string,
  codeHash?: Uint8Array,
): Promise<void> {
  await db`
    delete from encryption_trials where vaultbox_id = ${vaultboxId}
    ${codeHash === undefined ? db`` : db`and code_hash = ${codeHash}`}
  `;
}
