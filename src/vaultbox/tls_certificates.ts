/**
 * The certificates for TLS that this machine's servers show.
 *
 * @module
 */

import type { App } from "../app.ts";
import { gauges } from "../metrics/metric.ts";
import { METRICS } from "../metrics/table.ts";
import {
  type ServedCertificate,
  servedCertificate,
  type TlsServer,
} from "../system/served_certificate.ts";

/** Milliseconds that one server may take. */
const TIMEOUT_MS = 5000;

/** Milliseconds for which the metric is given again. */
const KEPT_MS = 600_000;

/** A server with the word for it in metrics. */
export interface TlsService extends TlsServer {
  /** Word for it. */
  readonly service: "smtp" | "submission" | "imap" | "https";
}

/** What a server shows. */
export interface ServiceCertificate extends TlsService {
  /** Its certificate; undefined if it does not answer. */
  readonly certificate: ServedCertificate | undefined;
}

/**
 * Lists the servers.
 *
 * @param app Uses `config`.
 * @returns The servers; one for browsers only where the public is answered.
 */
export function tlsServices(
  { config }: Pick<App, "config">,
): readonly TlsService[] {
  return [
    { service: "smtp", port: config.smtpPort, startTls: true },
    { service: "submission", port: config.submissionPort, startTls: true },
    { service: "imap", port: config.imapPort, startTls: false },
    ...(config.publicPort === undefined
      ? []
      : [{ service: "https", port: 443, startTls: false } as const]),
  ];
}

/**
 * Asks each server for its certificate.
 *
 * @param services The servers.
 * @param hostname Name of the mail server.
 * @returns What each shows, in the same order.
 */
export async function serviceCertificates(
  services: readonly TlsService[],
  hostname: string,
): Promise<ServiceCertificate[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return await Promise.all(services.map(async (service) => ({
    ...service,
    certificate: await servedCertificate(service, hostname, signal)
      .catch(() => undefined),
  })));
}

/**
 * Makes what writes the metric. Servers log whoever asks them, so they are asked
 * once in ten minutes.
 *
 * @param app Uses `config`.
 * @param services The servers.
 * @returns What writes the text for Prometheus, without those that do not answer.
 */
export function tlsMetrics(
  { config }: Pick<App, "config">,
  services: readonly TlsService[],
): () => Promise<string> {
  let text: Promise<string> | undefined;
  let askedAt = -Infinity;
  const ask = async (): Promise<string> => {
    const all = await serviceCertificates(services, config.hostname);
    return gauges(
      METRICS.tlsExpiresSeconds,
      all.flatMap(({ service, certificate }) =>
        certificate === undefined ? [] : [{
          labels: { service },
          value: certificate.notAfter.getTime() / 1000,
        }]
      ),
    );
  };
  return () => {
    const now = performance.now();
    if (text === undefined || now - askedAt > KEPT_MS) {
      askedAt = now;
      text = ask();
    }
    return text;
  };
}
