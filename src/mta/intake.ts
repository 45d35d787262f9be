/**
 * The intake's Unix socket, for mail that the API itself has made.
 *
 * @module
 */

import type { Intake } from "../app.ts";
import { AppError } from "../errors.ts";
import { unixPost } from "../system/unix_post.ts";

/** Milliseconds until it gives up. */
const DEADLINE_MS = 30_000;

/**
 * Opens the intake.
 *
 * @param socketPath Its Unix socket.
 * @returns The intake.
 */
export function socketIntake(socketPath: string): Intake {
  return {
    async store({ vaultboxId, recipient, octets }) {
      const parameters = new URLSearchParams({
        "vaultbox_id": vaultboxId,
        recipient,
        "queue_id": crypto.randomUUID(),
      });
      const path = `/intake/messages?${parameters}`;
      try {
        const { status } = await unixPost(socketPath, path, {
          body: ReadableStream.from([octets]),
          signal: AbortSignal.timeout(DEADLINE_MS),
        });
        if (status !== 200) throw new Error(`intake answers ${status}`);
      } catch (error) {
        throw new AppError("unavailable", "Mail cannot be stored now", {
          cause: error,
        });
      }
    },
  };
}
