import assert from "node:assert/strict";
import { AUDIT_ORDERS, listAudit } from "../../src/db/audit.ts";
import { vaultboxBundle } from "../../src/vaultbox/bundle.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import {
  createImapCredential,
  createSmtpCredential,
  regeneratePassword,
} from "../../src/vaultbox/credentials.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { ALICE, BOB, SERVICE, testWorld, user } from "../helpers/app.ts";

const CAT = {
  userId: ALICE,
  domain: "pets.example",
  alias: "cat",
  name: "Cat",
  mayClaimDomain: true,
};
const FIRST = { limit: 100, order: AUDIT_ORDERS.id };

Deno.test("the audit log names every change, and outlives the vaultbox", async () => {
  await using world = await testWorld();
  const { app } = world;
  const alice = user(ALICE);
  const { id: vaultboxId } = await createVaultbox(app, SERVICE, CAT);
  const imap = await createImapCredential(app, alice, vaultboxId);
  await createSmtpCredential(app, alice, vaultboxId, {});
  await regeneratePassword(app, alice, vaultboxId, "imap");
  await generateCertificate(app, alice, {
    address: { alias: "cat", domain: "pets.example" },
  });
  const password = "bundle-password";
  await vaultboxBundle(app, alice, { vaultboxId, password });
  await removeVaultbox(app, alice, vaultboxId);
  const { rows } = await listAudit(app.sql, ALICE, FIRST, { vaultboxId });
  assert.deepEqual(rows.map((row) => [row.action, row.actor]), [
    ["vaultbox.create", "service"],
    ["credential.create", `user:${ALICE}`],
    ["credential.create", `user:${ALICE}`],
    ["credential.regenerate", `user:${ALICE}`],
    ["certificate.generate", `user:${ALICE}`],
    ["key.download", `user:${ALICE}`],
    ["vaultbox.delete", `user:${ALICE}`],
  ]);
  const text = JSON.stringify(rows);
  for (const secret of [imap.password, password]) {
    assert.ok(!text.includes(secret));
  }
});

Deno.test("a change that fails leaves no line in the audit log", async () => {
  await using world = await testWorld();
  await createVaultbox(world.app, SERVICE, CAT);
  await assert.rejects(createVaultbox(world.app, SERVICE, CAT));
  const { rows } = await listAudit(world.app.sql, undefined, FIRST, {});
  assert.deepEqual(rows.map((row) => row.action), [
    "domain.host",
    "vaultbox.create",
  ]);
});

Deno.test("a creation that Postfix was not told of is written down with its undoing", async () => {
  await using world = await testWorld();
  world.mta.refusal = new Error("postmap");
  await assert.rejects(createVaultbox(world.app, SERVICE, CAT));
  const { rows } = await listAudit(world.app.sql, undefined, FIRST, {});
  assert.deepEqual(rows.map((row) => row.action), [
    "domain.host",
    "vaultbox.create",
    "vaultbox.create.undo",
  ]);
});

Deno.test("listAudit() pages both ways and shows nothing of another user", async () => {
  await using world = await testWorld();
  for (const alias of ["a", "b", "c"]) {
    await createVaultbox(world.app, SERVICE, { ...CAT, alias });
  }
  const aliases: unknown[] = [];
  let after: readonly string[] | undefined;
  do {
    const page = { limit: 2, order: AUDIT_ORDERS["-id"], after };
    const filter = { action: "vaultbox.create" };
    const { rows, next } = await listAudit(world.app.sql, ALICE, page, filter);
    aliases.push(...rows.map((row) => row.details["alias"]));
    after = next;
  } while (after !== undefined);
  assert.deepEqual(aliases, ["c", "b", "a"]);
  const bobs = await listAudit(world.app.sql, BOB, FIRST, {});
  assert.deepEqual(bobs.rows, []);
});
