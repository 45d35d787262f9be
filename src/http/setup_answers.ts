/**
 * Answers about the set-up of mail clients and about DNS.
 *
 * @module
 */

import type { SetupLink } from "../db/setup_links.ts";
import type { CheckedRecord } from "../vaultbox/dns_check.ts";
import type { DnsRecord } from "../vaultbox/publishing.ts";
import { ID, type Json, shape, TEXT, TIME, TIME_OR_NULL } from "./answers.ts";
import type { Schema } from "./fields.ts";

const LINK_PROPERTIES = {
  id: ID,
  "vaultbox_id": ID,
  "with_credential": { type: "boolean" },
  "expires_at": TIME,
  "used_at": TIME_OR_NULL,
  "created_at": TIME,
};

/** Schema of {@linkcode setupLinkJson}. */
export const SETUP_LINK: Schema = shape("SetupLink", LINK_PROPERTIES);

/** The same with the URL, which is shown once. */
export const NEW_SETUP_LINK: Schema = shape("NewSetupLink", {
  ...LINK_PROPERTIES,
  url: TEXT,
});

/**
 * Shapes a one-time link.
 *
 * @param link The link.
 * @returns Without the URL.
 */
export function setupLinkJson(link: SetupLink): Json {
  return {
    "id": link.id,
    "vaultbox_id": link.vaultboxId,
    "with_credential": link.withCredential,
    "expires_at": link.expiresAt,
    "used_at": link.usedAt,
    "created_at": link.createdAt,
  };
}

/** Answers of DNS that are shown, and characters of each. */
const FOUND_MAX = 10;
const FOUND_LENGTH_MAX = 1000;

const RECORD_PROPERTIES = { name: TEXT, type: TEXT, value: TEXT };

/** Schema of {@linkcode dnsRecordJson}. */
export const DNS_RECORD: Schema = shape("DnsRecord", RECORD_PROPERTIES);

/** Schema of {@linkcode checkedDnsRecordJson}. */
export const CHECKED_DNS_RECORD: Schema = shape("CheckedDnsRecord", {
  ...RECORD_PROPERTIES,
  state: { type: "string", enum: ["ok", "missing", "wrong", "unknown"] },
  found: { type: "array", maxItems: FOUND_MAX, items: TEXT },
});

/**
 * Shapes a DNS record.
 *
 * @param record The record.
 * @returns As a zone file has it.
 */
export function dnsRecordJson({ name, type, value }: DnsRecord): Json {
  return { "name": name, "type": type, "value": value };
}

/**
 * Shapes a record that was compared with what DNS has.
 *
 * @param record The record.
 * @returns With the first that was found, cut: anybody may have written it.
 */
export function checkedDnsRecordJson(record: CheckedRecord): Json {
  return {
    ...dnsRecordJson(record),
    "state": record.state,
    "found": record.found.slice(0, FOUND_MAX)
      .map((text) => text.slice(0, FOUND_LENGTH_MAX)),
  };
}
