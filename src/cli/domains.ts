/**
 * The operator's commands on hosted domains.
 *
 * @module
 */

import { listDomains } from "../db/domains.ts";
import { parseDomain } from "../mail/address.ts";
import { hostDomain, removeDomain } from "../vaultbox/domains.ts";
import { EXIT, type Io } from "./command.ts";
import { open, OPERATOR, parse, userOf } from "./operator.ts";

/** `domain add`. */
export async function runDomainAdd(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { user: { type: "string" } }, 1);
  const domain = parseDomain(positionals[0]!);
  const userId = userOf(values);
  await using app = await open(io);
  const isNew = await hostDomain(app, OPERATOR, domain, userId, "declared");
  io.print(isNew ? `Hosting ${domain}` : `${domain} is hosted already`);
  return EXIT.ok;
}

/** `domain list`. */
export async function runDomainList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  for (const { domain, userId } of await listDomains(app.sql)) {
    io.print(`${domain}\t${userId}`);
  }
  return EXIT.ok;
}

/** `domain remove`. */
export async function runDomainRemove(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const domain = parseDomain(parse(args, {}, 1).positionals[0]!);
  await using app = await open(io);
  await removeDomain(app, OPERATOR, domain);
  io.print(`No longer hosting ${domain}`);
  return EXIT.ok;
}
