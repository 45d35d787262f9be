import assert from "node:assert/strict";
import { openPrivateKeys } from "../../src/storage/private_keys.ts";
import { importMasterKey } from "../../src/storage/sealed.ts";
import { openSealer } from "../../src/storage/sealer.ts";
import { signingKey } from "../../src/vaultbox/dkim.ts";
import { lastingIssuer } from "../../src/vaultbox/issuer.ts";
import { checkKeys } from "../../src/vaultbox/key_check.ts";
import { replaceLost } from "../../src/vaultbox/key_loss.ts";
import { rewrapKeys } from "../../src/vaultbox/key_rewrap.ts";
import { listCertificates } from "../../src/db/certificates.ts";
import { listRecipients } from "../../src/db/certificates.ts";
import { finishRestore } from "../../src/vaultbox/restored.ts";
import { makeBox, SERVICE, type TestWorld, testWorld } from "../helpers/app.ts";

/** The files of a world's keys as another master key sees them. */
async function under(world: TestWorld, octet: number) {
  const key = await importMasterKey(new Uint8Array(32).fill(octet));
  return {
    privateKeys: openPrivateKeys(`${world.directory}/keys`, key),
    sealer: await openSealer(new Uint8Array(32).fill(octet)),
  };
}

Deno.test("rewrapKeys() is gone on with after an interruption, keeps every key, and drops what else the former master key has sealed", async () => {
  await using world = await testWorld({ ENCIMAP_CERT_ISSUER: "appliance" });
  const ids = [];
  for (const alias of ["cat", "fox", "owl"]) {
    ids.push(await makeBox(world, alias));
  }
  await world.app.keyPool.trim(1);
  await world.app.keyPool.put(new Uint8Array(8));
  await world.app.sql`
    insert into idempotency_keys (caller, key_hash, request_hash, claim)
    values ('-', ${new Uint8Array(32)}, ${new Uint8Array(
    32,
  )}, ${crypto.randomUUID()})
  `;
  const { good } = await checkKeys(world.app);
  assert.equal(good, 4);
  const signs = await signingKey(world.app, "pets.example");
  const now = { ...world.app, ...await under(world, 8) };
  // It ends after two keys, as by a power failure.
  let left = 2;
  const { store } = now.privateKeys;
  const privateKeys = {
    ...now.privateKeys,
    store: (...args: Parameters<typeof store>) =>
      left-- > 0 ? store(...args) : Promise.reject(new Error("killed")),
  };
  const options = { dryRun: false };
  await assert.rejects(
    rewrapKeys({ ...now, privateKeys }, SERVICE, world.app, options),
    /killed/,
  );
  const half = await checkKeys(world.app);
  assert.deepEqual([half.good, half.unreadable.length], [2, 2]);
  const dry = await rewrapKeys(now, SERVICE, world.app, { dryRun: true });
  assert.deepEqual([dry.done, dry.moved, dry.lost], [2, 3, []]);
  const done = await rewrapKeys(now, SERVICE, world.app, options);
  assert.deepEqual([done.done, done.moved, done.lost], [2, 3, []]);
  assert.equal((await checkKeys(world.app)).good, 0);
  const after = await checkKeys(now);
  assert.deepEqual(after.unreadableDkim, []);
  assert.equal((await checkKeys(world.app)).unreadableDkim.length, 1);
  const signsNow = await signingKey(now, "pets.example");
  assert.ok(signsNow.privateKey.equals(signs.privateKey));
  assert.deepEqual([after.good, after.unreadable, after.missing], [4, [], []]);
  assert.equal(await world.app.keyPool.trim(5), 0);
  const [{ count }] = await world.app.sql<[{ count: number }]>`
    select count(*) as count from idempotency_keys
  `;
  assert.equal(count, 0);
});

