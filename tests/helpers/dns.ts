/**
 * A DNS server: dnsmasq, with records of the test's own.
 *
 * @module
 */

import type { Dns } from "../../src/app.ts";
import { systemDns } from "../../src/system/dns.ts";
import { endChild } from "./child.ts";
import { isMissing } from "./openssl.ts";
import { freePort } from "./ports.ts";
import { until } from "./until.ts";

const DNSMASQ = "/usr/sbin/dnsmasq";

/** Whether these tests cannot run here. */
export const NO_DNSMASQ: boolean = isMissing(DNSMASQ);

/** A server. */
export interface DnsServer extends AsyncDisposable {
  /** Asks it. */
  readonly dns: Dns;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
}

/**
 * Starts a server that answers for `.example` and `.test` and knows nothing else.
 *
 * @param records Text by name.
 * @param others Options of dnsmasq for records of other types.
 * @returns The server.
 */
export async function dnsServer(
  records: readonly (readonly [name: string, text: string])[],
  others: readonly string[] = [],
): Promise<DnsServer> {
  const port = freePort();
  const child = new Deno.Command(DNSMASQ, {
    args: [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--pid-file=",
      `--user=${Deno.env.get("USER") ?? "root"}`,
      "--no-resolv",
      "--no-hosts",
      "--bind-interfaces",
      "--listen-address=127.0.0.1",
      `--port=${port}`,
      "--local=/example/",
      "--local=/test/",
      "--txt-record=ready.test,yes",
      ...records.map(([name, text]) => `--txt-record=${name},${text}`),
      ...others,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const dns = systemDns({ ipAddr: "127.0.0.1", port });
  await until("dnsmasq answers", async () => {
    const found = await dns.txt("ready.test").catch(() => []);
    return (found as string[]).includes("yes");
  });
  return {
    dns,
    port,
    async [Symbol.asyncDispose]() {
      await endChild(child);
    },
  };
}
