/**
 * DNS as the machine is set up to ask it.
 *
 * @module
 */

import type { Dns } from "../app.ts";
import { AppError } from "../errors.ts";
import {
  type NameServer,
  queryRecords,
  systemNameServer,
} from "./dns_query.ts";

/** Milliseconds that an answer may take. */
const TIMEOUT_MS = 5000;

/**
 * Not from DNS: Deno looks into /etc/hosts, too, where Debian has the machine's own
 * name.
 */
const LOOPBACK_REGEXP = /^(127\..*|::1)$/;

/** RFC 8162 section 2. */
const SMIMEA = 53;

/**
 * Makes the adapter.
 *
 * @param nameServer Address and port of a server; the system's own if left out.
 * @returns The adapter.
 */
export function systemDns(nameServer?: NameServer): Dns {
  const asked = async <T>(
    question: (
      options: Deno.ResolveDnsOptions & { signal: AbortSignal },
    ) => Promise<T[]>,
  ): Promise<T[]> => {
    try {
      return await question({
        ...(nameServer && { nameServer }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw new AppError("unavailable", "DNS cannot be asked now", {
        cause: error,
      });
    }
  };
  return {
    async txt(name) {
      const records = await asked((options) =>
        // The dot keeps the resolver from trying search domains.
        Deno.resolveDns(`${name}.`, "TXT", options)
      );
      return records.map((strings) => strings.join(""));
    },
    async lookup(name, type) {
      const full = `${name}.`;
      switch (type) {
        case "MX": {
          const found = await asked((o) => Deno.resolveDns(full, "MX", o));
          return found.map(({ preference, exchange }) =>
            `${preference} ${exchange.toLowerCase()}`
          );
        }
        case "SRV": {
          const found = await asked((o) => Deno.resolveDns(full, "SRV", o));
          return found.map(({ priority, weight, port, target }) =>
            `${priority} ${weight} ${port} ${target.toLowerCase()}`
          );
        }
        case "SMIMEA": {
          const found = await asked(async ({ signal }) =>
            await queryRecords(
              nameServer ?? await systemNameServer(),
              name,
              SMIMEA,
              signal,
            )
          );
          return found.map((data) =>
            `${[...data.subarray(0, 3)].join(" ")} ${data.subarray(3).toHex()}`
          );
        }
        default: {
          const found = await asked((o) => Deno.resolveDns(full, type, o));
          return found.map((each) => each.toLowerCase())
            .filter((each) => !LOOPBACK_REGEXP.test(each));
        }
      }
    },
  };
}
