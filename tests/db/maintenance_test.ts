import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { App } from "../../src/app.ts";
import { listCertificates, markHandedOut } from "../../src/db/certificates.ts";
import { buildApi } from "../../src/http/api.ts";
import { vaultboxBundle } from "../../src/vaultbox/bundle.ts";
import { checkGenerations } from "../../src/vaultbox/certificate.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { changeCustody } from "../../src/vaultbox/custody.ts";
import { setRetired } from "../../src/vaultbox/generations.ts";
import { maintain } from "../../src/vaultbox/maintenance.ts";
import { AppError } from "../../src/errors.ts";
import { ALICE, SERVICE, type TestWorld, testWorld } from "../helpers/app.ts";
import { foreignCertificate } from "../helpers/certificates.ts";
import { askApi, SETTINGS } from "../helpers/http.ts";
import { until } from "../helpers/until.ts";

const DAY_MS = 86_400_000;
const OPTIONS = { dryRun: false, force: false, progress: () => {} };

/** The same world on another day. */
function later(app: App, days: number): App {
  return { ...app, now: () => new Date(Date.now() + days * DAY_MS) };
}

/** A run on another day, of a machine that runs every day. */
async function runOn(app: App, days: number, options = OPTIONS) {
  await app.sql`delete from maintenance`;
  const report = await maintain(later(app, days), options);
  assert.ok(report !== undefined);
  return report;
}

async function create(
  { app }: TestWorld,
  alias: string,
  more: { custody?: "client"; certificatePem?: string } = {},
): Promise<string> {
  const { id } = await createVaultbox(app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias,
    name: alias,
    mayClaimDomain: true,
    ...more,
  });
  return id;
}

const spki = (pem: string): string =>
  new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" })
    .toString();

async function health(app: App, days: number) {
  const api = buildApi(later(app, days), SETTINGS);
  return (await askApi(api, "/health")).body.certificates;
}

Deno.test("a certificate is renewed over the same key before it ends, once", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  const [first] = await listCertificates(app.sql, id);
  assert.deepEqual(await runOn(app, 330), {
    renewed: 0,
    failed: 0,
    due: [],
    waiting: [],
    unconfirmed: 0,
  });
  assert.equal((await health(app, 336)).expiring, 1);
  const dry = await runOn(app, 336, { ...OPTIONS, dryRun: true });
  assert.equal(dry.renewed, 1);
  assert.equal((await listCertificates(app.sql, id)).length, 1);

  assert.equal((await runOn(app, 336)).renewed, 1);
  const [second, old] = await listCertificates(app.sql, id);
  assert.equal(old!.id, first!.id);
  assert.equal(spki(second!.publicCertPem), spki(old!.publicCertPem));
  assert.notEqual(second!.fingerprintSha256, old!.fingerprintSha256);
  assert.ok(second!.notAfter.getTime() > Date.now() + 700 * DAY_MS);
  assert.deepEqual([second!.isRecipient, old!.isRecipient], [true, false]);
  assert.deepEqual(
    (await app.privateKeys.list()).sort(),
    [second!.id, old!.id].sort(),
  );
  assert.equal((await runOn(app, 337)).renewed, 0);
  assert.equal((await health(app, 337)).expiring, 0);
  const [audit] = await app.sql`
    select actor, action, details from audit_log order by id desc limit 1
  `;
  assert.deepEqual({ ...audit }, {
    actor: "appliance",
    action: "certificate.renew",
    details: { "certificate_id": second!.id, renews: first!.id },
  });
});

Deno.test("a certificate with a short life is renewed in its last third", async () => {
  await using world = await testWorld({ CERT_VALIDITY_DAYS: "9" });
  await create(world, "cat");
  assert.equal((await runOn(world.app, 5)).renewed, 0);
  assert.equal((await runOn(world.app, 6.5)).renewed, 1);
});

Deno.test("two runs at once renew nothing twice", async () => {
  await using world = await testWorld();
  const ids = [];
  for (const alias of ["cat", "dog", "owl"]) {
    ids.push(await create(world, alias));
  }
  const app = later(world.app, 340);
  const reports = await Promise.all([
    maintain(app, OPTIONS),
    maintain(app, OPTIONS),
  ]);
  assert.equal(reports.filter((each) => each === undefined).length, 1);
  for (const id of ids) {
    assert.equal((await listCertificates(app.sql, id)).length, 2);
  }
});

