/**
 * The check of the certificate for TLS.
 *
 * @module
 */

import { dirname } from "node:path";
import { DEFAULT_APPLIANCE } from "../../appliance/render.ts";
import { tlsServices } from "../../vaultbox/tls_certificates.ts";
import { tlsVerdict } from "../../vaultbox/tls_verdict.ts";
import { type Check, Warning } from "./check.ts";
import type { Doctor } from "./doctor.ts";

const { tlsCertPath } = DEFAULT_APPLIANCE;

/**
 * Makes the check.
 *
 * @param doctor What it looks at.
 * @returns The check.
 */
export function tlsCheck({ app }: Doctor): Check {
  return {
    name: "tls",
    title: "clients see a certificate for TLS that lasts",
    fix:
      '"encimap_tls renew" gets a new one by ACME now, or says why not; "systemctl start encimap-tls" takes your own after you have renewed it; "encimap_tls reload" has the daemons read it again. See "Certificates for TLS" in operations.md.',
    async run() {
      const verdict = await tlsVerdict(app, tlsServices(app), {
        certificate: tlsCertPath,
        problem: `${dirname(tlsCertPath)}/problem`,
      });
      if (verdict === undefined) return;
      if (verdict.level === "warning") throw new Warning(verdict.problem);
      throw new Error(verdict.problem);
    },
  };
}
