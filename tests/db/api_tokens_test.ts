import assert from "node:assert/strict";
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
} from "jose";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { openTokenKeys } from "../../src/http/token_keys.ts";
import { type TestWorld, testWorld } from "../helpers/app.ts";
import { askApi, bearer, SETTINGS } from "../helpers/http.ts";

const NOW = Math.floor(Date.now() / 1000);

interface Key {
  readonly kid: string;
  readonly jwk: Record<string, unknown>;
  readonly publicKey: CryptoKey;
  readonly token: string;
}

/** A key, and a token that is signed with it. */
async function newKey(kid: string): Promise<Key> {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const claims = { role: "service", aud: "encimap.svc", exp: NOW + 600 };
  return {
    kid,
    jwk: { ...await exportJWK(pair.publicKey), kid },
    publicKey: pair.publicKey,
    token: await new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", kid }).sign(pair.privateKey),
  };
}

function setOf(...keys: Key[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}

/** An API that takes ES256 tokens of some keys; asks again at once. */
async function apiOf(world: TestWorld, source: string): Promise<Fetch> {
  const keys = await openTokenKeys("ES256", source, { cooldownMs: 0 });
  return buildApi(world.app, { audience: "encimap.svc", keys });
}

async function status(api: Fetch, { token }: { token: string }) {
  return (await askApi(api, "/vaultboxes", { token })).status;
}

Deno.test("a PEM file of another key takes the place of the first", async () => {
  await using world = await testWorld();
  const [one, two] = [await newKey("1"), await newKey("2")];
  const path = `${world.directory}/keys.pem`;
  await Deno.writeTextFile(path, await exportSPKI(one.publicKey));
  const api = await apiOf(world, path);
  assert.equal(await status(api, one), 200);
  assert.equal(await status(api, two), 401);
  await Deno.writeTextFile(path, await exportSPKI(two.publicKey));
  assert.equal(await status(api, one), 401);
  assert.equal(await status(api, two), 200);
});

Deno.test("a JWK Set in a file is read again: keys come, and keys go", async () => {
  await using world = await testWorld();
  const [one, two] = [await newKey("1"), await newKey("2")];
  const path = `${world.directory}/keys.json`;
  await Deno.writeTextFile(path, setOf(one));
  const api = await apiOf(world, path);
  assert.deepEqual([await status(api, one), await status(api, two)], [
    200,
    401,
  ]);
  await Deno.writeTextFile(`${path}.new`, setOf(one, two));
  await Deno.rename(`${path}.new`, path);
  assert.deepEqual([await status(api, one), await status(api, two)], [
    200,
    200,
  ]);
  await Deno.writeTextFile(path, setOf(two));
  assert.deepEqual([await status(api, one), await status(api, two)], [
    401,
    200,
  ]);
  assert.equal((await askApi(api, "/health/ready")).status, 200);
});

for (const broken of ["", "{", '{"keys":{}}', '{"keys":[]}', undefined]) {
  Deno.test(`a file of keys that becomes ${JSON.stringify(broken)} is 503 until it is mended`, async () => {
    await using world = await testWorld();
    const one = await newKey("1");
    const path = `${world.directory}/keys.json`;
    await Deno.writeTextFile(path, setOf(one));
    const api = await apiOf(world, path);
    if (broken === undefined) await Deno.remove(path);
    else await Deno.writeTextFile(path, broken);
    const answer = await askApi(api, "/vaultboxes", { token: one.token });
    assert.equal(answer.status, 503);
    assert.equal((await askApi(api, "/health/ready")).status, 503);
    assert.deepEqual(answer.body, {
      success: false,
      error: {
        code: "unavailable",
        message: "Keys of tokens cannot be had",
      },
    });
    await Deno.writeTextFile(path, setOf(one));
    assert.equal(await status(api, one), 200);
  });
}

/** A server of key sets that says what it has been asked. */
function keyServer() {
  const state = { body: "", status: 200, asked: 0 };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => {
      state.asked++;
      return new Response(state.body, {
        status: state.status,
        headers: state.status === 302 ? { location: "/elsewhere" } : {},
      });
    },
  );
  return {
    state,
    url: `http://127.0.0.1:${server.addr.port}/jwks.json`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a JWK Set behind a URL is fetched when an unknown kid comes", async () => {
  await using world = await testWorld();
  await using server = keyServer();
  const [one, two] = [await newKey("1"), await newKey("2")];
  server.state.body = setOf(one);
  const api = await apiOf(world, server.url);
  assert.equal(server.state.asked, 0, "nothing is fetched before a token");
  for (let count = 0; count < 3; count++) {
    assert.equal(await status(api, one), 200);
  }
  assert.equal(server.state.asked, 1);
  assert.equal(await status(api, two), 401);
  server.state.body = setOf(two);
  assert.equal(await status(api, two), 200);
  assert.equal(await status(api, one), 401);
});

