/**
 * The body of a request, from a peer that may stall or never end.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import { AppError } from "../errors.ts";
import { Patience } from "../system/patience.ts";

/** Milliseconds without an octet after which a peer is cut. */
const SILENCE_MS = 20_000;

/**
 * Milliseconds for a whole body. With the time that it waits for its turn, below
 * the deadline of encimap_pipe.sh, 240 s.
 */
const BODY_MS = 150_000;

/** Milliseconds between two looks at a peer. */
const LOOK_MS = 500;

/**
 * Reads the body of a request. Octets that come while nobody reads wait outside:
 * the time until then is not the peer's.
 *
 * @param request The request.
 * @param isCrowded Whether others wait for their turn: then a slow peer has
 * {@linkcode Patience} only.
 * @param limits Milliseconds of silence, and for all of it.
 * @returns The octets as they come.
 * @throws {AppError} `request_timeout` if the peer stalls or takes too long,
 * `invalid_request` if it breaks off: half a message must not pass for a whole
 * one.
 */
export async function* bodyChunks(
  request: IncomingMessage,
  isCrowded: () => boolean,
  limits: { silenceMs: number; bodyMs: number } = {
    silenceMs: SILENCE_MS,
    bodyMs: BODY_MS,
  },
): AsyncGenerator<Uint8Array> {
  const patience = new Patience(isCrowded);
  const end = performance.now() + limits.bodyMs;
  /** Since when the peer is waited for; undefined while it is not. */
  let since: number | undefined = performance.now();
  let isLate = false;
  const look = (): void => {
    const now = performance.now();
    const ms = since === undefined ? 0 : now - since;
    if (ms <= limits.silenceMs && now <= end && !patience.isOver(ms)) return;
    isLate = true;
    request.destroy();
  };
  const timer = setInterval(look, Math.min(LOOK_MS, limits.silenceMs));
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      patience.waited(performance.now() - since, chunk.length);
      since = undefined;
      yield chunk;
      since = performance.now();
    }
  } catch (cause) {
    throw isLate
      ? new AppError("request_timeout", "Message came too slowly")
      : cutOff(cause);
  } finally {
    clearInterval(timer);
  }
  if (!request.complete) throw cutOff();
}

function cutOff(cause?: unknown): AppError {
  return new AppError("invalid_request", "Message was cut off", { cause });
}
