/**
 * The parts of `encimap backup` and `encimap restore` that need the database:
 * the script encimap_backup starts them, each as the user that it needs.
 *
 * @module
 */

import { createLog } from "../log.ts";
import { openVerification } from "../open.ts";
import { freezeAll } from "../vaultbox/freeze.ts";
import { checkKeys } from "../vaultbox/key_check.ts";
import { finishRestore } from "../vaultbox/restored.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { open, OPERATOR, parse } from "./operator.ts";

/** Exit status if the master key opens no key that is there. */
const NONE_OPENS = 2;

/** Keys that are named one by one, at most. */
const NAMED_MAX = 20;

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

/** `keys check`. */
export async function runKeysCheck(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  const { good, unreadable, missing } = await checkKeys(
    app,
    (count) => io.progress?.(`${count} keys`),
  );
  io.progress?.("");
  for (
    const [word, keys] of [["unreadable", unreadable], [
      "missing",
      missing,
    ]] as const
  ) {
    for (const { certificateId, vaultboxId } of keys.slice(0, NAMED_MAX)) {
      io.print(`${word}\tcertificate ${certificateId}\tvaultbox ${vaultboxId}`);
    }
    if (keys.length > NAMED_MAX) {
      io.print(`... and ${keys.length - NAMED_MAX} more`);
    }
  }
  io.print(
    `Private keys: ${good} open, ${unreadable.length} unreadable, ${missing.length} missing`,
  );
  if (good === 0 && unreadable.length > 0) return NONE_OPENS;
  return unreadable.length + missing.length === 0 ? EXIT.ok : EXIT.failed;
}