Deno.test("forged tokens make few requests to the server of keys", async () => {
  await using world = await testWorld();
  await using server = keyServer();
  const [one, forged] = [await newKey("1"), await newKey("forged")];
  server.state.body = setOf(one);
  const keys = await openTokenKeys("ES256", server.url);
  const api = buildApi(world.app, { audience: "encimap.svc", keys });
  for (let count = 0; count < 5; count++) {
    assert.equal(await status(api, forged), 401);
  }
  assert.equal(server.state.asked, 1);
});

Deno.test("a server of keys that is down is 503, and is left alone for a while", async () => {
  await using world = await testWorld();
  await using server = keyServer();
  const one = await newKey("1");
  server.state.status = 500;
  const keys = await openTokenKeys("ES256", server.url);
  const api = buildApi(world.app, { audience: "encimap.svc", keys });
  for (let count = 0; count < 5; count++) {
    assert.equal(await status(api, one), 503);
  }
  assert.equal(server.state.asked, 1);
  assert.match(world.lines.join("\n"), /status 500/);
  assert.equal((await askApi(api, "/vaultboxes")).status, 401);
});

for (
  const [name, change] of [
    ["a redirection", { status: 302 }],
    ["text that is no JSON", { body: "<html>" }],
    ["JSON that is no JWK Set", { body: '{"keys":1}' }],
    ["a set of more than 64 KiB", { body: `${" ".repeat(70_000)}{"keys":[]}` }],
  ] as const
) {
  Deno.test(`${name} from the server of keys is 503, and keys that come later work`, async () => {
    await using world = await testWorld();
    await using server = keyServer();
    const one = await newKey("1");
    Object.assign(server.state, change);
    const api = await apiOf(world, server.url);
    assert.equal(await status(api, one), 503);
    Object.assign(server.state, { status: 200, body: setOf(one) });
    assert.equal(await status(api, one), 200);
  });
}

Deno.test("a refusal for want of a scope names it", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const claims = { role: "service", aud: "encimap.svc", exp: NOW + 60 };
  const token = await new SignJWT({ ...claims, scope: "vaultbox:read" })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SETTINGS.secret));
  assert.equal((await askApi(api, "/vaultboxes", { token })).status, 200);
  const answer = await askApi(api, "/vaultboxes", { token, body: {} });
  assert.equal(answer.status, 403);
  assert.deepEqual(answer.body.error, {
    code: "forbidden",
    message: "Token lacks scope vaultbox:write",
    details: { scope: "vaultbox:write" },
  });
});

Deno.test("sub of a service's token stands in the audit log", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const claims = { role: "service", aud: "encimap.svc", exp: NOW + 60 };
  const token = await new SignJWT({ ...claims, sub: "billing" })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(SETTINGS.secret));
  const body = {
    "user_id": "11111111-1111-4111-8111-111111111111",
    domain: "pets.example",
    alias: "cat",
  };
  assert.equal((await askApi(api, "/vaultboxes", { token, body })).status, 201);
  const { body: page } = await askApi(api, "/audit", { token: await bearer() });
  assert.equal(page.data[0].actor, "service:billing");
});
