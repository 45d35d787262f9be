import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import type { Io } from "../../src/cli/command.ts";
import { runMigrate } from "../../src/cli/upkeep.ts";
import { checkSchema, migrate, type SchemaGap } from "../../src/db/migrate.ts";
import { type Migration, MIGRATIONS } from "../../src/db/migrations.ts";
import { AppError } from "../../src/errors.ts";
import { testDatabase } from "../helpers/database.ts";

const EMPTY = { migrated: false };

function namesOf({ missing }: SchemaGap): string[] {
  return missing.map(({ name }) => name);
}

Deno.test("migrate() applies everything once and nothing the second time", async () => {
  await using database = await testDatabase(EMPTY);
  const names = MIGRATIONS.map((migration) => migration.name);
  assert.deepEqual(namesOf(await migrate(database.sql)), names);
  assert.deepEqual(namesOf(await migrate(database.sql)), []);
});

Deno.test("migrate() by two processes at once applies each step once", async () => {
  await using database = await testDatabase(EMPTY);
  // As install.sh does it: by PostgreSQL's own user.
  const other = connect(database.url("postgres"), { max: 1 });
  const both = await Promise.all([migrate(database.sql), migrate(other)]);
  await other.end();
  assert.equal(both.flatMap(namesOf).length, MIGRATIONS.length);
});

Deno.test("what PostgreSQL's own user migrates belongs to the owner's role", async () => {
  await using database = await testDatabase(EMPTY);
  const sql = connect(database.url("postgres"), { max: 1 });
  await migrate(sql);
  await sql.end();
  const owners = await database.sql`
    select distinct tableowner from pg_tables where schemaname = 'public'
  `;
  assert.deepEqual([...owners], [{ tableowner: "encimap_owner" }]);
});

Deno.test("the API's role cannot migrate", async () => {
  await using database = await testDatabase(EMPTY);
  const sql = connect(database.url(), { max: 1 });
  await assert.rejects(migrate(sql), { code: "42501" });
  await sql.end();
});

Deno.test("migrate() leaves nothing of a step that fails", async () => {
  await using database = await testDatabase(EMPTY);
  const broken = [...MIGRATIONS, {
    name: "9999_broken",
    text: "create table left_over (); select nonsense",
  }];
  await assert.rejects(migrate(database.sql, broken));
  const [row] = await database.sql`
    select to_regclass('left_over') as a, to_regclass('vaultboxes') as b
  `;
  assert.deepEqual({ ...row }, { a: null, b: null });
});

const LATER: Migration = {
  name: "9998_later",
  text: "create table later_rows (id integer)",
};
const EXCLUDING: Migration = {
  name: "9999_excluding",
  text:
    "-- Excludes older programs: they ask for its users.\ndrop table later_rows",
};

Deno.test("a program goes on with a newer schema, and leaves it as it is", async () => {
  await using database = await testDatabase();
  const { sql } = database;
  await migrate(sql, [...MIGRATIONS, LATER]);
  await sql`revoke all on later_rows from encimap`;
  await checkSchema(sql);
  assert.deepEqual(await migrate(sql), { missing: [], isNewer: true });
  const [row] = await sql`
    select has_table_privilege('encimap', 'later_rows', 'select') as granted
  `;
  assert.equal(row!.granted, false);
});

Deno.test("a program that a newer schema excludes refuses it, with the step and its reason", async () => {
  await using database = await testDatabase();
  await migrate(database.sql, [...MIGRATIONS, LATER, EXCLUDING]);
  for (const attempt of [migrate, checkSchema]) {
    await assert.rejects(
      attempt(database.sql),
      (error) =>
        error instanceof AppError && error.code === "conflict" &&
        error.message.includes(
          "9999_excluding (they ask for its users.)",
        ) && !error.message.includes("9998_later"),
    );
  }
});

Deno.test("migrate --dry-run says what is missing, and changes nothing", async () => {
  await using database = await testDatabase(EMPTY);
  const lines: string[] = [];
  const io = {
    env: {
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_DATABASE_URL: database.url("postgres"),
    },
    print: (line: string) => void lines.push(line),
    readText: () => {
      throw new Deno.errors.NotFound();
    },
  } as unknown as Io;
  assert.equal(await runMigrate(["--dry-run"], io), 0);
  assert.deepEqual(
    lines,
    MIGRATIONS.map(({ name }) => `Would apply ${name}`),
  );
  const [row] = await database.sql`
    select to_regclass('schema_migrations') as there
  `;
  assert.equal(row!.there, null);
});

Deno.test("checkSchema() refuses a schema that is not migrated", async () => {
  await using database = await testDatabase(EMPTY);
  await assert.rejects(
    checkSchema(database.sql),
    (error) => error instanceof AppError && error.code === "unavailable",
  );
});

Deno.test("the migrations are the files of sql/, numbered without gaps", async () => {
  const files: string[] = [];
  for await (const entry of Deno.readDir("sql")) files.push(entry.name);
  const numbered = files.filter((name) => /^\d{4}_/.test(name)).sort();
  assert.deepEqual(numbered, MIGRATIONS.map(({ name }) => `${name}.sql`));
  numbered.forEach((name, index) =>
    assert.equal(Number(name.slice(0, 4)), index + 1)
  );
});

Deno.test("sessions that had to end before an upgrade have to end after it", async () => {
  await using database = await testDatabase(EMPTY);
  const { sql } = database;
  const upgrade = MIGRATIONS.findIndex(({ name }) =>
    name.endsWith("_credentials")
  );
  // Not by migrate(): the rights are those of the newest schema.
  for (const { text } of MIGRATIONS.slice(0, upgrade)) await sql.unsafe(text);
  const [open, ended] = [crypto.randomUUID(), crypto.randomUUID()];
  await sql`
    insert into removals (vaultbox_id, username, sessions_ended_at)
    values (${open}, 'a', null), (${ended}, 'b', now()),
      (gen_random_uuid(), null, null)
  `;
  await sql.unsafe(MIGRATIONS[upgrade]!.text);
  const rows = await sql`select vaultbox_id, username from ending_sessions`;
  assert.deepEqual([...rows].map((row) => ({ ...row })), [
    { vaultboxId: open, username: "a" },
  ]);
});
