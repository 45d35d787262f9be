/**
 * Brings the schema up to date.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db, Pool } from "./connect.ts";
import { GRANTS, type Migration, MIGRATIONS } from "./migrations.ts";

/**
 * Role that owns the tables. No process logs in as it: what is not granted in
 * sql/grants.sql, as the tables' own form, none of them can change.
 */
const OWNER = "encimap_owner";

/** Key of the advisory lock that lets one process migrate at a time. */
const MIGRATION_LOCK = 4301_0001;

/**
 * Applies what is missing, in one transaction.
 *
 * @param sql Pool of somebody who may act as the database's owner.
 * @param migrations Steps of the schema.
 * @returns Names of the steps that were applied; empty if there were none.
 * @throws {AppError} `conflict` if the schema is newer than the program.
 */
export function migrate(
  sql: Pool,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string[]> {
  return sql.begin(async (tx) => {
    await tx`select pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    // A trial runs as one user, without the role.
    await tx`
      select set_config('role', rolname, true) from pg_roles
      where rolname = ${OWNER} and pg_has_role(current_user, oid, 'member')
    `;
    await tx`
      create table if not exists schema_migrations (
        version integer primary key,
        name text not null,
        applied_at timestamptz not null default now()
      )
    `;
    const version = await schemaVersion(tx);
    refuseNewer(version, migrations);
    const missing = migrations.slice(version);
    for (const [index, migration] of missing.entries()) {
      await tx.unsafe(migration.text);
      await tx`
        insert into schema_migrations (version, name)
        values (${version + index + 1}, ${migration.name})
      `;
    }
    await tx.unsafe(GRANTS);
    return missing.map((migration) => migration.name);
  }) as Promise<string[]>;
}

/**
 * Refuses to go on with a schema that is not the program's.
 *
 * @param db Pool or transaction.
 * @throws {AppError} `unavailable` if migrations are missing, `conflict` if
 * the schema is newer than the program.
 */
export async function checkSchema(db: Db): Promise<void> {
  const version = await schemaVersion(db);
  refuseNewer(version, MIGRATIONS);
  if (version < MIGRATIONS.length) {
    throw new AppError(
      "unavailable",
      `Schema has version ${version} of ${MIGRATIONS.length}: run "encimap migrate"`,
    );
  }
}

async function schemaVersion(db: Db): Promise<number> {
  const [table] = await db<[{ there: boolean }]>`
    select to_regclass('schema_migrations') is not null as there
  `;
  if (!table.there) return 0;
  const [row] = await db<[{ version: number }]>`
    select coalesce(max(version), 0) as version from schema_migrations
  `;
  return row.version;
}

function refuseNewer(version: number, migrations: readonly Migration[]): void {
  if (version <= migrations.length) return;
  throw new AppError(
    "conflict",
    `Schema has version ${version}, newer than this program (${migrations.length}): install the newer program`,
  );
}
