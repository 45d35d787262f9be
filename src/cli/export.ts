/**
 * `encimap export`: everything of a vaultbox or a customer, in open formats.
 *
 * Two processes make the archive, one behind the other: the first may read keys,
 * the second mail. `appliance/bin/encimap` joins them.
 *
 * @module
 */

import type { App } from "../app.ts";
import {
  listVaultboxes,
  type Vaultbox,
  VAULTBOX_ORDERS,
} from "../db/vaultboxes.ts";
import { createLog } from "../log.ts";
import { openVerification } from "../open.ts";
import { dropPermissions } from "../system/permissions.ts";
import {
  bundlePassword,
  newBundlePassword,
} from "../vaultbox/bundle_password.ts";
import { copyMail, firstPart, withoutEnd } from "../vaultbox/mail_copy.ts";
import { readPassword } from "./certificates.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { exportRecords } from "./export_records.ts";
import {
  addressOf,
  find,
  open,
  OPERATOR,
  parse,
  type Parsed,
  userOf,
} from "./operator.ts";
import { refusalLines } from "./refusal.ts";
import { printable } from "./verify.ts";

/** Options of both parts. */
const OPTIONS = {
  user: { type: "string" },
  "dry-run": { type: "boolean" },
  "password-stdin": { type: "boolean" },
} as const;

/** Vaultboxes that are listed at a time. */
const PAGE = 500;

/** Milliseconds between two words on the progress. */
const PROGRESS_MS = 500;

/** `export`: what the operator's user may read. */
export async function runExport(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const parsed = parse(args, OPTIONS, undefined);
  checkTarget(parsed);
  const dryRun = parsed.values["dry-run"] === true;
  if (io.isTerminal && !dryRun) {
    throw new UsageError(
      "the export is an archive, and this is a terminal: end the line with >export.tar",
    );
  }
  const isGiven = parsed.values["password-stdin"] === true;
  const password = isGiven && !dryRun
    ? await readPassword(io)
    : newBundlePassword();
  await using app = await open(io);
  const vaultboxes = await vaultboxesOf(app, parsed);
  for (const vaultbox of vaultboxes) {
    bundlePassword(password, addressOf(vaultbox));
  }
  if (dryRun) {
    for (const vaultbox of vaultboxes) io.print(described(vaultbox));
    io.print("Nothing was exported, and no key went out");
    return EXIT.ok;
  }
  const { user } = parsed.values;
  const userId = user === undefined ? undefined : userOf(parsed.values);
  if (!isGiven) {
    io.warn(`Password of the bundles, shown once: ${password}`);
  }
  const records = exportRecords(app, { userId, vaultboxes, password }, {
    begun: (address) => io.progress?.(`Keys of ${address}`),
    withoutKeys: (address, refusal) => {
      io.progress?.("");
      for (const line of refusalLines(refusal)) {
        io.warn(`${address}: without keys: ${line}`);
      }
    },
  });
  for await (const octets of firstPart(records, app.now())) io.write(octets);
  io.progress?.("");
  for (const vaultbox of vaultboxes) {
    if (vaultbox.custody !== "client") continue;
    io.warn(
      `${
        addressOf(vaultbox)
      }: once its owner has opened a message: encimap custody confirm ${
        addressOf(vaultbox)
      } <bundle.zip`,
    );
  }
  return EXIT.ok;
}

/** `export mail`: adds the mail to what standard input has. */
export async function runExportMail(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const parsed = parse(args, OPTIONS, undefined);
  checkTarget(parsed);
  const config = loadConfig(io);
  const log = createLog(io.warn, "warn");
  for await (const octets of withoutEnd(io.stdin)) io.write(octets);
  await using app = await openVerification(config, log);
  dropPermissions("run");
  const vaultboxes = (await vaultboxesOf(app, parsed))
    .map((vaultbox) => ({ id: vaultbox.id, address: addressOf(vaultbox) }));
  let leftOut = 0;
  let files = 0;
  let bytes = 0;
  let shownAt = 0;
  const parts = copyMail(app, vaultboxes, {
    copied(size) {
      files++;
      bytes += size;
      if (Date.now() - shownAt < PROGRESS_MS) return;
      shownAt = Date.now();
      io.progress?.(`${files} files, ${Math.round(bytes / 1_048_576)} MiB`);
    },
    leftOut(path, why) {
      leftOut++;
      io.progress?.("");
      io.warn(`Left out: ${printable(path)} ${why}`);
    },
  });
  for await (const octets of parts) io.write(octets);
  io.progress?.("");
  io.warn(
    `Exported ${vaultboxes.length} vaultbox(es), ${files} file(s), ${bytes} octets of mail`,
  );
  return leftOut === 0 ? EXIT.ok : EXIT.failed;
}

function checkTarget({ values, positionals }: Parsed): void {
  const isUser = values["user"] !== undefined;
  if (isUser ? positionals.length === 0 : positionals.length === 1) return;
  throw new UsageError("one vaultbox is expected, or --user UUID");
}

async function vaultboxesOf(
  app: Pick<App, "sql">,
  { values, positionals }: Parsed,
): Promise<Vaultbox[]> {
  if (values["user"] === undefined) return [await find(app, positionals[0]!)];
  const viewer = { ...OPERATOR, owner: userOf(values) };
  const found: Vaultbox[] = [];
  let after: readonly string[] | undefined;
  do {
    const page = { limit: PAGE, order: VAULTBOX_ORDERS.address, after };
    const { rows, next } = await listVaultboxes(app.sql, viewer, page);
    found.push(...rows);
    after = next;
  } while (after !== undefined);
  return found;
}

function described(vaultbox: Vaultbox): string {
  const { custody, usedMessages, usedBytes, status } = vaultbox;
  return [
    addressOf(vaultbox),
    status,
    `custody ${custody}`,
    `${usedMessages} message(s)`,
    `${usedBytes} octets`,
  ].join("\t");
}
