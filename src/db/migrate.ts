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
 * A line of a step after which programs of before it cannot go on, with the reason.
 * Every other step leaves them what they use, so that an upgrade can be taken back.
 */
const EXCLUDES_REGEXP = /^-- Excludes older programs: (.+)$/m;

/** What is between a schema and a program. */
export interface SchemaGap {
  /** Steps that the schema lacks. */
  readonly missing: readonly Migration[];
  /** Whether the schema has steps that the program does not know, and can use. */
  readonly isNewer: boolean;
}

/**
 * Finds why a step keeps programs of before it from going on.
 *
 * @param migration The step.
 * @returns The reason; undefined if it does not.
 */
export function excludesOlder(migration: Migration): string | undefined {
  return EXCLUDES_REGEXP.exec(migration.text)?.[1];
}

/**
 * Compares the schema with a program, and changes nothing.
 *
 * @param db Pool or transaction.
 * @param migrations Steps that the program knows.
 * @returns What is between them.
 * @throws {AppError} `conflict` if the schema is newer and one of its further
 * steps excludes this program.
 */
export async function schemaGap(
  db: Db,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<SchemaGap> {
  const version = await schemaVersion(db);
  const isNewer = version > migrations.length;
  if (isNewer) await refuseExcluding(db, version, migrations);
  return { missing: migrations.slice(version), isNewer };
}

/**
 * Applies what is missing, in one transaction. A schema that is newer, and that
 * the program can use, stays as it is, with its rights.
 *
 * @param sql Pool of somebody who may act as the database's owner.
 * @param migrations Steps of the schema.
 * @returns What was applied.
 * @throws {AppError} `conflict` if the schema is newer and one of its further
 * steps excludes this program.
 */
export function migrate(
  sql: Pool,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<SchemaGap> {
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
    await tx`
      alter table schema_migrations add column if not exists excludes_older text
    `;
    const gap = await schemaGap(tx, migrations);
    if (gap.isNewer) return gap;
    const version = migrations.length - gap.missing.length;
    for (const [index, migration] of gap.missing.entries()) {
      await tx.unsafe(migration.text);
      await tx`
        insert into schema_migrations (version, name, excludes_older)
        values (
          ${version + index + 1}, ${migration.name},
          ${excludesOlder(migration) ?? null}
        )
      `;
    }
    await tx.unsafe(GRANTS);
    return gap;
  }) as Promise<SchemaGap>;
}

/**
 * Refuses to go on with a schema that the program cannot use.
 *
 * @param db Pool or transaction.
 * @throws {AppError} `unavailable` if migrations are missing, `conflict` if
 * the schema is newer and excludes the program.
 */
export async function checkSchema(db: Db): Promise<void> {
  const { missing } = await schemaGap(db);
  if (missing.length > 0) {
    const version = MIGRATIONS.length - missing.length;
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

async function refuseExcluding(
  db: Db,
  version: number,
  migrations: readonly Migration[],
): Promise<void> {
  const rows = await db<{ name: string; excludesOlder: string }[]>`
    select name, excludes_older from schema_migrations
    where version > ${migrations.length} and excludes_older is not null
    order by version
  `;
  if (rows.length === 0) return;
  const steps = rows.map((row) => `${row.name} (${row.excludesOlder})`);
  throw new AppError(
    "conflict",
    `Schema has version ${version}, and this program, which knows ${migrations.length}, is excluded by ${
      steps.join(", ")
    }: install the newer program`,
  );
}
