/**
 * The Idempotency-Key of POST: a request that is sent again does not happen
 * again.
 *
 * @module
 * @see {@link https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ | The draft}
 */

import { timingSafeEqual } from "node:crypto";
import type { Actor, App } from "../app.ts";
import {
  claimRequest,
  deleteRequest,
  findRequest,
  type KeyedRequest,
  storeAnswer,
} from "../db/idempotency.ts";
import { AppError, toAppError } from "../errors.ts";
import { reason } from "../log.ts";

/** A request with a key. */
export interface RepeatableRequest {
  /** The key, as sent. */
  readonly key: string;
  /** Who asks. */
  readonly actor: Actor;
  /** Method, path and query, as sent. */
  readonly target: string;
  /** The body, as sent. */
  readonly octets: Uint8Array<ArrayBuffer>;
}

/** A JSON answer. */
export interface JsonAnswer {
  /** HTTP status. */
  readonly status: number;
  /** JSON text. */
  readonly text: string;
}

/** What of the world answers are kept with. */
export type World = Pick<App, "sql" | "sealer" | "log">;

/** The key: draft section 2.1, and as long as ours are. */
const KEY_REGEXP = /^[\x20-\x7e]{1,255}$/;

/** Seconds after which whoever comes while a request is under way asks again. */
const RETRY_SECONDS = 1;

/** Statuses below 500 that a repetition may turn into something else. */
const PASSING = new Set([401, 403, 408, 429]);

/** Status of a download, which is never under way. */
const DONE = 200;

const encoder = new TextEncoder();

/**
 * Answers a request once, and gives the same answer to its repetitions.
 *
 * Only final answers are kept: after an outage a repetition runs again. So it
 * does if the process dies in between, five minutes later.
 *
 * @param app Uses `sql`, `sealer` and `log`.
 * @param request The request.
 * @param run Runs it.
 * @param failed Makes the answer where `run` throws.
 * @returns The answer of `run` or the one that was kept.
 * @throws {AppError} `invalid_request` for a key that is none,
 * `idempotency_mismatch` if the key was another request's, `conflict` while it
 * is under way, `too_many_requests` if the caller has used 10,000 keys in a day,
 * and what `run` throws.
 */
export async function answerOnce(
  app: World,
  request: RepeatableRequest,
  run: () => Promise<JsonAnswer>,
  failed: (error: AppError) => JsonAnswer,
): Promise<JsonAnswer & { readonly isReplayed: boolean }> {
  const keyed = await keyedRequest(app, request);
  const claim = await claimRequest(app.sql, keyed, { status: null });
  if (claim === undefined) {
    const kept = await earlierAnswer(app, keyed);
    return kept === undefined
      ? { ...await run(), isReplayed: false }
      : { ...kept, isReplayed: true };
  }
  let answer: JsonAnswer;
  try {
    answer = await run();
  } catch (thrown) {
    await keep(app, keyed, claim, failed(toAppError(thrown)));
    throw thrown;
  }
  await keep(app, keyed, claim, answer);
  return { ...answer, isReplayed: false };
}

/**
 * Checks the key of a download, whose answer is made again and not kept.
 *
 * @param app Uses `sql`, `sealer` and `log`.
 * @param request The request.
 * @throws {AppError} As {@linkcode answerOnce}, but never `conflict`.
 */
export async function checkRepetition(
  app: World,
  request: RepeatableRequest,
): Promise<void> {
  const keyed = await keyedRequest(app, request);
  const claim = await claimRequest(app.sql, keyed, { status: DONE });
  if (claim === undefined) await earlierAnswer(app, keyed);
}

async function keyedRequest(
  { sealer }: World,
  { key, actor, target, octets }: RepeatableRequest,
): Promise<KeyedRequest> {
  if (!KEY_REGEXP.test(key)) {
    throw new AppError(
      "invalid_request",
      "Idempotency-Key must have 1 to 255 printable ASCII characters",
    );
  }
  const head = encoder.encode(`${target}\n`);
  const whole = new Uint8Array(head.length + octets.length);
  whole.set(head);
  whole.set(octets, head.length);
  const keyHash = await crypto.subtle.digest("SHA-256", encoder.encode(key));
  return {
    caller: `${actor.owner ?? "-"} ${actor.name}`,
    keyHash: new Uint8Array(keyHash),
    requestHash: await sealer.fingerprint(whole),
  };
}

/** What was answered; undefined for a download, which is made again. */
async function earlierAnswer(
  app: World,
  keyed: KeyedRequest,
): Promise<JsonAnswer | undefined> {
  const known = await findRequest(app.sql, keyed);
  if (known === undefined) {
    throw new AppError(
      "too_many_requests",
      "Too many Idempotency-Keys in 24 hours",
      { details: { "retry_after": 3600 } },
    );
  }
  if (!timingSafeEqual(known.requestHash, keyed.requestHash)) {
    throw new AppError(
      "idempotency_mismatch",
      "Idempotency-Key was used for another request",
    );
  }
  if (known.status === null) {
    throw new AppError("conflict", "The request is under way", {
      details: { "retry_after": RETRY_SECONDS },
    });
  }
  if (known.answer === null) return undefined;
  const bound = boundTo(keyed, known.status);
  const octets = await app.sealer.open(known.answer, bound);
  return { status: known.status, text: new TextDecoder().decode(octets) };
}

/** Keeps a final answer and forgets any other. */
async function keep(
  app: World,
  keyed: KeyedRequest,
  claim: string,
  { status, text }: JsonAnswer,
): Promise<void> {
  try {
    if (status >= 500 || PASSING.has(status)) {
      await deleteRequest(app.sql, keyed, claim);
      return;
    }
    const bound = boundTo(keyed, status);
    const sealed = await app.sealer.seal(encoder.encode(text), bound);
    await storeAnswer(app.sql, keyed, claim, { status, sealed });
  } catch (error) {
    // The request has happened; a repetition finds it under way for a while.
    app.log.write("warn", "answer not kept", { cause: reason(error) });
  }
}

function boundTo({ caller, keyHash }: KeyedRequest, status: number): string {
  return `encimap answer 1\n${caller}\n${keyHash.toHex()}\n${status}`;
}
