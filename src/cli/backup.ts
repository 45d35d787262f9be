/**
 * The parts of `encimap backup` and `encimap restore` that need the database:
 * the script encimap_backup starts them, each as the user that it needs.
 *
 * @module
 */

import { createLog } from "../log.ts";
import { openVerification } from "../open.ts";
import { freezeAll } from "../vaultbox/freeze.ts";
import { finishRestore } from "../vaultbox/restored.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { open, OPERATOR, parse } from "./operator.ts";

/** `backup mail`, as the mail user. */
export async function runBackupMail(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  const log = createLog(io.warn, "warn");
  await using app = await openVerification(loadConfig(io), log);
  const { vaultboxes, files, restless } = await freezeAll(app, {
    exported: ({ id, at }) => io.print(`snapshot ${id} ${at.toISOString()}`),
    progress: (so) =>
      io.progress?.(`${so.vaultboxes} vaultboxes, ${so.files} files`),
    async dumped() {
      for await (const _ of io.stdin) { /* It ends when the dump is there. */ }
    },
  });
  io.progress?.("");
  io.print(`frozen ${vaultboxes} ${files}`);
  if (restless > 0) {
    io.warn(
      `Clients moved mail in ${restless} vaultbox(es) all the time: some of it may be in the backup twice`,
    );
  }
  return EXIT.ok;
}

/** `restore finish`, as the owner of the database. */
export async function runRestoreFinish(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [madeAt] = parse(args, {}, 1).positionals;
  if (Number.isNaN(Date.parse(madeAt!))) {
    throw new UsageError("MADE_AT must be a time");
  }
  await using app = await open(io);
  const { links, unconfirmed } = await finishRestore(app, OPERATOR, madeAt!);
  if (links > 0) io.print(`One-time links that open nothing now: ${links}`);
  if (unconfirmed > 0) {
    io.print(
      `Bundles not confirmed when the backup was made: ${unconfirmed}. Their owners confirm them again, and the keys are destroyed again`,
    );
  }
  return EXIT.ok;
}
