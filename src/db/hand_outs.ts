/**
 * Queries on files with keys that went out of vaultboxes of custody `client`.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** A file with keys that went out. */
export interface HandOut {
  /** UUID. */
  readonly id: string;
  /** UUIDs of the generations whose keys are in it. */
  readonly certificateIds: readonly string[];
  /** When it went out. */
  readonly handedOutAt: Date;
  /** What became of it; null while nobody has said so. */
  readonly outcome: "confirmed" | "taken_back" | null;
}

/** Values of a new row. */
export interface HandOutRow {
  /** UUID. */
  readonly vaultboxId: string;
  /** SHA-256 of the file. */
  readonly sha256: Uint8Array<ArrayBuffer>;
  /** UUIDs of the generations whose keys are in it. */
  readonly certificateIds: readonly string[];
  /** When it goes out. */
  readonly handedOutAt: Date;
}

/**
 * Inserts a file that is about to go out.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param row Values of the new row.
 */
export async function insertHandOut(db: Db, row: HandOutRow): Promise<void> {
  await db`
    insert into hand_outs (vaultbox_id, sha256, certificate_ids, handed_out_at)
    values (
      ${row.vaultboxId}, ${row.sha256},
      ${row.certificateIds as string[]}::uuid[], ${row.handedOutAt}
    )
  `;
}

/**
 * Lists files of a vaultbox of which nobody has said what became of them.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns The files, oldest first.
 */
export async function listOpenHandOuts(
  db: Db,
  vaultboxId: string,
): Promise<HandOut[]> {
  return [
    ...await db<HandOut[]>`
      select id, certificate_ids, handed_out_at, outcome from hand_outs
      where vaultbox_id = ${vaultboxId} and outcome is null
      order by handed_out_at
    `,
  ];
}

/**
 * Finds a file that went out.
 *
 * @param db Transaction.
 * @param vaultboxId UUID.
 * @param sha256 SHA-256 of the file.
 * @returns The file, if there was one.
 */
export async function findHandOut(
  db: Db,
  vaultboxId: string,
  sha256: Uint8Array<ArrayBuffer>,
): Promise<HandOut | undefined> {
  const [row] = await db<HandOut[]>`
    select id, certificate_ids, handed_out_at, outcome from hand_outs
    where vaultbox_id = ${vaultboxId} and sha256 = ${sha256}
  `;
  return row;
}

/**
 * Closes the open files of a vaultbox.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param vaultboxId UUID.
 * @param outcome What became of them.
 * @param certificateIds Only those that have keys of these alone.
 */
export async function closeHandOuts(
  db: Db,
  vaultboxId: string,
  outcome: NonNullable<HandOut["outcome"]>,
  certificateIds?: readonly string[],
): Promise<void> {
  await db`
    update hand_outs set outcome = ${outcome}, closed_at = clock_timestamp()
    where vaultbox_id = ${vaultboxId} and outcome is null ${
    certificateIds === undefined
      ? db``
      : db`and certificate_ids <@ ${certificateIds as string[]}::uuid[]`
  }
  `;
}
