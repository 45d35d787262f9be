/**
 * `encimap sending` and `encimap dkim`: what the operator does about outgoing
 * mail.
 *
 * @module
 */

import { listSendingStops } from "../db/sent_mail.ts";
import { parseDomain } from "../mail/address.ts";
import { rotateDkimKey } from "../vaultbox/dkim.ts";
import { dkimRecord, zoneLine } from "../vaultbox/publishing.ts";
import { resumeSending } from "../vaultbox/sending.ts";
import { EXIT, type Io } from "./command.ts";
import { addressOf, find, open, OPERATOR, parse } from "./operator.ts";

/** `sending list`. */
export async function runSendingList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  for (const stop of await listSendingStops(app.sql)) {
    const { address, stoppedAt, recipients } = stop;
    io.print(`${address}\t${stoppedAt.toISOString()}\t${recipients}`);
  }
  return EXIT.ok;
}

/** `sending resume`. */
export async function runSendingResume(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  await using app = await open(io);
  const vaultbox = await find(app, positionals[0]!);
  const wasStopped = await resumeSending(app, OPERATOR, vaultbox.id);
  io.print(
    `${addressOf(vaultbox)} ${
      wasStopped ? "may send again" : "was not stopped"
    }`,
  );
  return EXIT.ok;
}

/** `dkim rotate`. */
export async function runDkimRotate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const domain = parseDomain(parse(args, {}, 1).positionals[0]!);
  await using app = await open(io);
  const key = await rotateDkimKey(app, OPERATOR, domain);
  io.print(zoneLine(dkimRecord(key)));
  return EXIT.ok;
}
