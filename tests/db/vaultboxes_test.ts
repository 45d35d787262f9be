import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { AppError, type ErrorCode } from "../../src/errors.ts";
import { listVaultboxes, VAULTBOX_ORDERS } from "../../src/db/vaultboxes.ts";
import {
  createOperatorVaultbox,
  createVaultbox,
  type NewVaultbox,
} from "../../src/vaultbox/create.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { createSmtpCredential } from "../../src/vaultbox/credentials.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { ALICE, BOB, SERVICE, testWorld, user } from "../helpers/app.ts";

const CAT: NewVaultbox = {
  userId: ALICE,
  domain: "pets.example",
  alias: "cat",
  name: "Cat",
  mayClaimDomain: true,
};
const FOX: NewVaultbox = { ...CAT, alias: "fox", name: "Fox" };

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === expected;
}

async function files(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

Deno.test("createVaultbox() leaves row, address, certificate, key and route", async () => {
  await using world = await testWorld();
  const made = await createVaultbox(world.app, SERVICE, CAT);
  const [counts] = await world.app.sql`
    select (select count(*) from vaultboxes) as boxes,
      (select count(*) from addresses) as addresses,
      (select count(*) from vaultbox_certs) as certs
  `;
  assert.deepEqual({ ...counts }, { boxes: 1, addresses: 1, certs: 1 });
  assert.equal((await files(`${world.directory}/keys`)).length, 1);
  assert.deepEqual([...world.mta.transport], [
    ["cat@pets.example", `encimap-pipe:${made.id}`],
  ]);
  assert.deepEqual([...world.mta.domains.keys()], ["pets.example"]);
});

Deno.test("createVaultbox() commits no row before its key is stored", async () => {
  await using world = await testWorld();
  const { app } = world;
  const counts: unknown[] = [];
  const privateKeys = {
    ...app.privateKeys,
    async store(...[name, key]: Parameters<typeof app.privateKeys.store>) {
      // The queries of the creation take a tenth of it.
      await setTimeout(300);
      counts.push(...await app.sql`select count(*)::int from vaultboxes`);
      await app.privateKeys.store(name, key);
    },
  };
  const { id } = await createVaultbox({ ...app, privateKeys }, SERVICE, CAT);
  assert.deepEqual(counts, [{ count: 0 }]);
  const rows = await app.sql`select id from vaultboxes`;
  assert.deepEqual([...rows], [{ id }]);
});

Deno.test("createVaultbox() leaves nothing if the key cannot be stored", async () => {
  await using world = await testWorld();
  const { app } = world;
  const privateKeys = {
    ...app.privateKeys,
    store: () => Promise.reject(new Deno.errors.PermissionDenied("No")),
  };
  await assert.rejects(
    createVaultbox({ ...app, privateKeys }, SERVICE, CAT),
    Deno.errors.PermissionDenied,
  );
  const left = await app.sql`
    select from vaultboxes union all select from domains
    union all select from audit_log
  `;
  assert.equal(left.length, 0);
  assert.equal(world.mta.transport.size, 0);
});

Deno.test("createVaultbox() leaves nothing if Postfix cannot be told", async () => {
  await using world = await testWorld();
  world.mta.refusal = new AppError("unavailable", "No");
  await assert.rejects(
    createVaultbox(world.app, SERVICE, CAT),
    world.mta.refusal,
  );
  const rows = await world.app.sql`select id from vaultboxes`;
  assert.equal(rows.length, 0);
  assert.deepEqual(await files(`${world.directory}/keys`), []);
});

Deno.test("createVaultbox() deletes nothing that mail has come for", async () => {
  await using world = await testWorld();
  const refusal = new AppError("unavailable", "The last map failed");
  const change = world.mta.change.bind(world.mta);
  let calls = 0;
  world.mta.change = async (changes) => {
    await change(changes);
    if (++calls > 1) return;
    const [{ id }] = await world.app.sql<[{ id: string }]>`
      select id from vaultboxes
    `;
    await deliver(world.intake, {
      route: id,
      recipient: "cat@pets.example",
      sender: "",
      queueId: "q1",
      message: received(new TextEncoder().encode("From: a@b\n\nx\n")),
    });
    throw refusal;
  };
  await assert.rejects(createVaultbox(world.app, SERVICE, CAT), refusal);
  const rows = await world.app.sql`select id from vaultboxes`;
  assert.equal(rows.length, 1);
  assert.equal((await files(`${world.directory}/keys`)).length, 1);
});

Deno.test("generateCertificate() throws conflict at the twenty-first generation", async () => {
  await using world = await testWorld();
  await createVaultbox(world.app, SERVICE, CAT);
  await world.app.sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after
    )
    select vaultbox_id, public_cert_pem, lpad(to_hex(n), 64, '0'), not_before,
      not_after
    from vaultbox_certs, generate_series(2, 20) n
  `;
  const address = { domain: "pets.example", alias: "cat" };
  await assert.rejects(
    generateCertificate(world.app, user(ALICE), { address }),
    code("conflict"),
  );
});

Deno.test("createVaultbox() throws conflict if the address is taken, and keeps no key", async () => {
  await using world = await testWorld();
  await createVaultbox(world.app, SERVICE, CAT);
  await assert.rejects(
    createVaultbox(world.app, SERVICE, CAT),
    code("conflict"),
  );
  assert.equal((await files(`${world.directory}/keys`)).length, 1);
});

Deno.test("createVaultbox() twice at once makes one vaultbox", async () => {
  await using world = await testWorld();
  const results = await Promise.allSettled([
    createVaultbox(world.app, SERVICE, CAT),
    createVaultbox(world.app, SERVICE, CAT),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status).sort(),
    ["fulfilled", "rejected"],
  );
  assert.equal(world.mta.transport.size, 1);
});

Deno.test("createVaultbox() throws forbidden in a domain of another user", async () => {
  await using world = await testWorld();
  await createVaultbox(world.app, SERVICE, CAT);
  await assert.rejects(
    createVaultbox(world.app, SERVICE, { ...FOX, userId: BOB }),
    code("forbidden"),
  );
});

Deno.test("createVaultbox() throws forbidden if the caller may not claim the domain", async () => {
  await using world = await testWorld();
  await assert.rejects(
    createVaultbox(world.app, SERVICE, { ...CAT, mayClaimDomain: false }),
    code("forbidden"),
  );
});

for (
  const [owner, expected] of [[ALICE, "fulfilled"], [BOB, "rejected"]] as const
) {
  Deno.test(`createVaultbox() is ${expected} if the platform says the domain is of ${owner}`, async () => {
    await using world = await testWorld({
      MOTORICAL_DATABASE_URL: "postgresql:///unused",
      MOTORICAL_DOMAINS_TABLE: "platform.hosted",
      MOTORICAL_DOMAIN_COLUMN: "fqdn",
      MOTORICAL_USER_COLUMN: "account",
    });
    await world.database.sql`create schema platform`;
    await world.database.sql`
      create table platform.hosted (fqdn text, account text)
    `;
    await world.database.sql`
      insert into platform.hosted values ('pets.example', ${owner})
    `;
    const app = { ...world.app, platformSql: world.database.sql };
    const [result] = await Promise.allSettled([
      createVaultbox(app, SERVICE, { ...CAT, mayClaimDomain: false }),
    ]);
    assert.equal(result.status, expected);
  });
}

Deno.test("the operator's vaultbox gets postmaster@ and abuse@ of domains before and after it", async () => {
  await using world = await testWorld();
  await createVaultbox(world.app, SERVICE, CAT);
  const operator = await createOperatorVaultbox(world.app, SERVICE, {
    userId: BOB,
    domain: "mail.example.test",
    alias: "postmaster",
    name: "Operator",
    mayClaimDomain: true,
  });
  await createVaultbox(world.app, SERVICE, { ...CAT, domain: "later.example" });
  const routed = [...world.mta.transport]
    .filter(([, route]) => route === `encimap-pipe:${operator.id}`)
    .map(([address]) => address).sort();
  assert.deepEqual(routed, [
    "abuse@later.example",
    "abuse@mail.example.test",
    "abuse@pets.example",
    "postmaster@later.example",
    "postmaster@mail.example.test",
    "postmaster@pets.example",
  ]);
});

for (
  const [alias, domain] of [
    ["postmaster", "pets.example"],
    ["abuse", "pets.example"],
    ["root", "mail.example.test"],
  ] as const
) {
  Deno.test(`createVaultbox() throws conflict for a customer's ${alias}@${domain}`, async () => {
    await using world = await testWorld();
    await assert.rejects(
      createVaultbox(world.app, SERVICE, { ...CAT, alias, domain }),
      code("conflict"),
    );
  });
}

