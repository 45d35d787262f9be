/**
 * `encimap dns`: the records of a domain, as lines of a zone file, or compared
 * with what DNS has.
 *
 * @module
 */

import type { App } from "../app.ts";
import { PUBLISHED_ORDERS } from "../db/published.ts";
import { parseDomain } from "../mail/address.ts";
import { systemDns } from "../system/dns.ts";
import { type CheckedRecord, checkRecord } from "../vaultbox/dns_check.ts";
import {
  type DnsRecord,
  domainRecords,
  smimeaRecords,
  zoneLine,
} from "../vaultbox/publishing.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { open, OPERATOR, parse } from "./operator.ts";

/** Records that a page has. */
const PAGE = 1000;

/** Records that are asked for at a time. */
const BATCH = 20;

/** Exit status where a record is missing or wrong. */
const DIFFERS = 2;

/** An IPv4 address or an IPv6 one in brackets, and a port. */
const SERVER_REGEXP = /^(?:([0-9.]+)|\[([0-9a-f:]+)\])(?::([0-9]{1,5}))?$/i;

/** `dns`. */
export async function runDns(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    check: { type: "boolean" },
    json: { type: "boolean" },
    server: { type: "string" },
  }, 1);
  const isCheck = values["check"] === true;
  const isJson = values["json"] === true;
  const server = values["server"];
  if (server !== undefined && !isCheck) {
    throw new UsageError("--server goes with --check");
  }
  const domain = parseDomain(positionals[0]!);
  const dns = server === undefined ? undefined : serverOf(String(server));
  await using app = await open(io);
  const asked = { dns: dns ?? app.dns };
  const states = new Set<CheckedRecord["state"]>();
  let batch: DnsRecord[] = [];
  const check = async (): Promise<void> => {
    const all = batch.map((record) => checkRecord(asked, record));
    batch = [];
    for (const checked of await Promise.all(all)) {
      states.add(checked.state);
      if (isJson) io.print(JSON.stringify(checked));
      else for (const line of checkedLines(checked)) io.print(line);
    }
  };
  for await (const record of records(app, domain)) {
    if (isCheck) {
      batch.push(record);
      if (batch.length === BATCH) await check();
    } else {
      io.print(isJson ? JSON.stringify(record) : zoneLine(record));
    }
  }
  await check();
  if (states.has("missing") || states.has("wrong")) return DIFFERS;
  return states.has("unknown") ? EXIT.failed : EXIT.ok;
}

async function* records(
  app: App,
  domain: string,
): AsyncGenerator<DnsRecord> {
  yield* await domainRecords(app, OPERATOR, domain);
  let after: readonly string[] | undefined;
  do {
    const page = { limit: PAGE, after, order: PUBLISHED_ORDERS.alias };
    const { rows, next } = await smimeaRecords(app, OPERATOR, domain, page);
    yield* rows;
    after = next;
  } while (after !== undefined);
}

function checkedLines(record: CheckedRecord): string[] {
  const { name, type, value, state, found } = record;
  const head = `${state.padEnd(7)} ${name} ${type}`;
  if (state === "ok") return [head];
  return [
    head,
    `  expected ${value}`,
    ...found.map((each) => `  found    ${each}`),
  ];
}

function serverOf(text: string): App["dns"] {
  const match = SERVER_REGEXP.exec(text);
  if (match === null) {
    throw new UsageError(
      "--server must be an IP address, with :PORT if not 53",
    );
  }
  const ipAddr = (match[1] ?? match[2])!;
  return systemDns({ ipAddr, port: Number(match[3] ?? 53) });
}
