/**
 * DNS as the machine is set up to ask it.
 *
 * @module
 */

import type { Dns } from "../app.ts";
import { AppError } from "../errors.ts";

/** Milliseconds that an answer may take. */
const TIMEOUT_MS = 5000;

/**
 * Makes the adapter.
 *
 * @param nameServer Address and port of a server; the system's own if left out.
 * @returns The adapter.
 */
export function systemDns(
  nameServer?: { ipAddr: string; port: number },
): Dns {
  return {
    async txt(name) {
      try {
        // The dot keeps the resolver from trying search domains.
        const records = await Deno.resolveDns(`${name}.`, "TXT", {
          ...(nameServer && { nameServer }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        return records.map((strings) => strings.join(""));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw new AppError("unavailable", "DNS cannot be asked now", {
          cause: error,
        });
      }
    },
  };
}