Deno.test("removeVaultbox() removes rows, key and route, and ends sessions", async () => {
  await using world = await testWorld();
  const made = await createVaultbox(world.app, SERVICE, CAT);
  const { username } = await createSmtpCredential(
    world.app,
    user(ALICE),
    made.id,
    {},
  );
  assert.deepEqual([...world.mta.senders], [["cat@pets.example", username]]);
  await removeVaultbox(world.app, user(ALICE), made.id);
  const [counts] = await world.app.sql`
    select (select count(*) from vaultboxes) as boxes,
      (select count(*) from addresses) as addresses,
      (select count(*) from vaultbox_certs) as certs,
      (select count(*) from vaultbox_smtp_credentials) as credentials
  `;
  assert.deepEqual({ ...counts }, {
    boxes: 0,
    addresses: 0,
    certs: 0,
    credentials: 0,
  });
  assert.equal(world.mta.transport.size, 0);
  assert.equal(world.mta.senders.size, 0);
  assert.deepEqual(await files(`${world.directory}/keys`), []);
  assert.deepEqual(world.ended, [username]);
});

Deno.test("removeVaultbox() throws not_found for another's vaultbox and for none", async () => {
  await using world = await testWorld();
  const made = await createVaultbox(world.app, SERVICE, CAT);
  await assert.rejects(
    removeVaultbox(world.app, user(BOB), made.id),
    code("not_found"),
  );
  await assert.rejects(
    removeVaultbox(world.app, user(BOB), crypto.randomUUID()),
    code("not_found"),
  );
  assert.equal(world.mta.transport.size, 1);
});

