/**
 * The commands on the master key and the HMAC key. The script encimap_keys starts
 * the parts of a rotation, each as the user that it needs.
 *
 * @module
 */

import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { createLog } from "../log.ts";
import { openKeysUnder, openVerification, readKeyFile } from "../open.ts";
import { applyHmacs, scanHmacs } from "../vaultbox/hmac_rotation.ts";
import { checkKeys } from "../vaultbox/key_check.ts";
import { replaceLost } from "../vaultbox/key_loss.ts";
import { rewrapKeys } from "../vaultbox/key_rewrap.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { open, OPERATOR, parse } from "./operator.ts";
import { isUnfinished } from "./unfinished.ts";

/** Exit status if the master key opens no key that is there. */
const NONE_OPENS = 2;

/** Keys that are named one by one, at most. */
const NAMED_MAX = 20;

/** Octets of a line of `keys hmac-scan`, at most. */
const LINE_MAX = 200;

/** `keys check`. */
export async function runKeysCheck(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  const { good, unreadable, missing, unreadableDkim } = await checkKeys(
    app,
    (count) => io.progress?.(`${count} keys`),
  );
  io.progress?.("");
  for (const [word, keys] of Object.entries({ unreadable, missing })) {
    for (const { certificateId, vaultboxId } of keys.slice(0, NAMED_MAX)) {
      io.print(`${word}\tcertificate ${certificateId}\tvaultbox ${vaultboxId}`);
    }
    if (keys.length > NAMED_MAX) {
      io.print(`... and ${keys.length - NAMED_MAX} more`);
    }
  }
  for (const row of unreadableDkim) {
    io.print(`unreadable\tDKIM key ${row.selector} of ${row.domain}`);
  }
  io.print(
    `Private keys: ${good} open, ${unreadable.length} unreadable, ${missing.length} missing`,
  );
  if (good === 0 && unreadable.length > 0) return NONE_OPENS;
  const lost = unreadable.length + missing.length + unreadableDkim.length;
  return lost === 0 ? EXIT.ok : EXIT.failed;
}

/** `keys replace-lost`. */
export async function runReplaceLost(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { yes: { type: "boolean" } }, 0);
  const dryRun = values["yes"] !== true;
  await using app = await open(io);
  await refuseUnfinished(app);
  const { vaultboxes, issuer, domains } = await replaceLost(app, OPERATOR, {
    dryRun,
  });
  for (const { address, inBundles, nobodys } of vaultboxes) {
    io.print(`${address}\tin bundles ${inBundles}\tnobody's ${nobodys}`);
  }
  for (const domain of domains) {
    io.print(
      `${domain}\tDKIM key\t"encimap dns ${domain}" has the next record`,
    );
  }
  if (vaultboxes.length + domains.length === 0 && !issuer) {
    io.print("No private key is lost");
    return EXIT.ok;
  }
  if (issuer) {
    io.print("The issuer's key is lost: a new issuer signs from now on");
  }
  if (!dryRun) {
    io.print(
      "Replaced. Hand the new bundles out; mail is encrypted to the new keys",
    );
    return EXIT.ok;
  }
  io.print(
    "Mail that is encrypted to nobody's keys alone can never be read again; keys in bundles open theirs as before.",
  );
  io.print(
    "If a backup has the master key or the files, restore those instead. With --yes new keys are made, and the lost ones are given up.",
  );
  return EXIT.failed;
}

/** What the former master key opens is not lost. */
async function refuseUnfinished(app: App): Promise<void> {
  const { masterKeyFile } = app.config;
  if (!await isUnfinished(masterKeyFile)) return;
  const former = await openKeysUnder(app.config, `${masterKeyFile}.former`);
  const { moved } = await rewrapKeys(app, OPERATOR, former, { dryRun: true });
  if (moved === 0) return;
  throw new AppError(
    "conflict",
    `The rotation of the master key is not finished, and its former key opens ${moved} key(s): "encimap keys rotate-master" goes on with it`,
  );
}

/** `keys rewrap`, as the owner of the keys. */
export async function runRewrap(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(
    args,
    { "dry-run": { type: "boolean" } },
    1,
  );
  const dryRun = values["dry-run"] === true;
  await using app = await open(io);
  const former = await openKeysUnder(app.config, positionals[0]!);
  const { done, moved, lost, lostDkim } = await rewrapKeys(
    app,
    OPERATOR,
    former,
    { dryRun },
  );
  for (const { certificateId } of lost.slice(0, NAMED_MAX)) {
    io.print(`lost\tcertificate ${certificateId}`);
  }
  for (const name of lostDkim) io.print(`lost\tDKIM key ${name}`);
  io.print(
    `Private keys: ${done + moved} ${
      dryRun ? "can be put" : "are"
    } under the new master key, ${lost.length + lostDkim.length} lost`,
  );
  return lost.length + lostDkim.length === 0 ? EXIT.ok : EXIT.failed;
}

/** `keys hmac-scan`, as the mail user. */
export async function runHmacScan(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [file] = parse(args, {}, args.length === 0 ? 0 : 1).positionals;
  const log = createLog(io.warn, "warn");
  await using app = await openVerification(loadConfig(io), log);
  const former = file === undefined ? undefined : await readKeyFile(file);
  for await (const line of scanHmacs(app, former)) io.print(line);
  return EXIT.ok;
}

/** `keys hmac-apply`, as the owner of the database. */
export async function runHmacApply(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  const { changed, others } = await applyHmacs(
    app,
    OPERATOR,
    linesOf(io.stdin),
  );
  io.print(
    `Messages whose HMAC was changed: ${changed}; files that are no message as it was stored: ${others}`,
  );
  return EXIT.ok;
}

async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of stream) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > LINE_MAX) break;
  }
  if (rest !== "") yield rest;
}
