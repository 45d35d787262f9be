import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { testDatabase } from "../helpers/database.ts";

const INSUFFICIENT_PRIVILEGE = "42501";

/**
 * What each role may not. `encimap` is the API's, of the units for maintenance and
 * reconciling and of the operator's commands; `vaultmail` the intake's and that of
 * `encimap verify`; `dovecot` that of logins.
 */
const REFUSED = [
  ["encimap", "create table mine (a integer)"],
  ["encimap", "drop table messages"],
  ["encimap", "alter table audit_log add column a integer"],
  ["encimap", "alter table vaultbox_certs disable trigger all"],
  ["encimap", "truncate audit_log"],
  [
    "encimap",
    "create function mine() returns integer language sql as 'select 1'",
  ],
  [
    "encimap",
    "create or replace view dovecot_credentials as select * from vaultboxes",
  ],
  ["encimap", "set role encimap_owner"],
  ["encimap", "set session_replication_role = replica"],
  ["encimap", "copy vaultboxes to program 'true'"],
  ["encimap", "select pg_read_file('/etc/passwd')"],
  ["encimap", "update audit_log set action = 'x'"],
  ["encimap", "update issuers set number = 2"],
  ["encimap", "delete from issuers"],
  ["encimap", "delete from hand_outs"],
  ["encimap", "delete from messages"],
  ["encimap", "update messages set size_bytes = 0"],
  ["encimap", "insert into messages (id) values (gen_random_uuid())"],
  ["encimap", "delete from verifications"],
  ["encimap", "insert into verification_runs default values"],
  ["encimap", "insert into schema_migrations values (999, 'mine')"],
  ["vaultmail", "create table mine (a integer)"],
  ["vaultmail", "drop table messages"],
  ["vaultmail", "truncate messages"],
  ["vaultmail", "set role encimap"],
  ["vaultmail", "set role encimap_owner"],
  ["vaultmail", "select * from audit_log"],
  ["vaultmail", "select * from idempotency_keys"],
  ["vaultmail", "select * from setup_links"],
  ["dovecot", "create table mine (a integer)"],
  ["dovecot", "set role encimap_owner"],
  ["dovecot", "select * from audit_log"],
  ["vaultmail", "select password_hash from imap_app_credentials"],
  ["vaultmail", "select password_hash from vaultbox_smtp_credentials"],
  ["vaultmail", "select * from dovecot_credentials"],
  ["vaultmail", "delete from messages"],
  ["vaultmail", "update messages set size_bytes = 0"],
  ["vaultmail", "update vaultboxes set user_id = gen_random_uuid()"],
  ["vaultmail", "update vaultboxes set status = 'active'"],
  ["vaultmail", "update vaultboxes set max_bytes = null"],
  ["vaultmail", "update customers set max_messages = null"],
  ["vaultmail", "insert into customers (user_id) values (gen_random_uuid())"],
  ["vaultmail", "delete from vaultboxes"],
  [
    "vaultmail",
    "insert into addresses values ('a.b', 'c', gen_random_uuid(), 'own')",
  ],
  ["vaultmail", "update vaultbox_certs set public_cert_pem = ''"],
  ["vaultmail", "select * from app_credentials"],
  ["vaultmail", "select * from ending_sessions"],
  ["vaultmail", "select record_login('a', 'imap')"],
  ["vaultmail", "select * from issuers"],
  ["vaultmail", "select * from hand_outs"],
  ["vaultmail", "select * from dkim_keys"],
  ["vaultmail", "delete from sending_stops"],
  ["vaultmail", "update vaultbox_certs set key_state = 'kept'"],
  ["vaultmail", "update maintenance set last_run_at = now()"],
  ["vaultmail", "delete from delivery_counts"],
  ["vaultmail", "select * from doctor_reports"],
  ["vaultmail", "update doctor_reports set status = 'ok'"],
  ["dovecot", "select * from doctor_reports"],
  ["dovecot", "select * from delivery_counts"],
  ["dovecot", "select * from imap_app_credentials"],
  ["dovecot", "select * from app_credentials"],
  ["dovecot", "update app_credentials set last_used_at = now()"],
  ["dovecot", "select * from vaultboxes"],
  ["dovecot", "select * from messages"],
  ["dovecot", "select * from customers"],
  ["dovecot", "select * from vaultbox_certs"],
  ["dovecot", "delete from vaultboxes"],
] as const;

for (const role of ["encimap", "vaultmail", "dovecot"]) {
  Deno.test(`the role ${role} may do what it needs and no more`, async (t) => {
    await using database = await testDatabase();
    const sql = connect(database.url(role), { max: 1 });
    for (const [whose, query] of REFUSED) {
      if (whose !== role) continue;
      await t.step(`not: ${query}`, async () => {
        await assert.rejects(
          sql.unsafe(query),
          { code: INSUFFICIENT_PRIVILEGE },
        );
      });
    }
    await sql.end();
  });
}

Deno.test("no role of a process owns anything", async () => {
  await using database = await testDatabase();
  const rows = await database.sql`
    select c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace
      and pg_get_userbyid(c.relowner) <> 'encimap_owner'
    union all
    select p.proname from pg_proc p
    where p.pronamespace = 'public'::regnamespace
      and pg_get_userbyid(p.proowner) <> 'encimap_owner'
  `;
  assert.deepEqual([...rows], []);
});

Deno.test("the role dovecot may read dovecot_credentials", async () => {
  await using database = await testDatabase();
  const sql = connect(database.url("dovecot"), { max: 1 });
  try {
    assert.equal((await sql`select * from dovecot_credentials`).length, 0);
  } finally {
    await sql.end();
  }
});

Deno.test("an entry of the audit log can be deleted when it is old, and not before", async () => {
  await using database = await testDatabase();
  const sql = connect(database.url("encimap"), { max: 1 });
  const add = (days: number) =>
    sql`
      insert into audit_log (at, actor, action)
      values (now() - ${days} * interval '1 day', 'service', 'key.destroyed')
    `;
  await add(1);
  await add(31);
  await assert.rejects(
    sql`delete from audit_log`,
    { code: INSUFFICIENT_PRIVILEGE },
  );
  const { count } = await sql`
    delete from audit_log where at < now() - interval '30 days'
  `;
  assert.equal(count, 1);
  await sql.end();
});
