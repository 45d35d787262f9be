/**
 * Queries on what has been verified.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Key of the lock that one run over all vaultboxes holds. */
export const VERIFICATION_LOCK = 4301_0014;

/** A run over all vaultboxes. */
export interface VerificationRun {
  /** Its number. */
  readonly id: number;
  /** When it began. */
  readonly startedAt: Date;
}

/** What was found among the files of one vaultbox, or of all. */
export interface Tally {
  /** Files that were looked at. */
  readonly files: number;
  /** Their octets. */
  readonly bytes: number;
  /** Stored messages whose octets are others now. */
  readonly altered: number;
  /** Files in INBOX that are no stored message. */
  readonly foreignFiles: number;
  /** What is no file, or is not named like one. */
  readonly strange: number;
  /** What the system does not let be read. */
  readonly unreadable: number;
  /** Files outside INBOX that are no stored message. */
  readonly byClient: number;
}

/** The tally before anything was looked at. */
export const NOTHING_SEEN: Tally = {
  files: 0,
  bytes: 0,
  altered: 0,
  foreignFiles: 0,
  strange: 0,
  unreadable: 0,
  byClient: 0,
};

/** A vaultbox that is verified. */
export interface VerifiedVaultbox {
  /** UUID. */
  readonly id: string;
  /** Local part of its own address. */
  readonly alias: string;
  /** Domain of its own address. */
  readonly domain: string;
}

/**
 * Finds the run that was interrupted.
 *
 * @param db Pool or transaction.
 * @returns The run, if there is one.
 */
export async function findOpenRun(
  db: Db,
): Promise<VerificationRun | undefined> {
  const [row] = await db<VerificationRun[]>`
    select id, started_at from verification_runs where ended_at is null
  `;
  return row;
}

/**
 * Begins a run.
 *
 * @param db Pool or transaction; there is no open run.
 * @returns The run.
 */
export async function beginRun(db: Db): Promise<VerificationRun> {
  const [row] = await db<[VerificationRun]>`
    insert into verification_runs default values returning id, started_at
  `;
  return row;
}

/**
 * Ends a run.
 *
 * @param db Pool or transaction.
 * @param id Its number.
 */
export async function endRun(db: Db, id: number): Promise<void> {
  await db`
    update verification_runs set ended_at = clock_timestamp() where id = ${id}
  `;
}

/**
 * Lists vaultboxes that a run has not verified.
 *
 * @param db Pool or transaction.
 * @param runId Number of the run.
 * @param after UUID of the last one that was listed.
 * @param limit Vaultboxes at most.
 * @returns The vaultboxes, in the order of their ids.
 */
export async function listUnverified(
  db: Db,
  runId: number,
  after: string | undefined,
  limit: number,
): Promise<VerifiedVaultbox[]> {
  return [
    ...await db<VerifiedVaultbox[]>`
      select id, alias, domain from vaultboxes v
      where ${after === undefined ? db`true` : db`id > ${after}`}
        and not exists (
          select from verifications f
          where f.vaultbox_id = v.id and f.run_id = ${runId}
        )
      order by id limit ${limit}
    `,
  ];
}

/**
 * Notes what a run found in a vaultbox, unless that is gone.
 *
 * @param db Pool or transaction.
 * @param runId Number of the run.
 * @param vaultboxId UUID.
 * @param tally What was found.
 */
export async function saveVerification(
  db: Db,
  runId: number,
  vaultboxId: string,
  tally: Tally,
): Promise<void> {
  const { files, bytes, altered, foreignFiles } = tally;
  await db`
    insert into verifications (
      vaultbox_id, run_id, files, bytes, altered, foreign_files, strange,
      unreadable, by_client
    )
    select id, ${runId}, ${files}, ${bytes}, ${altered}, ${foreignFiles},
      ${tally.strange}, ${tally.unreadable}, ${tally.byClient}
    from vaultboxes where id = ${vaultboxId}
    on conflict (vaultbox_id) do update set
      run_id = excluded.run_id, verified_at = clock_timestamp(),
      files = excluded.files, bytes = excluded.bytes,
      altered = excluded.altered, foreign_files = excluded.foreign_files,
      strange = excluded.strange, unreadable = excluded.unreadable,
      by_client = excluded.by_client
  `;
}

/**
 * Adds up what a run has found.
 *
 * @param db Pool or transaction.
 * @param runId Number of the run.
 * @returns The sums, and how many vaultboxes it has verified.
 */
