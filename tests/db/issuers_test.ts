import assert from "node:assert/strict";
import type { Io } from "../../src/cli/command.ts";
import { run as encimap } from "../../src/cli/run.ts";
import {
  type Certificate,
  listCertificates,
} from "../../src/db/certificates.ts";
import { MIGRATIONS } from "../../src/db/migrations.ts";
import { findVaultboxByAddress } from "../../src/db/vaultboxes.ts";
import { buildApi } from "../../src/http/api.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { lastingIssuer } from "../../src/vaultbox/issuer.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";
import { testDatabase } from "../helpers/database.ts";
import { type Answer, ask, bearer, SETTINGS } from "../helpers/http.ts";
import { openssl } from "../helpers/openssl.ts";

const APPLIANCE = { ENCIMAP_CERT_ISSUER: "appliance" };
const CAT = "cat@pets.example";
const DAY_MS = 86_400_000;

const text = (answer: Answer) => new TextDecoder().decode(answer.body);

/** Asks as a service. */
async function asking(world: TestWorld) {
  const token = await bearer();
  const api = buildApi(world.app, SETTINGS);
  return (path: string) => ask(api, token, "GET", path);
}

/** Makes a vaultbox, or another certificate of it, some days from now. */
async function generation(
  world: TestWorld,
  days: number = 0,
  validityDays: number | undefined = undefined,
): Promise<Certificate> {
  const now = () => new Date(Date.now() + days * DAY_MS);
  const app = { ...world.app, now };
  const { sql } = app;
  const address = { domain: "pets.example", alias: "cat" };
  if (await findVaultboxByAddress(sql, address, undefined) === undefined) {
    await createVaultbox(app, SERVICE, {
      ...address,
      userId: ALICE,
      name: "Cat",
      mayClaimDomain: true,
    });
  } else {
    await generateCertificate(app, SERVICE, { address, validityDays });
  }
  const box = await findVaultboxByAddress(sql, address, undefined);
  const [newest] = await listCertificates(sql, box!.id);
  return newest!;
}

async function verify(issuer: string | null, certificate: string) {
  for (const purpose of ["smimesign", "smimeencrypt"]) {
    await openssl({ issuer: issuer ?? "", certificate }, [
      ...["verify", "-x509_strict", "-CAfile", "issuer", "-purpose", purpose],
      ...["-verify_email", CAT, "certificate"],
    ]);
  }
}

Deno.test("by setting, every new certificate is signed by the appliance's issuer", async () => {
  await using world = await testWorld(APPLIANCE);
  const first = await generation(world);
  const second = await generation(world);
  const get = await asking(world);
  const issuer = text(await get("/issuer"));
  for (const { publicCertPem, issuerId, issuerPem } of [first, second]) {
    await verify(issuer, publicCertPem);
    assert.equal(issuerPem, issuer);
    assert.equal(text(await get(`/issuer?issuer_id=${issuerId}`)), issuer);
  }
  const path = `/vaultboxes/${first.vaultboxId}/certificates`;
  const { body: { data: [shown] } } = await get(path);
  assert.equal(shown["issuer_id"], first.issuerId);
  const { orphanedKeys } = await reconcile(world.app, { dryRun: true });
  assert.deepEqual(orphanedKeys, []);
  const { body: { data } } = await get("/audit?action=issuer.create");
  assert.equal(data.length, 1);
  assert.equal(data[0].actor, "appliance");
});

Deno.test("the issuer signs for no address that is not a vaultbox of the caller", async () => {
  await using world = await testWorld(APPLIANCE);
  const { publicCertPem: ofCat } = await generation(world);
  const issuer = text(await (await asking(world))("/issuer"));
  const bob = { ...SERVICE, owner: BOB, isAdmin: false, isService: false };
  for (
    const [actor, alias, domain] of [
      [bob, "cat", "pets.example"],
      [bob, "ceo", "bank.example"],
      [SERVICE, "ceo", "bank.example"],
    ] as const
  ) {
    const address = { domain, alias };
    const made = await generateCertificate(world.app, actor, { address });
    assert.ok(made.privateKeyPem);
    await assert.rejects(
      openssl({ issuer, certificate: made.certificatePem }, [
        ...["verify", "-CAfile", "issuer", "certificate"],
      ]),
      `${actor.owner} has ${alias}@${domain}`,
    );
    const itself = { issuer: made.certificatePem };
    await openssl({ ...itself, certificate: made.certificatePem }, [
      ...["verify", "-CAfile", "issuer", "certificate"],
    ]);
  }
  await verify(issuer, ofCat);
});

Deno.test("without the setting a certificate signs itself, and there is no issuer", async () => {
  await using world = await testWorld();
  const { publicCertPem, issuerId, issuerPem } = await generation(world);
  assert.deepEqual([issuerId, issuerPem], [null, null]);
  await verify(publicCertPem, publicCertPem);
  const get = await asking(world);
  assert.equal((await get("/issuer")).status, 404);
  const none = await get(`/issuer?issuer_id=${crypto.randomUUID()}`);
  assert.equal(none.status, 404);
});

