/**
 * Checks of DNS.
 *
 * @module
 */

import { listDomains } from "../../db/domains.ts";
import { checkRecord } from "../../vaultbox/dns_check.ts";
import { domainRecords } from "../../vaultbox/publishing.ts";
import { OPERATOR } from "../operator.ts";
import { type Check, warn, Warning } from "./check.ts";
import type { Doctor } from "./doctor.ts";

/** Domains that are asked for. */
const DOMAINS_MAX = 20;

/**
 * Lists the checks. Others have a say in DNS, so what is wrong is a warning.
 *
 * @param doctor What they look at.
 * @returns The checks.
 */
export function dnsChecks({ app }: Doctor): Check[] {
  const { hostname } = app.config;
  return [
    {
      name: "host-name",
      title: `DNS has an address of ${hostname}`,
      fix:
        "Without it no mail comes: an A or AAAA record at the provider of the zone. If DNS does not answer at all, see /etc/resolv.conf.",
      async run() {
        const found = await Promise.all([
          app.dns.lookup(hostname, "A"),
          app.dns.lookup(hostname, "AAAA"),
        ]).catch((error) => {
          throw new Warning("DNS does not answer", { cause: error });
        });
        warn(found.flat().length === 0, "there is none");
      },
    },
    {
      name: "dns",
      title: "DNS has the records of the hosted domains",
      fix:
        '"encimap dns DOMAIN --check" compares all of them; "encimap dns DOMAIN" prints what its owner has to set.',
      needs: ["database", "host-name", "keys"],
      seconds: 60,
      async run() {
        const domains = (await listDomains(app.sql))
          .filter(({ domain }) => domain !== hostname).slice(0, DOMAINS_MAX);
        const wrong = await Promise.all(domains.map(async ({ domain }) => {
          const records = (await domainRecords(app, OPERATOR, domain))
            .filter(({ type }) => type === "MX" || type === "TXT");
          const checked = await Promise.all(
            records.map((record) => checkRecord(app, record)),
          );
          const bad = checked.filter(({ state }) => state !== "ok");
          return bad.length === 0
            ? []
            : [`${domain}: ${
              bad.map(({ type, name, state }) => `${type} ${name} ${state}`)
                .join(", ")
            }`];
        }));
        const found = wrong.flat();
        warn(found.length > 0, found.join("; "));
      },
    },
  ];
}
