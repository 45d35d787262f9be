/**
 * A migrated database of its own for one test.
 *
 * @module
 */

import { connect, type Pool } from "../../src/db/connect.ts";
import { migrate } from "../../src/db/migrate.ts";

/** A database that is dropped at the end of the test. */
export interface TestDatabase extends AsyncDisposable {
  /** A pool on it, as its owner. */
  readonly sql: Pool;
  /** URL for a role; the owner `encimap` if left out. */
  url(role?: string): string;
  /** Ends all connections and refuses new ones, or takes them again. */
  allowConnections(allowed: boolean): Promise<void>;
}

/** Directory of the socket that tests/with_postgres has made. */
export function testPgHost(): string {
  const host = Deno.env.get("TEST_PGHOST");
  if (host === undefined) {
    throw new Error("Run this test through tests/with_postgres");
  }
  return host;
}

/**
 * Makes a database.
 *
 * @param options With `migrated: false` it is empty.
 * @returns The database.
 */
export async function testDatabase(
  options: { migrated: boolean } = { migrated: true },
): Promise<TestDatabase> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const host = encodeURIComponent(testPgHost());
  const url = (role = "encimap"): string =>
    `postgresql://${role}@${host}/${name}`;
  const admin = connect(`postgresql://postgres@${host}/postgres`, { max: 1 });
  await admin.unsafe(`create database ${name} owner encimap`);
  const sql = connect(url(), { max: 10 });
  if (options.migrated) await migrate(sql);
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
