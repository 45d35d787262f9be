/**
 * `encimap audit`: who has changed what.
 *
 * @module
 */

import { AUDIT_ORDERS, type AuditEntry, listAudit } from "../db/audit.ts";
import { auditJson } from "../http/answers.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { integer, optional, text } from "../http/fields.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { find, open, parse } from "./operator.ts";
import { optionFields } from "./options.ts";

/** Entries that are printed, if nothing else is said. */
const LIMIT = 100;

/** Entries that are fetched at a time. */
const PAGE = 1000;

const FIELDS = {
  action: optional(text("must be words with dots between", /^[a-z_.]{1,64}$/)),
  limit: optional(integer(1, 1_000_000_000)),
};

/** `audit`. */
export async function runAudit(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    action: { type: "string" },
    limit: { type: "string" },
    json: { type: "boolean" },
  }, undefined);
  if (positionals.length > 1) throw new UsageError("one vaultbox at most");
  const { action, limit = LIMIT } = optionFields(FIELDS, values);
  await using app = await open(io);
  const [wanted] = positionals;
  // One that is deleted is known by its id.
  const vaultboxId = wanted === undefined || UUID_REGEXP.test(wanted)
    ? wanted
    : (await find(app, wanted)).id;
  let left = limit;
  let after: readonly string[] | undefined;
  do {
    const { rows, next } = await listAudit(app.sql, undefined, {
      limit: Math.min(left, PAGE),
      order: AUDIT_ORDERS["-id"],
      after,
    }, { vaultboxId, action });
    for (const row of rows) {
      io.print(
        values["json"] === true
          ? JSON.stringify(auditJson(row))
          : described(row),
      );
    }
    left -= rows.length;
    after = next;
  } while (after !== undefined && left > 0);
  return EXIT.ok;
}

function described(entry: AuditEntry): string {
  const { at, actor, action, vaultboxId, domain, details } = entry;
  return [
    at.toISOString(),
    actor,
    action,
    vaultboxId ?? "-",
    domain ?? "-",
    JSON.stringify(details),
  ].join("\t");
}
