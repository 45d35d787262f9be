/**
 * `encimap maintenance`: what timers start.
 *
 * @module
 */

import { cleanUp } from "../vaultbox/clean_up.ts";
import { maintain } from "../vaultbox/maintenance.ts";
import { report } from "../vaultbox/report.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { open, parse } from "./operator.ts";

/** `maintenance`. */
export async function runMaintenance(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, {
    "dry-run": { type: "boolean" },
    force: { type: "boolean" },
    ids: { type: "boolean" },
  }, 0);
  const dryRun = values["dry-run"] === true;
  const who = (due: { vaultboxId: string; address: string }): string =>
    values["ids"] === true ? due.vaultboxId : due.address;
  const renewed = dryRun ? "To renew" : "Renewed";
  await using app = await open(io);
  const done = await maintain(app, {
    dryRun,
    force: values["force"] === true,
    progress: (so) => io.print(`${renewed} ${so.renewed}, failed ${so.failed}`),
  });
  if (done === undefined) {
    io.warn("Another run is at it; nothing was done");
    return EXIT.tempfail;
  }
  for (const due of done.due) {
    const { notAfter } = due;
    io.print(`${who(due)}\twould be renewed\tuntil ${notAfter.toISOString()}`);
  }
  const unlisted = dryRun ? done.renewed - done.due.length : 0;
  if (unlisted > 0) io.print(`... and ${unlisted} more`);
  for (const due of done.waiting) {
    const { custody, notAfter } = due;
    io.print(
      `${
        who(due)
      }\tcustody ${custody}, its owner has to renew\tuntil ${notAfter.toISOString()}`,
    );
  }
  if (done.unconfirmed > 0) {
    io.print(`Bundles not confirmed for a week: ${done.unconfirmed}`);
  }
  if (done.renewed + done.failed === 0) io.print("Nothing to renew");
  return done.failed === 0 ? EXIT.ok : EXIT.failed;
}

/** `maintenance clean-up`. */
export async function runCleanUp(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { "dry-run": { type: "boolean" } }, 0);
  const dryRun = values["dry-run"] === true;
  await using app = await open(io);
  const done = await cleanUp(app, {
    dryRun,
    progress: (name, count) => io.progress?.(`${count} ${name}`),
  });
  io.progress?.("");
  if (done === undefined) {
    io.warn("Another run is at it; nothing was done");
    return EXIT.tempfail;
  }
  for (const { name, count } of done.deleted) {
    io.print(`${dryRun ? "Would delete" : "Deleted"} ${count} ${name}`);
  }
  for (const { name, bytes, live, dead, vacuumedAt } of done.tables) {
    const vacuumed = vacuumedAt === null
      ? "never vacuumed"
      : `vacuumed ${vacuumedAt.toISOString()}`;
    io.print(
      `Table ${name}: ${
        Math.round(bytes / 1_048_576)
      } MiB, ${live} rows, ${dead} dead, ${vacuumed}`,
    );
  }
  return EXIT.ok;
}

/** Days of a quarter, at most. */
const QUARTER_DAYS = 92;

/** `maintenance report`. */
export async function runReport(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { days: { type: "string" } }, 0);
  const days = Number(values["days"] ?? QUARTER_DAYS);
  if (!Number.isInteger(days) || days < 1 || days > 3650) {
    throw new UsageError("--days must be an integer from 1 to 3650");
  }
  await using app = await open(io);
  for (const line of await report(app, days)) io.print(line);
  return EXIT.ok;
}
