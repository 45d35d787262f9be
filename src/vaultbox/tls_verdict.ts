/**
 * What is wrong with the certificates for TLS, for `encimap doctor`.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { App } from "../app.ts";
import {
  type ServiceCertificate,
  serviceCertificates,
  type TlsService,
} from "./tls_certificates.ts";

const DAY_MS = 86_400_000;

/** Days before the end at which there is something to do. */
const WARNING_DAYS = 14;

/** Days before the end at which it is urgent. */
const URGENT_DAYS = 3;

/** What of a certificate's life is left at those days, if it is a short one. */
const [WARNING_PART, URGENT_PART] = [1 / 4, 1 / 12];

/** What is wrong. */
export interface TlsVerdict {
  /** `failed`: clients refuse it, or will within days. */
  readonly level: "warning" | "failed";
  /** All that is wrong, in words. */
  readonly problem: string;
}

/** Files of the certificate for TLS. */
export interface TlsFiles {
  /** Certificate chain that the daemons read, PEM. */
  readonly certificate: string;
  /** What failed when it was to be renewed; not there if nothing did. */
  readonly problem: string;
}

/**
 * Looks at what each server shows. One that does not answer is left out: other
 * checks say so.
 *
 * @param app Uses `config` and `now`.
 * @param services The servers.
 * @param files Files of root's, which anybody may read.
 * @returns What is wrong; undefined if nothing is.
 */
export async function tlsVerdict(
  app: Pick<App, "config" | "now">,
  services: readonly TlsService[],
  files: TlsFiles,
): Promise<TlsVerdict | undefined> {
  const { hostname } = app.config;
  const failed = new Set<string>();
  const warnings = new Set<string>();
  const file = await readIfThere(files.certificate);
  const wanted = file ? new X509Certificate(file) : undefined;
  for (const each of await serviceCertificates(services, hostname)) {
    const { service, port, certificate } = each;
    if (certificate === undefined) continue;
    const shown = new X509Certificate(certificate.der);
    const end = endOf(each, app.now());
    if (end !== undefined) {
      (end.isUrgent ? failed : warnings).add(end.problem);
    }
    if (shown.checkHost(hostname) === undefined) {
      warnings.add(`it is not for ${hostname}`);
    }
    // The web server may be another than ours.
    if (service === "https" || wanted === undefined) continue;
    if (shown.fingerprint256 !== wanted.fingerprint256) {
      warnings.add(`port ${port} shows another than ${files.certificate}`);
    }
  }
  const problem = (await readIfThere(files.problem))?.trim();
  if (problem) warnings.add(`there is no new one since ${problem}`);
  const all = [...failed, ...warnings];
  if (all.length === 0) return undefined;
  const level = failed.size > 0 ? "failed" : "warning";
  return { level, problem: all.join("; ") };
}

function endOf(
  { certificate }: ServiceCertificate,
  now: Date,
): { isUrgent: boolean; problem: string } | undefined {
  const { notBefore, notAfter } = certificate!;
  const life = (notAfter.getTime() - notBefore.getTime()) / DAY_MS;
  const left = (notAfter.getTime() - now.getTime()) / DAY_MS;
  if (left > Math.min(WARNING_DAYS, life * WARNING_PART)) return undefined;
  const date = notAfter.toISOString().slice(0, 10);
  return {
    isUrgent: left <= Math.min(URGENT_DAYS, life * URGENT_PART),
    problem: left <= 0 ? `it has ended on ${date}` : `it ends on ${date}`,
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw error;
  }
}
