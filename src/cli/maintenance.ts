/**
 * `encimap maintenance`: what the timer starts once a day.
 *
 * @module
 */

import { maintain } from "../vaultbox/maintenance.ts";
import { EXIT, type Io } from "./command.ts";
import { open, parse } from "./operator.ts";

/** `maintenance`. */
export async function runMaintenance(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, {
    "dry-run": { type: "boolean" },
    force: { type: "boolean" },
  }, 0);
  const dryRun = values["dry-run"] === true;
  const renewed = dryRun ? "To renew" : "Renewed";
  await using app = await open(io);
  const report = await maintain(app, {
    dryRun,
    force: values["force"] === true,
    progress: (so) => io.print(`${renewed} ${so.renewed}, failed ${so.failed}`),
  });
  if (report === undefined) {
    io.print("Another run is at it");
    return EXIT.ok;
  }
  for (const { address, notAfter } of report.due) {
    io.print(`${address}\twould be renewed\tuntil ${notAfter.toISOString()}`);
  }
  const unlisted = dryRun ? report.renewed - report.due.length : 0;
  if (unlisted > 0) io.print(`... and ${unlisted} more`);
  for (const { address, custody, notAfter } of report.waiting) {
    io.print(
      `${address}\tcustody ${custody}, its owner has to renew\tuntil ${notAfter.toISOString()}`,
    );
  }
  if (report.unconfirmed > 0) {
    io.print(`Bundles not confirmed for a week: ${report.unconfirmed}`);
  }
  if (report.renewed + report.failed === 0) io.print("Nothing to renew");
  return report.failed === 0 ? EXIT.ok : EXIT.failed;
}
