/**
 * Requests that may be repeated, and their answers.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** A request that has an Idempotency-Key. */
export interface KeyedRequest {
  /** Who asks, and for whom. */
  readonly caller: string;
  /** SHA-256 of the key. */
  readonly keyHash: Uint8Array<ArrayBuffer>;
  /** HMAC of what is asked. */
  readonly requestHash: Uint8Array<ArrayBuffer>;
}

/** What is known of a request. */
export interface KnownRequest {
  /** HMAC of what was asked. */
  readonly requestHash: Uint8Array;
  /** HTTP status of the answer; null while it is under way. */
  readonly status: number | null;
  /** The answer, sealed; null for a download. */
  readonly answer: Uint8Array<ArrayBuffer> | null;
}

/** Hours for which a row counts. */
const KEPT_HOURS = 24;

/** Minutes after which a claim without an answer counts as crashed. */
const CLAIM_MINUTES = 5;

/** Rows of one caller, at most. */
const CALLER_MAX = 10_000;

/** Rows that are deleted at a time, at most. */
const DELETE_MAX = 5000;

/**
 * Claims a request: a new one, one whose time is over, or the same one where
 * whoever worked on it has crashed.
 *
 * @param db Pool.
 * @param request The request.
 * @param options `status` is set for what is never under way: a download.
 * @returns UUID of the claim; undefined if it is known already, or the caller
 * has too many.
 */
export async function claimRequest(
  db: Db,
  { caller, keyHash, requestHash }: KeyedRequest,
  options: { status: number | null },
): Promise<string | undefined> {
  const claim = crypto.randomUUID();
  const [row] = await db`
    insert into idempotency_keys as known (
      caller, key_hash, request_hash, claim, status
    )
    select ${caller}::text, ${keyHash}::bytea, ${requestHash}::bytea,
      ${claim}::uuid, ${options.status}::smallint
    where exists (
      select from idempotency_keys
      where caller = ${caller} and key_hash = ${keyHash}
    ) or (
      select count(*) from (
        select from idempotency_keys where caller = ${caller}
        limit ${CALLER_MAX}
      ) rows
    ) < ${CALLER_MAX}
    on conflict (caller, key_hash) do update set
      request_hash = excluded.request_hash,
      claim = excluded.claim,
      claimed_at = excluded.claimed_at,
      created_at = excluded.created_at,
      status = excluded.status,
      answer = null
    where known.created_at < now() - ${KEPT_HOURS} * interval '1 hour'
      or (
        known.status is null
        and known.request_hash = excluded.request_hash
        and known.claimed_at < now() - ${CLAIM_MINUTES} * interval '1 minute'
      )
    returning claim
  `;
  return row === undefined ? undefined : claim;
}

/**
 * Finds what is known of a request.
 *
 * @param db Pool.
 * @param request The request; what it asks does not matter.
 * @returns The row, or undefined.
 */
export async function findRequest(
  db: Db,
  { caller, keyHash }: KeyedRequest,
): Promise<KnownRequest | undefined> {
  const [row] = await db<[KnownRequest?]>`
    select request_hash, status, answer from idempotency_keys
    where caller = ${caller} and key_hash = ${keyHash}
  `;
  return row;
}

/**
 * Keeps the answer of a claimed request.
 *
 * @param db Pool.
 * @param request The request.
 * @param claim UUID of the claim; nothing happens if another one took over.
 * @param answer HTTP status, and the answer, sealed.
 */
export async function storeAnswer(
  db: Db,
  request: KeyedRequest,
  claim: string,
  answer: { status: number; sealed: Uint8Array<ArrayBuffer> },
): Promise<void> {
  await db`
    update idempotency_keys
    set status = ${answer.status}, answer = ${answer.sealed}
    where caller = ${request.caller} and key_hash = ${request.keyHash}
      and claim = ${claim}
  `;
}

/**
 * Forgets a claimed request, so that a repetition runs again.
 *
 * @param db Pool.
 * @param request The request.
 * @param claim UUID of the claim; nothing happens if another one took over.
 */
export async function deleteRequest(
  db: Db,
  request: KeyedRequest,
  claim: string,
): Promise<void> {
  await db`
    delete from idempotency_keys
    where caller = ${request.caller} and key_hash = ${request.keyHash}
      and claim = ${claim}
  `;
}

/**
 * Deletes rows whose time is over, a bounded number.
 *
 * @param db Pool.
 * @returns How many were deleted.
 */
export async function deleteOldRequests(db: Db): Promise<number> {
  const deleted = await db`
    delete from idempotency_keys where (caller, key_hash) in (
      select caller, key_hash from idempotency_keys
      where created_at < now() - ${KEPT_HOURS} * interval '1 hour'
      order by created_at limit ${DELETE_MAX}
      for update skip locked
    )
  `;
  return deleted.count;
}
