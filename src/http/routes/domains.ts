/**
 * Routes of domains.
 *
 * @module
 */

import type { App } from "../../app.ts";
import {
  DOMAIN_ORDERS,
  getUserDomain,
  listUserDomains,
} from "../../db/domain_claims.ts";
import {
  registerDomain,
  removeDomain,
  verifyDomain,
} from "../../vaultbox/domains.ts";
import { PUBLISHED_ORDERS } from "../../db/published.ts";
import { checkRecord } from "../../vaultbox/dns_check.ts";
import { domainRecords, smimeaRecords } from "../../vaultbox/publishing.ts";
import { DOMAIN as SHAPE, domainJson } from "../answers.ts";
import {
  described,
  DOMAIN,
  inPath,
  oneOf,
  optional,
  USER_ID,
} from "../fields.ts";
import {
  CHECKED_DNS_RECORD,
  checkedDnsRecordJson,
  DNS_RECORD,
  dnsRecordJson,
} from "../setup_answers.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";
import { actingFor } from "./acting_for.ts";

/** Name of a domain in a path. */
const IN_PATH = { domain: inPath(DOMAIN, "domain") };

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function domainRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/domains",
      operation: "registerDomain",
      summary: "Registers a domain for a user",
      scope: "domain:write",
      body: {
        "user_id": optional(
          described(USER_ID, "Needed from a service; a user may leave it out."),
        ),
        domain: DOMAIN,
        proof: optional(
          described(
            oneOf("dns", "declared"),
            "`dns`, if left out: the domain waits for its TXT record. " +
              "`declared`: the service's word is enough.",
          ),
        ),
      },
      answer: { status: 201, data: SHAPE },
      async handle({ actor, body }) {
        const { "user_id": named, domain, proof } = body;
        const userId = actingFor(actor, named);
        const isDeclared = proof === "declared";
        const input = { domain, userId, isDeclared };
        return { data: domainJson(await registerDomain(app, actor, input)) };
      },
    }),
    route({
      method: "GET",
      path: "/domains",
      operation: "listDomains",
      summary: "Lists domains, hosted and pending",
      scope: "vaultbox:read",
      query: {
        ...pageFields(DOMAIN_ORDERS),
        status: optional(oneOf("pending", "hosted")),
      },
      answer: { status: 200, page: SHAPE },
      async handle({ actor, query }) {
        const page = pageOf(DOMAIN_ORDERS, query);
        const { rows, next } = await listUserDomains(
          app.sql,
          actor.owner,
          page,
          query.status,
        );
        return {
          rows: rows.map(domainJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
    route({
      method: "GET",
      path: "/domains/{domain}",
      operation: "getDomain",
      summary: "Shows a domain",
      scope: "vaultbox:read",
      params: IN_PATH,
      answer: { status: 200, data: SHAPE },
      async handle({ actor, params: { domain } }) {
        const found = await getUserDomain(app.sql, actor.owner, domain);
        return { data: domainJson(found) };
      },
    }),
    route({
      method: "GET",
      path: "/domains/{domain}/dns",
      operation: "listDnsRecords",
      summary: "Lists the DNS records that a domain needs",
      scope: "vaultbox:read",
      params: IN_PATH,
      answer: { status: 200, data: { type: "array", items: DNS_RECORD } },
      async handle({ actor, params: { domain } }) {
        const records = await domainRecords(app, actor, domain);
        return { data: records.map(dnsRecordJson) };
      },
    }),
    route({
      method: "GET",
      path: "/domains/{domain}/dns/check",
      operation: "checkDnsRecords",
      summary: "Compares these records with what DNS has now",
      scope: "vaultbox:read",
      params: IN_PATH,
      answer: {
        status: 200,
        data: { type: "array", items: CHECKED_DNS_RECORD },
      },
      async handle({ actor, params: { domain } }) {
        const records = await domainRecords(app, actor, domain);
        const checked = await Promise.all(
          records.map((record) => checkRecord(app, record)),
        );
        return { data: checked.map(checkedDnsRecordJson) };
      },
    }),
    route({
      method: "GET",
      path: "/domains/{domain}/smimea",
      operation: "listSmimeaRecords",
      summary: "Lists the DNS records of the certificates that are published",
      scope: "vaultbox:read",
      params: IN_PATH,
      query: pageFields(PUBLISHED_ORDERS),
      answer: { status: 200, page: DNS_RECORD },
      async handle({ actor, params: { domain }, query }) {
        const page = pageOf(PUBLISHED_ORDERS, query);
        const { rows, next } = await smimeaRecords(app, actor, domain, page);
        return {
          rows: rows.map(dnsRecordJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
    route({
      method: "POST",
      path: "/domains/{domain}/verify",
      operation: "verifyDomain",
      summary: "Looks for the TXT record, and hosts the domain if it is there",
      scope: "domain:write",
      params: IN_PATH,
      answer: { status: 200, data: SHAPE },
      async handle({ actor, params: { domain } }) {
        return { data: domainJson(await verifyDomain(app, actor, domain)) };
      },
    }),
    route({
      method: "DELETE",
      path: "/domains/{domain}",
      operation: "deleteDomain",
      summary: "Gives up a domain that holds no vaultbox",
      scope: "domain:write",
      params: IN_PATH,
      answer: { status: 200, message: true },
      async handle({ actor, params: { domain } }) {
        await removeDomain(app, actor, domain);
        return { message: "Domain deleted successfully" };
      },
    }),
  ];
}
