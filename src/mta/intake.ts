/**
 * The intake's Unix socket, for mail that the API itself has made.
 *
 * @module
 */

import { request } from "node:http";
import type { Intake } from "../app.ts";
import { AppError } from "../errors.ts";

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
        await post(socketPath, path, octets);
      } catch (error) {
        throw new AppError("unavailable", "Mail cannot be stored now", {
          cause: error,
        });
      }
    },
  };
}

function post(
  socketPath: string,
  path: string,
  octets: Uint8Array<ArrayBuffer>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const posted = request(
      { socketPath, path, method: "POST", agent: false },
      (response) => {
        response.resume();
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`intake answers ${response.statusCode}`));
        });
      },
    );
    const signal = AbortSignal.timeout(DEADLINE_MS);
    signal.onabort = () => posted.destroy(new Error("intake is silent"));
    posted.on("close", () => signal.onabort = null);
    posted.on("error", reject);
    posted.end(octets);
  });
}
