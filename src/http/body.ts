/**
 * The body of a request, from a peer that may stall or never end.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import { AppError } from "../errors.ts";
import { MESSAGE_MS, SILENCE_MS } from "../system/deadlines.ts";

/**
 * Reads the body of a request. Octets that come while nobody reads wait outside:
 * the time until then is not the peer's.
 *
 * @param request The request.
 * @param limits Milliseconds of silence, and for all of it.
 * @returns The octets as they come.
 * @throws {AppError} `request_timeout` if the peer stalls or takes too long,
 * `invalid_request` if it breaks off: half a message must not pass for a whole
 * one.
 */
export async function* bodyChunks(
  request: IncomingMessage,
  limits: { silenceMs: number; bodyMs: number } = {
    silenceMs: SILENCE_MS,
    bodyMs: MESSAGE_MS,
  },
): AsyncGenerator<Uint8Array> {
  const end = performance.now() + limits.bodyMs;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLate = false;
  const arm = (): void => {
    const left = Math.max(end - performance.now(), 0);
    timer = setTimeout(() => {
      isLate = true;
      request.destroy();
    }, Math.min(limits.silenceMs, left));
  };
  try {
    arm();
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      yield chunk;
      arm();
    }
  } catch (cause) {
    throw isLate
      ? new AppError("request_timeout", "Message came too slowly")
      : cutOff(cause);
  } finally {
    clearTimeout(timer);
  }
  if (!request.complete) throw cutOff();
}

function cutOff(cause?: unknown): AppError {
  return new AppError("invalid_request", "Message was cut off", { cause });
}
