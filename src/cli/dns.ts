/**
 * `encimap dns`: the records of a domain, as lines of a zone file.
 *
 * @module
 */

import { PUBLISHED_ORDERS } from "../db/published.ts";
import { parseDomain } from "../mail/address.ts";
import {
  type DnsRecord,
  domainRecords,
  smimeaRecords,
  zoneLine,
} from "../vaultbox/publishing.ts";
import { EXIT, type Io } from "./command.ts";
import { open, OPERATOR, parse } from "./operator.ts";

/** Records that a page has. */
const PAGE = 1000;

/** `dns`. */
export async function runDns(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const domain = parseDomain(parse(args, {}, 1).positionals[0]!);
  await using app = await open(io);
  const print = (record: DnsRecord): void => io.print(zoneLine(record));
  (await domainRecords(app, OPERATOR, domain)).forEach(print);
  let after: readonly string[] | undefined;
  do {
    const page = { limit: PAGE, after, order: PUBLISHED_ORDERS.alias };
    const { rows, next } = await smimeaRecords(app, OPERATOR, domain, page);
    rows.forEach(print);
    after = next;
  } while (after !== undefined);
  return EXIT.ok;
}
