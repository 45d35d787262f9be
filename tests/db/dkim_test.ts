import assert from "node:assert/strict";
import {
  activateDkimKeys,
  dkimKeys,
  dkimName,
  dkimText,
  rotateDkimKey,
  signingKey,
} from "../../src/vaultbox/dkim.ts";
import { domainRecords } from "../../src/vaultbox/publishing.ts";
import { hostDomain } from "../../src/vaultbox/domains.ts";
import type { DkimKey } from "../../src/db/dkim_keys.ts";
import { ALICE, SERVICE, testWorld } from "../helpers/app.ts";
import { dnsServer, NO_DNSMASQ } from "../helpers/dns.ts";

const DOMAIN = "pets.example";
const NEEDS = NO_DNSMASQ ? " (needs dnsmasq)" : "";

Deno.test({
  name: `a new key signs once DNS shows it, and not before${NEEDS}`,
  ignore: NO_DNSMASQ,
}, async () => {
  await using world = await testWorld();
  const { app } = world;
  await hostDomain(app, SERVICE, DOMAIN, ALICE, "declared");
  const [first] = await dkimKeys(app, DOMAIN);
  assert.equal((await signingKey(app, DOMAIN)).selector, "encimap1");
  const next = await rotateDkimKey(app, SERVICE, DOMAIN);
  assert.equal(next.selector, "encimap2");
  // Asked again, it is the same one.
  const again = await rotateDkimKey(app, SERVICE, DOMAIN);
  assert.deepEqual(again.publicKey, next.publicKey);
  assert.deepEqual((await published(app)).length, 2);

  await using without = await dnsServer([record(first!), [
    dkimName(next),
    dnsText(first!),
  ]]);
  assert.deepEqual(
    await activateDkimKeys({ ...app, dns: without.dns }, SERVICE),
    [],
  );
  assert.equal((await signingKey(app, DOMAIN)).selector, "encimap1");

  await using server = await dnsServer([record(first!), record(next)]);
  const shown = { ...app, dns: server.dns };
  assert.deepEqual(await activateDkimKeys(shown, SERVICE), [DOMAIN]);
  assert.equal((await signingKey(app, DOMAIN)).selector, "encimap2");
  assert.deepEqual(await activateDkimKeys(shown, SERVICE), []);
  // What the first key has signed is still to be verified.
  assert.deepEqual((await published(app)).length, 2);
  await assert.rejects(rotateDkimKey(app, SERVICE, DOMAIN), {
    code: "conflict",
  });
  await app.sql`update dkim_keys set retired_at = now() - interval '8 days'
    where not is_active`;
  const third = await rotateDkimKey(app, SERVICE, DOMAIN);
  assert.equal(third.selector, "encimap1");
  assert.notDeepEqual(third.publicKey, first!.publicKey);
  assert.equal((await signingKey(app, DOMAIN)).selector, "encimap2");
});

Deno.test("the database has no private key in clear, and each opens at its own place alone", async () => {
  await using world = await testWorld();
  const { app } = world;
  await hostDomain(app, SERVICE, DOMAIN, ALICE, "declared");
  await hostDomain(app, SERVICE, "dogs.example", ALICE, "declared");
  const [cat] = await dkimKeys(app, DOMAIN);
  await dkimKeys(app, "dogs.example");
  const { privateKey } = await signingKey(app, DOMAIN);
  const der = privateKey.export({ format: "der", type: "pkcs8" });
  assert.equal(der.indexOf(Uint8Array.from(cat!.sealedKey.slice(40, 80))), -1);
  await app.sql`update dkim_keys set sealed_key = ${cat!.sealedKey}
    where domain = 'dogs.example'`;
  await assert.rejects(signingKey(app, "dogs.example"));
});

async function published(
  app: Parameters<typeof domainRecords>[0],
): Promise<string[]> {
  const records = await domainRecords(app, SERVICE, DOMAIN);
  return records.map(({ name }) => name).filter((name) =>
    name.includes("._domainkey.")
  );
}

function record(key: DkimKey): [string, string] {
  return [dkimName(key), dnsText(key)];
}

/** As dnsmasq takes it: strings between commas. */
function dnsText(key: DkimKey): string {
  return dkimText(key).match(/.{1,255}/g)!.join(",");
}