Deno.test("a vaultbox whose renewal fails does not stop the others, and shows in health", async () => {
  await using world = await testWorld();
  const { app } = world;
  const cat = await create(world, "cat");
  const dog = await create(world, "dog");
  const [certificate] = await listCertificates(app.sql, cat);
  const path = `${world.directory}/keys/${certificate!.id}.key`;
  await Deno.rename(path, `${path}.away`);
  const report = await runOn(app, 340);
  assert.deepEqual([report.renewed, report.failed], [1, 1]);
  assert.equal((await listCertificates(app.sql, dog)).length, 2);
  assert.equal((await health(app, 340))["renewal_failed"], 1);
  assert.ok(world.lines.some((line) => line.includes("not renewed")));
  await Deno.rename(`${path}.away`, path);
  assert.equal((await runOn(app, 341)).renewed, 1);
  assert.equal((await health(app, 341))["renewal_failed"], 0);
});

Deno.test("nothing is renewed for whoever takes the key away meanwhile", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  const privateKeys = {
    ...app.privateKeys,
    async read(name: Parameters<typeof app.privateKeys.read>[0]) {
      const change = { vaultboxId: id, custody: "client" as const };
      await changeCustody(app, SERVICE, { ...change, dryRun: false });
      return await app.privateKeys.read(name);
    },
  };
  const report = await runOn({ ...app, privateKeys }, 340);
  assert.deepEqual([report.renewed, report.failed], [0, 1]);
  const [only, ...others] = await listCertificates(app.sql, id);
  assert.deepEqual(others, []);
  assert.deepEqual(await app.privateKeys.list(), [only!.id]);
});

Deno.test("owners of keys are told to renew, and an expired certificate is encrypted to", async () => {
  await using world = await testWorld();
  const { app } = world;
  const client = await create(world, "cat", { custody: "client" });
  const { pem } = await foreignCertificate({
    notAfter: new Date(Date.now() + 100 * DAY_MS),
  });
  await create(world, "dog", { certificatePem: pem });
  const report = await runOn(app, 400);
  assert.equal(report.renewed, 0);
  assert.deepEqual(
    report.waiting.map(({ address, custody }) => [address, custody]),
    [["dog@pets.example", "external"], ["cat@pets.example", "client"]],
  );
  const [only] = await listCertificates(app.sql, client);
  assert.equal(only!.isRecipient, true);
  assert.equal((await health(app, 400)).expired, 2);
});

Deno.test("with a bundle each year all readers are kept, and the ninth waits for a retirement", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  const handOut = async () => {
    const [newest] = await listCertificates(app.sql, id);
    await markHandedOut(app.sql, [newest!.id]);
  };
  for (let year = 1; year <= 7; year++) {
    await handOut();
    assert.equal((await runOn(app, year * 335 + 5)).renewed, 1, `${year}`);
  }
  await handOut();
  const full = await runOn(app, 8 * 335 + 5);
  assert.deepEqual([full.renewed, full.failed], [0, 1]);
  assert.equal((await health(app, 8 * 335 + 5))["renewal_failed"], 1);
  const eight = await listCertificates(app.sql, id);
  assert.deepEqual(
    eight.map(({ isRecipient }) => isRecipient),
    Array(8).fill(true),
  );

  const oldest = { vaultboxId: id, certificateId: eight.at(-1)!.id };
  await setRetired(app, SERVICE, oldest, true);
  assert.equal((await runOn(app, 8 * 335 + 6)).renewed, 1);
  await assert.rejects(
    setRetired(app, SERVICE, oldest, false),
    /encrypted to 8 certificates/,
  );
});

Deno.test("a bundle makes its newest certificate a recipient, and none of those that nobody fetched", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  const request = { vaultboxId: id, password: "a bundle password" };
  await vaultboxBundle(app, SERVICE, request);
  for (let year = 1; year <= 9; year++) {
    assert.equal((await runOn(app, year * 335 + 5)).renewed, 1, `${year}`);
  }
  await vaultboxBundle(app, SERVICE, request);
  const all = await listCertificates(app.sql, id);
  assert.ok(all.every(({ handedOutAt }) => handedOutAt !== null));
  // The newest, and the one that the telephone has since the first day.
  const recipients = all.map(({ isRecipient }) => isRecipient);
  assert.deepEqual(recipients, [true, ...Array(8).fill(false), true]);
});

