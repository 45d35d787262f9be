/**
 * The dashboard's own store: who may sign in, and who has. One SQLite file.
 *
 * @module
 */

import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** Columns of whoever may do something; every such table has them. */
const GRANT = `
  role text not null check (role in ('operator', 'customer', 'owner')),
  user_id text check ((role = 'operator') = (user_id is null)),
  vaultbox_id text check ((role = 'owner') = (vaultbox_id is not null))`;

/** Times are milliseconds since 1970; never edited after a release. */
const MIGRATIONS: readonly string[] = [
  `
create table accounts (
  id text primary key,
  -- What is typed to sign in, in lower case.
  login text not null unique check (length(login) between 1 and 254),
  ${GRANT},
  -- bcrypt.
  password_hash text not null,
  -- RFC 6238; null where no code is asked for.
  totp_secret blob,
  -- Last step whose code was taken: no code opens twice.
  totp_step integer not null default 0,
  created_at integer not null
) strict;

-- Codes that stand for one of RFC 6238 once each; SHA-256.
create table recovery_codes (
  account_id text not null references accounts on delete cascade,
  hash blob not null,
  primary key (account_id, hash)
) strict, without rowid;

-- One-time links: for a new account, or for a new password of account_id.
create table invitations (
  hash blob primary key,
  account_id text references accounts on delete cascade,
  ${GRANT},
  expires_at integer not null
) strict;

create table sessions (
  -- SHA-256 of the cookie.
  hash blob primary key,
  -- Names it in the list of sessions.
  id text not null unique,
  -- Null where the platform has signed somebody in.
  account_id text references accounts on delete cascade,
  -- Login, or what the platform calls its user.
  name text not null,
  ${GRANT},
  created_at integer not null,
  seen_at integer not null,
  -- User-Agent, cut.
  client text not null
) strict;
create index on_sessions_account on sessions (account_id);

-- Browsers that have signed in before: strangers' wrong passwords do not keep
-- them waiting. SHA-256 of the cookie.
create table devices (
  hash blob primary key,
  account_id text not null references accounts on delete cascade,
  seen_at integer not null
) strict;

-- Tokens of the platform that have been used, until they end.
create table spent_tokens (
  hash blob primary key,
  expires_at integer not null
) strict;
`,
];

/** Values of a query. */
export type Values = Readonly<Record<string, SQLInputValue>>;

/** The open store. */
export class Store implements Disposable {
  readonly #db: DatabaseSync;
  readonly #path: string;

  /**
   * Opens a store, and makes or upgrades it.
   *
   * @param path The file; `:memory:` for a test's.
   * @throws {Error} If a newer program has made it.
   */
  constructor(path: string) {
    if (path !== ":memory:") {
      // SQLite gives its other files the mode of this one.
      Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
    }
    this.#path = path;
    this.#db = new DatabaseSync(path);
    // The command that invites writes while the dashboard runs.
    this.#db.exec(`
      pragma journal_mode = wal;
      pragma synchronous = full;
      pragma foreign_keys = on;
      pragma busy_timeout = 5000;
      pragma secure_delete = on;`);
    this.atOnce(() => this.#migrate());
  }

  /**
   * Reads rows.
   *
   * @param sql One statement with `:name` for each value.
   * @param values The values.
   * @returns The rows.
   */
  all<Row>(sql: string, values: Values = {}): Row[] {
    return this.#db.prepare(sql).all(values) as Row[];
  }

  /**
   * Changes rows.
   *
   * @param sql One statement with `:name` for each value.
   * @param values The values.
   * @returns How many rows were changed.
   */
  run(sql: string, values: Values = {}): number {
    return Number(this.#db.prepare(sql).run(values).changes);
  }

  /**
   * Does all of a task or nothing of it.
   *
   * @param task What to do; it does not wait for anything.
   * @returns What it returned.
   */
  atOnce<T>(task: () => T): T {
    this.#db.exec("begin immediate");
    try {
      const result = task();
      this.#db.exec("commit");
      return result;
    } catch (error) {
      this.#db.exec("rollback");
      throw error;
    }
  }

  /**
   * Reads the file as it is at one moment, while others use the store. (VACUUM INTO
   * would do it, but Deno forbids that to a program without all permissions.)
   *
   * @returns The file, which needs no other beside it.
   * @throws {Error} If others read or write it all the time.
   */
  octets(): Uint8Array<ArrayBuffer> {
    for (let tries = 10; tries > 0; tries--) {
      this.all("pragma wal_checkpoint(truncate)");
      // Nobody writes from here on; somebody may have, since the line above.
      this.#db.exec("begin immediate");
      try {
        if (Deno.statSync(`${this.#path}-wal`).size === 0) {
          return Deno.readFileSync(this.#path);
        }
      } finally {
        this.#db.exec("rollback");
      }
    }
    throw new Error("The dashboard's store is in use all the time");
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#db.close();
  }

  #migrate(): void {
    const [row] = this.all<{ version: number }>(
      "select user_version as version from pragma_user_version",
    );
    const done = row!.version;
    if (done > MIGRATIONS.length) {
      throw new Error("The dashboard's store is of a newer program");
    }
    for (const sql of MIGRATIONS.slice(done)) this.#db.exec(sql);
    this.#db.exec(`pragma user_version = ${MIGRATIONS.length}`);
  }
}
