import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { testDatabase } from "../helpers/database.ts";

const INSUFFICIENT_PRIVILEGE = "42501";

const REFUSED = [
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

for (const [role, query] of REFUSED) {
  Deno.test(`the role ${role} may not: ${query}`, async () => {
    await using database = await testDatabase();
    const sql = connect(database.url(role), { max: 1 });
    try {
      await assert.rejects(
        sql.unsafe(query),
        { code: INSUFFICIENT_PRIVILEGE },
      );
    } finally {
      await sql.end();
    }
  });
}

Deno.test("the role dovecot may read dovecot_credentials", async () => {
  await using database = await testDatabase();
  const sql = connect(database.url("dovecot"), { max: 1 });
  try {
    assert.equal((await sql`select * from dovecot_credentials`).length, 0);
  } finally {
    await sql.end();
  }
});