Deno.test("the setting may change: each certificate keeps its signer", async () => {
  await using world = await testWorld();
  const own = await generation(world);
  const { app } = world;
  const config = { ...app.config, certIssuer: "appliance" as const };
  const issued = await generation({ ...world, app: { ...app, config } });
  const again = await generation(world);
  for (const { publicCertPem } of [own, again]) {
    await verify(publicCertPem, publicCertPem);
  }
  await verify(issued.issuerPem, issued.publicCertPem);
  await assert.rejects(verify(issued.publicCertPem, issued.publicCertPem));
});

Deno.test("an issuer is replaced before it would cut a certificate short", async () => {
  await using world = await testWorld(APPLIANCE);
  const first = await generation(world);
  const last = await generation(world, 7305 - 366);
  assert.equal(last.issuerId, first.issuerId);
  const next = await generation(world, 7305 - 364);
  assert.notEqual(next.issuerId, first.issuerId);
  for (const { notBefore, notAfter } of [first, last, next]) {
    assert.equal(notAfter.getTime() - notBefore.getTime(), 365 * DAY_MS);
  }
  const get = await asking(world);
  const former = text(await get(`/issuer?issuer_id=${first.issuerId}`));
  await verify(former, first.publicCertPem);
  await assert.rejects(verify(next.issuerPem, first.publicCertPem));
});

Deno.test("a certificate that is asked to outlive its issuer is cut, and makes no other one", async () => {
  await using world = await testWorld(APPLIANCE);
  const first = await generation(world);
  const long = await generation(world, 1, 36_500);
  assert.equal(long.issuerId, first.issuerId);
  const [issuer] = await world.app.sql`select not_after from issuers`;
  // Whole days from whole seconds: up to a day of the issuer's time is left.
  const left = issuer!["notAfter"].getTime() - long.notAfter.getTime();
  assert.ok(left >= 0 && left <= DAY_MS, `${left}`);
});

Deno.test("an issuer that a clock far ahead has made does not sign when the clock is right again", async () => {
  await using world = await testWorld(APPLIANCE);
  const first = await generation(world);
  const ahead = await generation(world, 20_000);
  assert.notEqual(ahead.issuerId, first.issuerId);
  const right = await generation(world);
  assert.equal(right.issuerId, first.issuerId);
});

Deno.test("two that need the first issuer at once get the same", async () => {
  await using world = await testWorld(APPLIANCE);
  const [one, other] = await Promise.all([
    lastingIssuer(world.app),
    lastingIssuer(world.app),
  ]);
  assert.equal(one.id, other.id);
  assert.deepEqual(await world.app.privateKeys.list(), [one.id]);
});

Deno.test("the issuer from before issuers were numbered stays in use", async () => {
  await using database = await testDatabase({ migrated: false });
  const { sql } = database;
  const index = MIGRATIONS.findIndex(({ name }) => name.endsWith("_issuers"));
  for (const { text } of MIGRATIONS.slice(0, index)) await sql.unsafe(text);
  const id = crypto.randomUUID();
  await sql`
    insert into issuers (id, certificate_pem, fingerprint_sha256, not_after)
    values (${id}, 'pem', ${"0".repeat(64)}, '2046-01-01')
  `;
  await sql.unsafe(MIGRATIONS[index]!.text);
  const [row] = await sql`
    select id, number from issuers where not_before < now() - interval '1 hour'
  `;
  assert.deepEqual({ ...row }, { id, number: 1 });
});

Deno.test("encimap issuer list and show print what GET /issuer downloads", async () => {
  await using world = await testWorld(APPLIANCE);
  const { fingerprintSha256, id } = await lastingIssuer(world.app);
  const masterKey = `${world.directory}/master.key`;
  await Deno.writeTextFile(masterKey, "07".repeat(32));
  const lines: string[] = [];
  const io: Io = {
    env: {
      ENCIMAP_DATABASE_URL: world.database.url(),
      ENCIMAP_MASTER_KEY_FILE: masterKey,
      ENCIMAP_KEYS_PATH: `${world.directory}/keys`,
    },
    isTerminal: false,
    write: () => {},
    print: (line) => lines.push(line),
    warn: (line) => assert.fail(line),
    readText(path) {
      throw new Deno.errors.NotFound(path);
    },
    stdin: new Blob().stream(),
  };
  assert.equal(await encimap(["issuer", "list"], io), 0);
  assert.match(lines.pop()!, new RegExp(`^1\t${id}\t${fingerprintSha256}\t`));
  const get = await asking(world);
  const pem = text(await get("/issuer"));
  for (const args of [[], [id.toUpperCase()]]) {
    assert.equal(await encimap(["issuer", "show", ...args], io), 0);
    assert.equal(`${lines.pop()}\n`, pem);
  }
});