Deno.test("renewal goes on where people may add no certificate", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  await app.sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after,
      retired_at
    )
    select vaultbox_id, public_cert_pem, lpad(to_hex(n), 64, '0'), not_before,
      not_after, now()
    from vaultbox_certs, generate_series(1, 19) n
  `;
  await assert.rejects(checkGenerations(app.sql, id), /20 certificates/);
  const report = await runOn(app, 340);
  assert.deepEqual([report.renewed, report.failed], [1, 0]);
});

Deno.test("after a jump of the clock nothing is renewed until somebody believes it", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  await maintain(app, OPTIONS);
  const ahead = later(app, 3650);
  await assert.rejects(
    maintain(ahead, OPTIONS),
    (error) =>
      error instanceof AppError && error.code === "conflict" &&
      /3650 days ago/.test(error.message),
  );
  assert.equal((await listCertificates(app.sql, id)).length, 1);
  assert.equal((await maintain(later(app, -3650), OPTIONS))!.renewed, 0);
  assert.equal((await maintain(app, { ...OPTIONS, force: true }))!.renewed, 0);
  assert.equal((await maintain(later(app, 29), OPTIONS))!.renewed, 0);

  const believed = await maintain(ahead, { ...OPTIONS, force: true });
  assert.equal(believed!.renewed, 1);
  // Bounded: one for each vaultbox, and what was handed out stays.
  assert.equal((await maintain(ahead, OPTIONS))!.renewed, 0);
  // The clock goes back: what is made then is the newest, whatever came before.
  await app.sql`
    update vaultbox_certs set created_at = now() + interval '10 years'
    where is_newest
  `;
  await app.sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after
    )
    select vaultbox_id, public_cert_pem, repeat('0', 64), not_before, not_after
    from vaultbox_certs limit 1
  `;
  const [newest] = await listCertificates(app.sql, id);
  assert.equal(newest!.fingerprintSha256, "0".repeat(64));
  assert.equal(newest!.isRecipient, true);
});

Deno.test("the newest that is not retired is marked, whatever is retired and restored", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat");
  await runOn(app, 340);
  const [second, first] = await listCertificates(app.sql, id);
  const marked = async (): Promise<string[]> =>
    (await app.sql`select id from vaultbox_certs where is_newest`)
      .map((row) => row["id"]);
  const retire = (certificateId: string, at: Date | null) =>
    app.sql`
      update vaultbox_certs set retired_at = ${at} where id = ${certificateId}
    `;
  assert.deepEqual(await marked(), [second!.id]);
  await retire(second!.id, new Date());
  assert.deepEqual(await marked(), [first!.id]);
  await retire(first!.id, new Date());
  assert.deepEqual(await marked(), []);
  await retire(second!.id, null);
  assert.deepEqual(await marked(), [second!.id]);
  await retire(first!.id, null);
  assert.deepEqual(await marked(), [second!.id]);
});

Deno.test("a bundle that nobody confirms for a week is spoken of once", async () => {
  await using world = await testWorld();
  const { app } = world;
  const id = await create(world, "cat", { custody: "client" });
  await app.sql`
    insert into hand_outs (vaultbox_id, sha256, certificate_ids, handed_out_at)
    values (${id}, ${new Uint8Array(32)}, '{}', now() - interval '8 days')
  `;
  assert.equal((await health(app, 0)).unconfirmed, 1);
  assert.equal((await runOn(app, 0)).unconfirmed, 1);
  assert.equal((await runOn(app, 1)).unconfirmed, 0);
  const actions = await app.sql`
    select action from audit_log where action = 'key.unconfirmed'
  `;
  assert.equal(actions.length, 1);
  assert.equal(
    (await app.privateKeys.list()).length,
    1,
    "nothing is destroyed",
  );
});

Deno.test("a run that is killed is gone on with by the next one", async () => {
  await using world = await testWorld({}, { newKeys: true });
  const { app } = world;
  const count = 12;
  for (let n = 0; n < count; n++) await create(world, `cat${n}`);
  await app.sql`
    update vaultbox_certs set not_before = now() - interval '360 days',
      not_after = now() + interval '5 days'
  `;
  const master = `${world.directory}/master.key`;
  await Deno.writeTextFile(master, "07".repeat(32));
  const start = () =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "main.ts", "maintenance"],
      env: {
        ENCIMAP_CONFIG_FILE: "/dev/null",
        ENCIMAP_DATABASE_URL: world.database.url(),
        ENCIMAP_KEYS_PATH: `${world.directory}/keys`,
        ENCIMAP_MASTER_KEY_FILE: master,
      },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  const renewed = async (): Promise<number> =>
    (await app.sql`
      select from vaultbox_certs where not_after > now() + interval '30 days'
    `).length;
  const killed = start();
  await until("two are renewed", async () => await renewed() >= 2);
  killed.kill("SIGKILL");
  await killed.output();
  const first = await renewed();
  // At most the one that was under way has a key without a row.
  const files = (await app.privateKeys.list()).length;
  assert.ok(files - count - first <= 1, `${files} files, ${first} renewed`);
  const { code, stderr } = await start().output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(await renewed(), count);
  const [twice] = await app.sql`
    select count(*) as count from vaultbox_certs
    group by vaultbox_id having count(*) <> 2
  `;
  assert.equal(twice, undefined);
});