Deno.test("an address that is deleted and created again keeps the newer route", async () => {
  await using world = await testWorld();
  const first = await createVaultbox(world.app, SERVICE, CAT);
  await removeVaultbox(world.app, user(ALICE), first.id);
  const second = await createVaultbox(world.app, SERVICE, CAT);
  assert.equal(
    world.mta.transport.get("cat@pets.example"),
    `encimap-pipe:${second.id}`,
  );
});

Deno.test("reconcile() mends routes that are missing, wrong or too many", async () => {
  await using world = await testWorld();
  const cat = await createVaultbox(world.app, SERVICE, CAT);
  await createVaultbox(world.app, SERVICE, FOX);
  world.mta.transport.delete("cat@pets.example");
  world.mta.transport.set("fox@pets.example", "encimap-pipe:nonsense");
  world.mta.transport.set("owl@pets.example", "encimap-pipe:nonsense");
  const seen = await reconcile(world.app, { dryRun: true });
  assert.equal(seen.routes.set.length + seen.routes.drop.length, 3);
  assert.equal(world.mta.transport.has("owl@pets.example"), true);
  await reconcile(world.app, { dryRun: false });
  const again = await reconcile(world.app, { dryRun: true });
  assert.equal(again.routes.set.length + again.routes.drop.length, 0);
  assert.equal(
    world.mta.transport.get("cat@pets.example"),
    `encimap-pipe:${cat.id}`,
  );
});

Deno.test("reconcile() names a key without a certificate and keeps it", async () => {
  await using world = await testWorld();
  const id = crypto.randomUUID();
  await Deno.writeTextFile(`${world.directory}/keys/${id}.key`, "x");
  const seen = await reconcile(world.app, { dryRun: false });
  assert.deepEqual(seen.orphanedKeys, [id]);
  assert.equal((await files(`${world.directory}/keys`)).length, 1);
});

Deno.test("listVaultboxes() pages through all rows once, of one user only", async () => {
  await using world = await testWorld();
  for (let i = 0; i < 5; i++) {
    await createVaultbox(world.app, SERVICE, { ...CAT, alias: `cat${i}` });
  }
  await createVaultbox(world.app, SERVICE, {
    ...CAT,
    userId: BOB,
    domain: "other.example",
  });
  const seen: string[] = [];
  let after;
  do {
    const page = await listVaultboxes(world.app.sql, user(ALICE), {
      limit: 2,
      order: VAULTBOX_ORDERS["created_at"],
      after,
    });
    seen.push(...page.rows.map((row) => row.alias));
    after = page.next;
  } while (after !== undefined);
  assert.deepEqual(seen, ["cat0", "cat1", "cat2", "cat3", "cat4"]);
});

Deno.test("removeVaultbox() removes the keys also if Postfix cannot be told", async () => {
  await using world = await testWorld();
  const { id } = await createVaultbox(world.app, SERVICE, CAT);
  assert.equal((await world.app.privateKeys.list()).length, 1);
  world.mta.refusal = new AppError("unavailable", "No");
  await removeVaultbox(world.app, SERVICE, id);
  assert.deepEqual(await world.app.privateKeys.list(), []);
});
