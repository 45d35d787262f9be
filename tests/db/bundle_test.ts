import { unzipSync } from "fflate";
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildApi } from "../../src/http/api.ts";
import { ALICE, type TestWorld, testWorld } from "../helpers/app.ts";
import { type Answer, askApi, bearer, SETTINGS } from "../helpers/http.ts";
import { openssl } from "../helpers/openssl.ts";

const CAT = { "user_id": ALICE, domain: "pets.example", alias: "cat" };
const PASSWORD = "canary-7h2x-Größe";

/** A world with Cat's vaultbox. */
async function catWorld(settings: Record<string, string> = {}) {
  const world = await testWorld(settings);
  const token = await bearer();
  const ask = (
    path: string,
    body: unknown,
    key?: string,
    app = world.app,
  ): Promise<Answer> =>
    askApi(buildApi(app, SETTINGS), path, {
      token,
      body,
      headers: key === undefined ? {} : { "idempotency-key": key },
    });
  const made = await ask("/vaultboxes", CAT);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const id: string = made.body.data["vaultbox_id"];
  return {
    world,
    ask,
    id,
    request: { "vaultbox_id": id, password: PASSWORD },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** Where a text stands in what outlives a request. */
async function traces(world: TestWorld, text: string): Promise<string[]> {
  const found: string[] = [];
  const octets = new TextEncoder().encode(text);
  if (world.lines.some((line) => line.includes(text))) found.push("log");
  const tables = await world.app.sql`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'
  `;
  assert.ok(tables.length > 10);
  for (const { name } of tables) {
    const rows = await world.app.sql`
      select row_to_json(t)::text as json from ${world.app.sql(name)} as t
    `;
    // bytea is hexadecimal in JSON.
    const isThere = rows.some(({ json }) =>
      json.includes(text) || json.includes(octets.toHex())
    );
    if (isThere) found.push(`table ${name}`);
  }
  const keys = join(world.directory, "keys");
  for await (const { name } of Deno.readDir(keys)) {
    const content = await Deno.readFile(join(keys, name));
    if (content.toHex().includes(octets.toHex())) found.push(name);
  }
  return found;
}

Deno.test("traces() finds what is there", async () => {
  await using cat = await catWorld();
  assert.deepEqual(await traces(cat.world, "vaultbox created"), ["log"]);
  const found = await traces(cat.world, "pets.example");
  assert.ok(found.includes("table domains"));
});

Deno.test("the password of a bundle is in no log, row, file or error", async () => {
  await using cat = await catWorld();
  const { world, ask, request } = cat;
  const { app } = world;
  const privateKeys = {
    ...app.privateKeys,
    read: () => Promise.reject(new Error("the disk is gone")),
  };
  const weak = `${PASSWORD.slice(0, 6)}\u0007${PASSWORD}`;
  for (const path of ["/p12", "/bundle"]) {
    const answers = [
      await ask(path, request, `key of ${path}`),
      await ask(path, request, `key of ${path}`),
      await ask(path, { ...request, password: weak }),
      await ask(path, { ...request, password: `${PASSWORD}🐈` }),
      await ask(path, { ...request, "vaultbox_id": crypto.randomUUID() }),
      await ask(path, { ...request, format: PASSWORD }),
      await ask(path, request, undefined, { ...app, privateKeys }),
    ];
    const statuses = [200, 200, 400, 400, 404, 400, 500];
    assert.deepEqual(answers.map(({ status }) => status), statuses);
    for (const { status, body, headers } of answers) {
      assert.ok(!JSON.stringify([...headers]).includes("canary"));
      if (status >= 400) assert.ok(!JSON.stringify(body).includes("canary"));
    }
  }
  assert.deepEqual(await traces(world, "canary"), []);
});

Deno.test("a generated password locks a bundle and is kept sealed alone", async () => {
  await using cat = await catWorld();
  const { world, ask, request } = cat;
  const made = await ask("/generate-password", {}, "once");
  assert.equal(made.status, 201);
  const { password, ...rest } = made.body.data;
  assert.deepEqual(rest, {});
  assert.match(password, /^(?:[a-z2-9]{5}-){4}[a-z2-9]{5}$/);
  const again = await ask("/generate-password", {}, "once");
  assert.equal(again.body.data.password, password);
  const other = await ask("/generate-password", {});
  assert.notEqual(other.body.data.password, password);
  const p12 = await ask("/p12", { ...request, password });
  await openssl(
    { p12: p12.body, password },
    "pkcs12 -in p12 -passin file:password -noout".split(" "),
  );
  assert.deepEqual(await traces(world, password), []);
});

Deno.test("a bundle has the certificate of the appliance's issuer", async () => {
  await using cat = await catWorld({ ENCIMAP_CERT_ISSUER: "appliance" });
  const { ask, request } = cat;
  const bundle = await ask("/bundle", request);
  const files = unzipSync(bundle.body);
  assert.deepEqual(Object.keys(files).sort(), [
    "README.txt",
    "certificate-compatible.p12",
    "certificate.p12",
    "certificate.pem",
    "issuer.pem",
    "setup.mobileconfig",
  ]);
  const decode = (name: string) => new TextDecoder().decode(files[name]);
  const p12 = await ask("/p12", request);
  for (const file of [p12.body, files["certificate-compatible.p12"]!]) {
    const chain = await openssl(
      { file, password: PASSWORD },
      "pkcs12 -in file -passin file:password -cacerts -nokeys".split(" "),
    );
    const text = new TextDecoder().decode(chain);
    assert.ok(text.includes(decode("issuer.pem").trim()));
    assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 1);
  }
  await openssl({
    issuer: decode("issuer.pem"),
    certificate: decode("certificate.pem"),
  }, "verify -CAfile issuer -purpose smimeencrypt certificate".split(" "));
  assert.match(decode("README.txt"), /Trust this CA to identify/);
});

Deno.test("private keys are wiped when the file is made, and when it is not", async () => {
  await using cat = await catWorld();
  const { world: { app }, ask, request } = cat;
  const seen: Uint8Array[] = [];
  const privateKeys: typeof app.privateKeys = {
    ...app.privateKeys,
    async read(name) {
      const key = await app.privateKeys.read(name);
      assert.ok(key!.some((octet) => octet !== 0));
      seen.push(key!);
      return key;
    },
  };
  const watched = { ...app, privateKeys };
  await ask("/generate-certificate", { email: "cat@pets.example" });
  assert.equal((await ask("/p12", request, undefined, watched)).status, 200);
  assert.equal((await ask("/bundle", request, undefined, watched)).status, 200);
  const weak = { ...request, password: "cat@pets.example" };
  assert.equal((await ask("/p12", weak, undefined, watched)).status, 400);
  assert.equal(seen.length, 4);
  for (const key of seen) assert.ok(key.every((octet) => octet === 0));
});
