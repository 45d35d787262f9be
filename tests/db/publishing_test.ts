import assert from "node:assert/strict";
import { buildApi } from "../../src/http/api.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { smimeaName } from "../../src/vaultbox/publishing.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";
import { openssl, run, temporaryDirectory } from "../helpers/openssl.ts";
import { publicSide } from "../helpers/public.ts";

const DOMAIN = "pets.example";
const SEARCH = "http://mail.example.test/certificates/search.cgi";

async function makeBox(world: TestWorld, alias: string): Promise<string> {
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId: ALICE,
    domain: DOMAIN,
    alias,
    name: alias,
    certificatePem: undefined,
    mayClaimDomain: true,
    custody: "server",
  });
  return id;
}

async function publish(
  world: TestWorld,
  id: string,
  isPublished = true,
): Promise<void> {
  const api = buildApi(world.app, SETTINGS);
  const body = { "publish_certificate": isPublished };
  const path = `/vaultboxes/${id}`;
  const answer = await ask(api, await bearer(ALICE), "PATCH", path, body);
  assert.equal(answer.body.data["publish_certificate"], isPublished);
}

async function fingerprint(der: Uint8Array): Promise<string> {
  const args = "x509 -inform DER -in c -noout -fingerprint -sha256".split(" ");
  const out = new TextDecoder().decode(await openssl({ c: der }, args));
  return out.split("=")[1]!.trim().replaceAll(":", "").toLowerCase();
}

Deno.test("a published certificate is found by its address, and by no other request", async () => {
  await using world = await testWorld();
  const get = publicSide(world);
  const id = await makeBox(world, "cat");
  await makeBox(world, "owl");
  await publish(world, id);
  const [row] = await world.app.sql`
    select fingerprint_sha256 from vaultbox_certs where vaultbox_id = ${id}
  `;
  for (const query of ["uri=cat@pets.example", "email=Cat%40PETS.example"]) {
    const found = await get(`${SEARCH}?${query}`);
    assert.equal(found.headers.get("content-type"), "application/pkix-cert");
    const der = await found.bytes();
    assert.equal(await fingerprint(der), row!["fingerprintSha256"]);
  }
  const missing = async () => {
    const answers = [];
    for (
      const query of [
        "?uri=owl@pets.example",
        "?uri=nobody@pets.example",
        "?uri=cat@other.example",
        "?uri=postmaster@pets.example",
        "?uri=%00",
        "?name=cat",
        "",
      ]
    ) {
      const answer = await get(SEARCH + query);
      answers.push(`${answer.status} ${await answer.text()}`);
    }
    return [...new Set(answers)];
  };
  // U+0000 is no text of a request at all.
  assert.deepEqual(await missing(), [
    "404 Not found\n",
    "400 uri must not hold U+0000\n",
  ]);
  await publish(world, id, false);
  assert.equal((await get(`${SEARCH}?uri=cat@pets.example`)).status, 404);
});

Deno.test("of several certificates the newest is published that its owner has and that has not expired", async () => {
  await using world = await testWorld();
  const { app } = world;
  const get = publicSide(world);
  const id = await makeBox(world, "cat");
  await publish(world, id);
  const address = { alias: "cat", domain: DOMAIN };
  await generateCertificate(app, SERVICE, { address, validityDays: undefined });
  const rows = await app.sql<{ id: string; fingerprintSha256: string }[]>`
    select id, fingerprint_sha256 from vaultbox_certs order by created_at
  `;
  const [older, newer] = rows;
  const published = async () =>
    await fingerprint(
      await (await get(`${SEARCH}?uri=cat@pets.example`)).bytes(),
    );
  assert.equal(await published(), newer!.fingerprintSha256);
  await app.sql`
    update vaultbox_certs set handed_out_at = now() where id = ${older!.id}
  `;
  assert.equal(await published(), older!.fingerprintSha256);
  await app.sql`
    update vaultbox_certs set not_after = now() where id = ${older!.id}
  `;
  assert.equal(await published(), newer!.fingerprintSha256);
});

Deno.test("the SMIMEA name of an address is that of the RFC's example", () => {
  assert.equal(
    smimeaName({ alias: "hugh", domain: "example.com" }),
    "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com.",
  );
});

Deno.test("BIND reads the records of a domain, and the certificate in them", async () => {
  await using world = await testWorld({ ENCIMAP_PUBLIC_PORT: "4302" });
  const id = await makeBox(world, "hugh");
  await makeBox(world, "owl");
  await publish(world, id);
  const api = buildApi(world.app, SETTINGS);
  const list = async (path: string) =>
    (await ask(api, await bearer(ALICE), "GET", `/domains/${DOMAIN}/${path}`))
      .body.data as { name: string; type: string; value: string }[];
  const records = [...await list("dns"), ...await list("smimea")];
  const zone = [
    "$TTL 3600",
    `${DOMAIN}. IN SOA ns.${DOMAIN}. h.${DOMAIN}. 1 3600 600 86400 60`,
    `${DOMAIN}. IN NS ns.${DOMAIN}.`,
    `ns.${DOMAIN}. IN A 192.0.2.1`,
    ...records.map(({ name, type, value }) => `${name} IN ${type} ${value}`),
    "",
  ].join("\n");
  await using directory = await temporaryDirectory({ zone });
  const out = await run(
    "named-checkzone",
    ["-D", "-s", "full", "-o", "-", DOMAIN, "zone"],
    { cwd: directory.path },
  );
  const read = new TextDecoder().decode(out).split("\n")
    .map((line) => line.split(/\s+/));
  const values = (type: string) =>
    read.filter((words) => words[3] === type)
      .map(([name, , , , ...rest]) => `${name} ${rest.join(" ")}`);
  assert.deepEqual(values("SRV").sort(), [
    `_autodiscover._tcp.${DOMAIN}. 0 1 443 mail.example.test.`,
    `_certificates._tcp.${DOMAIN}. 0 1 80 mail.example.test.`,
    `_imaps._tcp.${DOMAIN}. 0 1 993 mail.example.test.`,
    `_submission._tcp.${DOMAIN}. 0 1 587 mail.example.test.`,
  ]);
  assert.deepEqual(values("CNAME").sort(), [
    `autoconfig.${DOMAIN}. mail.example.test.`,
    `autodiscover.${DOMAIN}. mail.example.test.`,
  ]);
  const [smimea, ...others] = read.filter((words) => words[3] === "SMIMEA");
  assert.deepEqual(others, []);
  assert.equal(smimea![0], smimeaName({ alias: "hugh", domain: DOMAIN }));
  assert.deepEqual(smimea!.slice(4, 7), ["3", "0", "0"]);
  const [row] = await world.app.sql`
    select fingerprint_sha256 from vaultbox_certs where vaultbox_id = ${id}
  `;
  const der = Uint8Array.fromHex(smimea!.slice(7).join("").replace(/\W/g, ""));
  assert.equal(await fingerprint(der), row!["fingerprintSha256"]);
});

Deno.test("the records of a domain are its user's alone", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  const api = buildApi(world.app, SETTINGS);
  for (const path of ["dns", "smimea"]) {
    const target = `/domains/${DOMAIN}/${path}`;
    const { status } = await ask(api, await bearer(BOB), "GET", target);
    assert.equal(status, 404);
  }
});
