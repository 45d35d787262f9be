/**
 * What the world can know of a domain and its vaultboxes: DNS records and
 * published certificates.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Actor, App } from "../app.ts";
import type { DkimKey } from "../db/dkim_keys.ts";
import { getUserDomain } from "../db/domain_claims.ts";
import type { Page, Rows } from "../db/page.ts";
import { findPublished, listPublished } from "../db/published.ts";
import type { Address } from "../mail/address.ts";
import { pemDecode } from "../x509/pem.ts";
import { dkimKeys, dkimName, dkimText, isAwaited } from "./dkim.ts";
import { imapServer, submissionServer } from "./login.ts";
import { mtaStsPolicy } from "./mta_sts.ts";

/** A DNS record, as in a zone file. */
export interface DnsRecord {
  /** Name with a dot at the end. */
  readonly name: string;
  /** Type. */
  readonly type: "CNAME" | "MX" | "SMIMEA" | "SRV" | "TXT";
  /** Value in presentation form, RFC 1035 section 5.1. */
  readonly value: string;
}

/** Octets of the hash of a local part, RFC 8162 section 3. */
const HASH_BYTES = 28;

/**
 * DANE-EE, the full certificate, not hashed: who encrypts needs all of it.
 * RFC 8162 section 2, RFC 6698 section 2.1.
 */
const SMIMEA_PARAMETERS = "3 0 0";

/** The port of RFC 4387 has no TLS: what is published is no secret. */
const HTTP_PORT = 80;

/**
 * Lists the records that a domain needs, for mail and for mail clients that set
 * themselves up. What somebody has set is not looked at.
 *
 * @param app Uses `config`, `now`, `sealer` and `sql`.
 * @param actor Who asks, and whose the domain must be.
 * @param domain Lower case, A-labels.
 * @returns The records.
 * @throws {AppError} `not_found` if there is no such domain.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6186#section-3 | RFC 6186 §3}
 */
export async function domainRecords(
  app: Pick<App, "config" | "now" | "sealer" | "sql">,
  actor: Actor,
  domain: string,
): Promise<DnsRecord[]> {
  const { challenge } = await getUserDomain(app.sql, actor.owner, domain);
  // A domain that is only claimed has no key.
  const keys = challenge === null ? await dkimKeys(app, domain) : [];
  const { hostname, publicPort } = app.config;
  const at = (label: string): string => `${label}.${domain}.`;
  const policy = mtaStsPolicy(app);
  const txt = (label: string, text: string): DnsRecord => ({
    name: at(label),
    type: "TXT",
    value: `"${text}"`,
  });
  const srv = (service: string, port: number): DnsRecord => ({
    name: at(`_${service}._tcp`),
    type: "SRV",
    value: `0 1 ${port} ${hostname}.`,
  });
  const alias = (label: string): DnsRecord => ({
    name: at(label),
    type: "CNAME",
    value: `${hostname}.`,
  });
  return [
    { name: `${domain}.`, type: "MX", value: `10 ${hostname}.` },
    { name: `${domain}.`, type: "TXT", value: '"v=spf1 mx -all"' },
    txt(
      "_dmarc",
      `v=DMARC1; p=quarantine; rua=mailto:postmaster@${hostname}`,
    ),
    ...keys.filter(({ retiredAt }) => isAwaited(retiredAt, app.now()))
      .map(dkimRecord),
    // RFC 8460: servers that cannot send by TLS report it.
    txt("_smtp._tls", `v=TLSRPTv1; rua=mailto:postmaster@${hostname}`),
    ...(policy === undefined ? [] : [
      txt("_mta-sts", `v=STSv1; id=${policy.id}`),
      alias("mta-sts"),
    ]),
    srv("imaps", imapServer(app).port),
    srv("submission", submissionServer(app).port),
    ...(publicPort === undefined ? [] : [
      alias("autoconfig"),
      alias("autodiscover"),
      srv("autodiscover", 443),
      // RFC 4387 section 3.2.
      srv("certificates", HTTP_PORT),
    ]),
  ];
}

/**
 * Makes the record of a key that signs, will sign, or has signed.
 *
 * @param key The key.
 * @returns The record.
 */
export function dkimRecord(key: DkimKey): DnsRecord {
  // RFC 1035 section 3.3: a string has at most 255 octets.
  const strings = dkimText(key).match(/.{1,255}/g)!;
  return {
    name: `${dkimName(key)}.`,
    type: "TXT",
    value: strings.map((each) => `"${each}"`).join(" "),
  };
}

/**
 * Writes a record as a line of a zone file, RFC 1035 section 5.1.
 *
 * @param record The record.
 * @returns The line.
 */
export function zoneLine({ name, type, value }: DnsRecord): string {
  return `${name} IN ${type} ${value}`;
}

/**
 * Lists the SMIMEA records of the certificates that vaultboxes of a domain
 * publish.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the domain must be.
 * @param domain Lower case, A-labels.
 * @param page Which part.
 * @returns The page.
 * @throws {AppError} `not_found` if there is no such domain.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8162 | RFC 8162}
 */
export async function smimeaRecords(
  app: Pick<App, "sql">,
  actor: Actor,
  domain: string,
  page: Page,
): Promise<Rows<DnsRecord>> {
  await getUserDomain(app.sql, actor.owner, domain);
  const { rows, next } = await listPublished(app.sql, domain, page);
  const records = rows.map(({ alias, publicCertPem }): DnsRecord => ({
    name: smimeaName({ alias, domain }),
    type: "SMIMEA",
    value: `${SMIMEA_PARAMETERS} ${
      pemDecode("CERTIFICATE", publicCertPem).toHex()
    }`,
  }));
  return { rows: records, next };
}

/**
 * Names the SMIMEA record of an address.
 *
 * @param address The address.
 * @returns Name with a dot at the end.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8162#section-3 | RFC 8162 §3}
 */
export function smimeaName({ alias, domain }: Address): string {
  const hash = createHash("sha256").update(alias).digest("hex");
  return `${hash.slice(0, 2 * HASH_BYTES)}._smimecert.${domain}.`;
}

/**
 * Finds the certificate that the holder of an address publishes.
 *
 * @param app Uses `sql`.
 * @param address The address.
 * @returns The certificate, DER; undefined if nobody has the address, or its
 * holder publishes none.
 */
export async function publishedCertificate(
  app: Pick<App, "sql">,
  address: Address,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pem = await findPublished(app.sql, address);
  return pem === undefined ? undefined : pemDecode("CERTIFICATE", pem);
}