export async function sumRun(
  db: Db,
  runId: number,
): Promise<Tally & { vaultboxes: number }> {
  const [row] = await db<[Tally & { vaultboxes: number }]>`
    select count(*) as vaultboxes, ${sum(db, "files")}, ${sum(db, "bytes")},
      ${sum(db, "altered")}, ${sum(db, "foreign_files")},
      ${sum(db, "strange")}, ${sum(db, "unreadable")}, ${sum(db, "by_client")}
    from verifications where run_id = ${runId}
  `;
  return row;
}

function sum(db: Db, column: string) {
  return db`coalesce(sum(${db(column)}), 0)::bigint as ${db(column)}`;
}

/**
 * Lists vaultboxes in which a run has found something.
 *
 * @param db Pool or transaction.
 * @param runId Number of the run.
 * @param limit Vaultboxes at most.
 * @returns The vaultboxes.
 */
export async function listFindings(
  db: Db,
  runId: number,
  limit: number,
): Promise<VerifiedVaultbox[]> {
  return [
    ...await db<VerifiedVaultbox[]>`
      select v.id, v.alias, v.domain
      from verifications f join vaultboxes v on v.id = f.vaultbox_id
      where f.run_id = ${runId}
        and f.altered + f.foreign_files + f.strange + f.unreadable > 0
      order by v.id limit ${limit}
    `,
  ];
}

/**
 * Says which of some folders belong to no vaultbox, and to none that is being
 * removed.
 *
 * @param db Pool or transaction.
 * @param ids UUIDs that name the folders.
 * @returns Those that do not.
 */
export async function listOwnerless(
  db: Db,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await db<{ id: string }[]>`
    select id from unnest(${ids as string[]}::uuid[]) id
    where not exists (select from vaultboxes v where v.id = id.id)
      and not exists (select from removals r where r.vaultbox_id = id.id)
  `;
  return rows.map((row) => row.id);
}

/**
 * Finds fingerprints of stored messages.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID; messages of others are not found.
 * @param ids UUIDs of messages.
 * @returns The HMAC of each that there is, by its id.
 */
export async function findHmacs(
  db: Db,
  vaultboxId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const rows = await db<{ id: string; hmac: string }[]>`
    select id, storage->>'hmac' as hmac from messages
    where vaultbox_id = ${vaultboxId} and id = any(${ids as string[]}::uuid[])
  `;
  return new Map(rows.map(({ id, hmac }) => [id, hmac]));
}

/**
 * Says which messages are there that have not taken the place of one in clear.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID; messages of others are not found.
 * @param ids UUIDs of messages.
 * @returns Those that are.
 */
export async function findArrived(
  db: Db,
  vaultboxId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await db<{ id: string }[]>`
    select id from messages
    where vaultbox_id = ${vaultboxId} and id = any(${ids as string[]}::uuid[])
      and not (storage ? 'replaces')
  `;
  return new Set(rows.map(({ id }) => id));
}

/**
 * Says which fingerprints are those of stored messages. It reads all rows of the
 * vaultbox: an index would be paid for by each delivery.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID; messages of others are not found.
 * @param hmacs HMACs, hexadecimal.
 * @returns Those that are.
 */
export async function findKnownHmacs(
  db: Db,
  vaultboxId: string,
  hmacs: readonly string[],
): Promise<Set<string>> {
  const rows = await db<{ hmac: string }[]>`
    select storage->>'hmac' as hmac from messages
    where vaultbox_id = ${vaultboxId}
      and storage->>'hmac' = any(${hmacs as string[]})
  `;
  return new Set(rows.map((row) => row.hmac));
}

/**
 * Says whether a vaultbox is there.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns Whether it was not deleted.
 */
export async function isThere(db: Db, vaultboxId: string): Promise<boolean> {
  return (await db`select from vaultboxes where id = ${vaultboxId}`).length > 0;
}

/**
 * Finds the size of the largest message that a vaultbox was ever given.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns Octets; 0 if it was given none.
 */
export async function findLargest(db: Db, vaultboxId: string): Promise<number> {
  const [row] = await db<[{ bytes: number }]>`
    select coalesce(max(size_bytes), 0)::bigint as bytes from messages
    where vaultbox_id = ${vaultboxId}
  `;
  return row.bytes;
}
