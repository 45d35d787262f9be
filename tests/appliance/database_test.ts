import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { testPgHost } from "../helpers/database.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** make_database of install.sh, but for what needs the whole machine. */
const SCRIPT = `set -eu
. "$1/appliance/install/database.sh"
step() { :; }
has() { :; }
note_lines() { :; }
start_postgresql() { :; }
changed() { printf '%s\\n' "$1"; }
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres -d "$1" -c "$2"; }
run() { [ "$1" != sql ] || "$@"; }
DRY= API_USER=encimap MAIL_USER=vaultmail OWNER=encimap_owner DATABASE=$2
make_database
`;

async function makeDatabase(name: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", SCRIPT, "sh", ROOT, name],
    env: { PGHOST: testPgHost() },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("install.sh takes the tables of an older version from the API, which works on with them", async () => {
  const name = `upgrade_${crypto.randomUUID().replaceAll("-", "")}`;
  const host = encodeURIComponent(testPgHost());
  const open = (role: string, database = name) =>
    connect(`postgresql://${role}@${host}/${database}`, { max: 1 });
  await using stack = new AsyncDisposableStack();
  const admin = open("postgres", "postgres");
  stack.defer(() => admin.end());
  // As version 0014 of the schema was installed.
  await admin.unsafe(`create database ${name} owner encimap`);
  stack.defer(async () => {
    await admin.unsafe(`drop database ${name} with (force)`);
  });
  await admin.unsafe(
    `revoke connect, temporary on database ${name} from public`,
  );
  await admin.unsafe(
    `grant connect on database ${name} to encimap, vaultmail, dovecot`,
  );
  const before = open("encimap");
  await before.unsafe(
    "create table things (id integer generated always as identity, a text)",
  );
  await before.end();
  assert.match(await makeDatabase(name), /belong to .* encimap_owner/);
  for (const role of ["encimap", "vaultmail", "dovecot"]) {
    const sql = open(role);
    stack.defer(() => sql.end());
    await sql`select 1`;
    if (role !== "encimap") continue;
    await sql`insert into things (a) values ('x')`;
    await assert.rejects(sql.unsafe("drop table things"), { code: "42501" });
  }
  assert.equal(await makeDatabase(name), "");
});