Deno.test("rewrapKeys() changes nothing but files while a key opens under neither master key", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await makeBox(world, "fox");
  const [row] = await listCertificates(world.app.sql, cat);
  await Deno.writeFile(
    `${world.directory}/keys/${row!.id}.key`,
    new Uint8Array(99),
  );
  await world.app.keyPool.trim(1);
  await world.app.keyPool.put(new Uint8Array(8));
  const options = { dryRun: false };
  const { moved, lost } = await rewrapKeys(
    { ...world.app, ...await under(world, 8) },
    SERVICE,
    world.app,
    options,
  );
  assert.deepEqual([moved, lost.map(({ vaultboxId }) => vaultboxId)], [1, [
    cat,
  ]]);
  assert.equal(await world.app.keyPool.trim(1), 1);
});

Deno.test("replaceLost() makes new keys where the master key is lost: mail goes to them and to what is in bundles", async () => {
  await using world = await testWorld({ ENCIMAP_CERT_ISSUER: "appliance" });
  const cat = await makeBox(world, "cat");
  const fox = await makeBox(world, "fox");
  const former = await lastingIssuer(world.app);
  await world.app.sql`
    update vaultbox_certs set handed_out_at = now(), has_readers = true
    where vaultbox_id = ${cat}
  `;
  const before = await listCertificates(world.app.sql, cat);
  await signingKey(world.app, "pets.example");
  const app = { ...world.app, ...await under(world, 8) };
  const dry = await replaceLost(app, SERVICE, { dryRun: true });
  assert.equal(dry.issuer, true);
  assert.deepEqual(dry.domains, ["pets.example"]);
  assert.deepEqual(
    dry.vaultboxes.map((
      { address, inBundles, nobodys },
    ) => [address, inBundles, nobodys]).sort(),
    [["cat@pets.example", 1, 0], ["fox@pets.example", 0, 1]],
  );
  assert.deepEqual(await listCertificates(world.app.sql, cat), before);
  await replaceLost(app, SERVICE, { dryRun: false });
  const { good, unreadable, missing } = await checkKeys(app);
  assert.deepEqual([good, unreadable, missing], [3, [], []]);
  assert.notEqual((await lastingIssuer(app)).id, former.id);
  // The bundle of before opens new mail, and so does the new key.
  assert.equal((await listRecipients(world.app.sql, cat)).length, 2);
  assert.equal((await listRecipients(world.app.sql, fox)).length, 1);
  const foxes = await listCertificates(world.app.sql, fox);
  assert.deepEqual(
    foxes.map(({ keyState, retiredAt }) => [keyState, retiredAt === null]),
    [
      ["kept", true],
      ["destroyed", false],
    ],
  );
  const again = await replaceLost(app, SERVICE, { dryRun: false });
  assert.deepEqual(again, { vaultboxes: [], issuer: false, domains: [] });
  await signingKey(app, "pets.example");
});

Deno.test("a restored appliance gives no key and no link a second time, and maintenance does not doubt the clock", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const { sql, keyPool } = world.app;
  await keyPool.trim(2);
  await keyPool.put(new Uint8Array(8));
  await sql`
    insert into setup_links (vaultbox_id, token_hash, with_credential, expires_at)
    values (${cat}, ${new Uint8Array(32)}, false, now() + interval '1 day')
  `;
  await sql`insert into maintenance (last_run_at) values (now() - interval '90 days')`;
  const done = await finishRestore(world.app, SERVICE, "2026-01-02T03:04:05Z");
  assert.deepEqual(done, { links: 1, unconfirmed: 0 });
  assert.equal(await keyPool.trim(2), 0);
  const [row] = await sql<[{ links: number; days: number; made: string }]>`
    select (select count(*) from setup_links) as links,
      extract(day from now() - last_run_at)::int as days,
      (select details->>'made_at' from audit_log where action = 'appliance.restore') as made
    from maintenance
  `;
  assert.deepEqual({ ...row }, {
    links: 0,
    days: 0,
    made: "2026-01-02T03:04:05Z",
  });
});
