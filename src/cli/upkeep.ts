/**
 * `encimap migrate` and `encimap reconcile`.
 *
 * @module
 */

import { connect } from "../db/connect.ts";
import { excludesOlder, migrate, schemaGap } from "../db/migrate.ts";
import { reconcile } from "../vaultbox/reconcile.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { open, parse } from "./operator.ts";

/** `migrate`. */
export async function runMigrate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { "dry-run": { type: "boolean" } }, 0);
  const dryRun = values["dry-run"] === true;
  const config = loadConfig(io);
  const sql = connect(config.databaseUrl, { max: 1 });
  try {
    const { missing, isNewer } = await (dryRun ? schemaGap : migrate)(sql);
    for (const step of missing) {
      const reason = excludesOlder(step);
      const excludes = reason === undefined
        ? ""
        : `, which excludes older programs: ${reason}`;
      io.print(`${dryRun ? "Would apply" : "Applied"} ${step.name}${excludes}`);
    }
    if (isNewer) {
      io.print("Schema is newer than this program, which can use it");
    } else if (missing.length === 0) io.print("Schema is up to date");
  } finally {
    await sql.end();
  }
  return EXIT.ok;
}

/** `reconcile`. */
export async function runReconcile(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { "dry-run": { type: "boolean" } }, 0);
  const dryRun = values["dry-run"] === true;
  await using app = await open(io);
  const { routes, orphanedKeys } = await reconcile(app, { dryRun });
  for (const { map, key, value } of routes.set) {
    io.print(`set ${map} ${key} ${value}`);
  }
  for (const { map, key } of routes.drop) io.print(`drop ${map} ${key}`);
  for (const id of orphanedKeys) io.print(`key without certificate ${id}`);
  if (routes.set.length + routes.drop.length === 0) {
    io.print("Maps agree with the database");
  } else if (dryRun) {
    io.print("Nothing was changed");
  }
  return EXIT.ok;
}
