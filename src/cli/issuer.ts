/**
 * The operator's commands on the issuers of certificates.
 *
 * @module
 */

import { listIssuers } from "../db/issuers.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { getIssuerCertificate } from "../vaultbox/issuer.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { open, parse } from "./operator.ts";

/** `issuer list`. */
export async function runIssuerList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  for (const each of await listIssuers(app.sql)) {
    const { number, id, fingerprintSha256, notAfter } = each;
    const end = notAfter.toISOString();
    io.print([number, id, fingerprintSha256, end].join("\t"));
  }
  return EXIT.ok;
}

/** `issuer show`. */
export async function runIssuerShow(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [id] = parse(args, {}, args.length === 0 ? 0 : 1).positionals;
  if (id !== undefined && !UUID_REGEXP.test(id)) {
    throw new UsageError("ID must be a UUID");
  }
  await using app = await open(io);
  io.print((await getIssuerCertificate(app, id?.toLowerCase())).trimEnd());
  return EXIT.ok;
}
