/**
 * The operator's commands on one-time links.
 *
 * @module
 */

import { NEWEST_FIRST } from "../db/page.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { integer, optional } from "../http/fields.ts";
import { setupLinkJson } from "../http/setup_answers.ts";
import {
  createSetupLink,
  removeSetupLink,
  setupLinksOf,
} from "../vaultbox/setup_links.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { find, open, OPERATOR, parse } from "./operator.ts";
import { optionFields } from "./options.ts";

/** Links that are listed, the newest first. */
const LISTED_MAX = 1000;

/** Seconds for which a link works, if nothing else is said. */
const SECONDS = 900;

const FIELDS = { seconds: optional(integer(60, 3600)) };

/** `setup-link create`. */
export async function runSetupLinkCreate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    seconds: { type: "string" },
    "with-credential": { type: "boolean" },
  }, 1);
  const { seconds = SECONDS } = optionFields(FIELDS, values);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  const withCredential = values["with-credential"] === true;
  const link = await createSetupLink(app, OPERATOR, id, {
    seconds,
    withCredential,
  });
  io.print(link.url);
  io.warn(
    `The link is shown this once, and works once until ${link.expiresAt.toISOString()}`,
  );
  return EXIT.ok;
}

/** `setup-link list`. */
export async function runSetupLinkList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { json: { type: "boolean" } }, 1);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  const page = { limit: LISTED_MAX, order: NEWEST_FIRST["-created_at"] };
  const { rows } = await setupLinksOf(app, OPERATOR, id, page);
  for (const row of rows) {
    if (values["json"] === true) {
      io.print(JSON.stringify(setupLinkJson(row)));
      continue;
    }
    const used = row.usedAt === null
      ? `until ${row.expiresAt.toISOString()}`
      : `used ${row.usedAt.toISOString()}`;
    const what = row.withCredential ? "with credential" : "without credential";
    io.print([row.id, used, what].join("\t"));
  }
  return EXIT.ok;
}

/** `setup-link delete`. */
export async function runSetupLinkDelete(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [wanted, id] = parse(args, {}, 2).positionals;
  if (!UUID_REGEXP.test(id!)) {
    throw new UsageError("LINK must be an id of `setup-link list`");
  }
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, wanted!);
  await removeSetupLink(app, OPERATOR, { vaultboxId, id: id!.toLowerCase() });
  io.print("Deleted; it opens nothing from now on");
  return EXIT.ok;
}
