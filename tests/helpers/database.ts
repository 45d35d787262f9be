/**
 * A migrated database of its own for one test.
 *
 * @module
 */

import { connect, type Pool } from "../../src/db/connect.ts";
import { migrate } from "../../src/db/migrate.ts";

/** A database that is dropped at the end of the test. */
export interface TestDatabase extends AsyncDisposable {
  /** A pool on it, as its owner; the program is never that. */
  readonly sql: Pool;
  /** URL for a role; the API's, `encimap`, if left out. */
  url(role?: string): string;
  /** Ends all connections and refuses new ones, or takes them again. */
  allowConnections(allowed: boolean): Promise<void>;
}

/** Role that owns the tables. */
const OWNER = "encimap_owner";

/** Directory of the socket that tests/with_postgres has made. */
export function testPgHost(): string {
  const host = Deno.env.get("TEST_PGHOST");
  if (host === undefined) {
    throw new Error("Run this test through tests/with_postgres");
  }
  return host;
}

/** Makes the migrated database that others are copies of, once for a cluster. */
async function template(admin: Pool, host: string): Promise<string> {
  const name = "test_template";
  await admin`select pg_advisory_lock(1)`;
  try {
    const there = await admin`
      select from pg_database where datname = ${name} and datistemplate
    `;
    if (there.length > 0) return name;
    await admin.unsafe(`drop database if exists ${name}`);
    await admin.unsafe(`create database ${name} owner ${OWNER}`);
    const sql = connect(`postgresql://${OWNER}@${host}/${name}`, { max: 1 });
    await migrate(sql);
    await sql.end();
    await admin.unsafe(`alter database ${name} is_template true`);
    return name;
  } finally {
    await admin`select pg_advisory_unlock(1)`;
  }
}

/**
 * Makes a database.
 *
 * @param options With `migrated: false` it is empty; `pgHost` is the directory
 * of another cluster's socket.
 * @returns The database.
 */
export async function testDatabase(
  options: { migrated?: boolean; pgHost?: string } = {},
): Promise<TestDatabase> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const host = encodeURIComponent(options.pgHost ?? testPgHost());
  const url = (role = "encimap"): string =>
    `postgresql://${role}@${host}/${name}`;
  const admin = connect(`postgresql://postgres@${host}/postgres`, { max: 1 });
  const from = options.migrated ?? true
    // file_copy: the template's pages do not go through the log.
    ? `template ${await template(admin, host)} strategy file_copy`
    : "";
  await admin.unsafe(`create database ${name} owner ${OWNER} ${from}`);
  const sql = connect(url(OWNER), { max: 10 });
  return {
    sql,
    url,
    async allowConnections(allowed) {
      await admin.unsafe(`alter database ${name} allow_connections ${allowed}`);
      if (allowed) return;
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = ${name}
      `;
    },
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 1 });
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
