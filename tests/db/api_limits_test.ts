import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { mintToken, NIL_UUID, SCOPES } from "../../src/http/auth.ts";
import { createOperatorVaultbox } from "../../src/vaultbox/create.ts";
import { ALICE, BOB, SERVICE, testWorld } from "../helpers/app.ts";
import { askApi, bearer, SETTINGS } from "../helpers/http.ts";

const ID = "33333333-3333-4333-8333-333333333333";

/** Sends octets to a real server with the API, and gives back what it says. */
async function talk(api: Fetch, ...parts: string[]): Promise<string> {
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, api);
  using socket = await Deno.connect({ port: server.addr.port });
  const writing = (async () => {
    for (const part of parts) {
      const octets = new TextEncoder().encode(part);
      for (let at = 0; at < octets.length;) {
        at += await socket.write(octets.subarray(at));
      }
    }
  })().catch(() => {}); // The server may stop reading.
  const answer = await new Response(socket.readable).text().catch(() => "");
  await writing;
  await server.shutdown();
  return answer;
}

Deno.test("a chunked body over 64 KiB is 413 on the wire", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
  const answer = await talk(
    api,
    "POST /s2s/v1/vaultboxes HTTP/1.1\r\nHost: api\r\nConnection: close\r\n" +
      `Authorization: Bearer ${await bearer()}\r\n` +
      "Transfer-Encoding: chunked\r\n\r\n",
    chunk.repeat(5),
    "0\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /"message_too_large"/);
});

Deno.test("a chunked body within 64 KiB is read", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const body = JSON.stringify({
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
  });
  const answer = await talk(
    api,
    "POST /s2s/v1/vaultboxes HTTP/1.1\r\nHost: api\r\nConnection: close\r\n" +
      `Authorization: Bearer ${await bearer()}\r\n` +
      "Transfer-Encoding: chunked\r\n\r\n",
    `${body.length.toString(16)}\r\n${body}\r\n`,
    "0\r\n\r\n",
  );
  assert.match(answer, /^HTTP\/1\.1 201 /);
});

Deno.test("header fields over 16 KiB are 431 on the wire, even of the health check", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const answer = await talk(
    api,
    "GET /s2s/v1/health HTTP/1.1\r\nHost: api\r\nConnection: close\r\n" +
      `X: ${"x".repeat(17_000)}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 431 /);
  assert.match(answer, /"headers_too_large"/);
});

Deno.test("paths and queries that cannot be decoded are 400 on the wire", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  for (
    const path of [
      "/vaultboxes/%",
      "/vaultboxes/%zz",
      "/vaultboxes/%ff",
      "/vaultboxes/a%00b",
      "/vaultboxes?alias=%ff",
      "/vaultboxes?domain=%00",
      "/audit?action=a%00",
    ]
  ) {
    const answer = await talk(
      api,
      `GET /s2s/v1${path} HTTP/1.1\r\nHost: api\r\nConnection: close\r\n` +
        `Authorization: Bearer ${await bearer()}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /, path);
  }
});

for (
  const [name, question, status, code] of [
    ["a form", { type: "application/x-www-form-urlencoded" }, 415, [
      "unsupported_media_type",
    ]],
    ["a name twice", { body: '{"alias":"a","alias":"b"}' }, 400, [
      "invalid_request",
    ]],
    ["U+0000", { body: '{"name":"a\\u0000"}' }, 400, ["invalid_request"]],
    ["half a pair", { body: '{"name":"\\ud800"}' }, 400, ["invalid_request"]],
    ["octets that are not UTF-8", { body: new Uint8Array([0xff]) }, 400, [
      "invalid_request",
    ]],
  ] as const
) {
  Deno.test(`POST /vaultboxes with ${name} is ${status}`, async () => {
    await using world = await testWorld();
    const api = buildApi(world.app, SETTINGS);
    const { type, body } = {
      type: "application/json",
      body: "{}",
      ...question,
    };
    const answer = await askApi(api, "/vaultboxes", {
      token: await bearer(),
      body,
      headers: { "content-type": type },
    });
    assert.deepEqual([answer.status, answer.body.error.code], [
      status,
      ...code,
    ]);
  });
}

Deno.test("a query parameter that comes twice is 400", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  for (
    const query of [
      "limit=1&limit=2",
      `user_id=${ALICE}&user_id=${BOB}`,
      `user_id=${ALICE}&user%5fid=${BOB}`,
    ]
  ) {
    const answer = await askApi(api, `/vaultboxes?${query}`, { token });
    assert.equal(answer.status, 400, query);
    assert.match(answer.body.error.message, /is given twice/);
  }
});

Deno.test("another method on a path is 405 with Allow", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  for (
    const [method, path, allow] of [
      ["PUT", "/vaultboxes", "GET, HEAD, OPTIONS, POST"],
      ["POST", `/vaultboxes/${ID}`, "DELETE, GET, HEAD, OPTIONS, PATCH"],
      ["GET", "/p12", "OPTIONS, POST"],
      ["HEAD", "/p12", "OPTIONS, POST"],
      ["DELETE", "/health", "GET, HEAD, OPTIONS"],
      ["POST", "/openapi.json", "GET, HEAD, OPTIONS"],
    ] as const
  ) {
    const answer = await askApi(api, path, { method });
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal(answer.headers.get("allow"), allow);
    if (method !== "HEAD") {
      assert.equal(answer.body.error.code, "method_not_allowed");
    }
  }
  for (const path of ["/nothing", "/openapi_json", "/vaultboxes/a/b/c"]) {
    assert.equal((await askApi(api, path, { method: "PUT" })).status, 404);
  }
});

Deno.test("OPTIONS says the methods, to anybody", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const answer = await askApi(api, "/vaultboxes", { method: "OPTIONS" });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get("allow"), "GET, HEAD, OPTIONS, POST");
  const none = await askApi(api, "/nothing", { method: "OPTIONS" });
  assert.equal(none.status, 404);
});

Deno.test("HEAD answers as GET does, without content", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const answer = await askApi(api, "/vaultboxes", { token, method: "HEAD" });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.length, 0);
  const refused = await askApi(api, "/vaultboxes", { method: "HEAD" });
  assert.equal(refused.status, 401);
});

Deno.test("every authenticated answer says what is left, and then comes 429", async () => {
  await using world = await testWorld({ ENCIMAP_RATE_LIMIT: "3" });
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer(ALICE);
  const found = await askApi(api, "/vaultboxes", { token });
  assert.equal(found.headers.get("ratelimit-limit"), "3");
  assert.equal(found.headers.get("ratelimit-remaining"), "2");
  assert.equal(found.headers.get("ratelimit-reset"), "20");
  const wrong = await askApi(api, "/vaultboxes?limit=0", { token });
  assert.equal(wrong.headers.get("ratelimit-remaining"), "1");
  const missing = await askApi(api, `/vaultboxes/${ID}`, { token });
  assert.equal(missing.headers.get("ratelimit-remaining"), "0");
  const late = await askApi(api, "/vaultboxes", { token });
  assert.equal(late.status, 429);
  assert.equal(late.body.error.code, "too_many_requests");
  assert.equal(late.headers.get("retry-after"), "20");
  assert.deepEqual(late.body.error.details, { "retry_after": 20 });
  assert.equal(late.headers.get("ratelimit-remaining"), "0");
  // A new token of the same user, and a failed one, change nothing.
  const again = await askApi(api, "/usage", { token: await bearer(ALICE) });
  assert.equal(again.status, 429);
  const forged = await askApi(api, "/vaultboxes", { token: `${token}x` });
  assert.equal(forged.status, 401);
  assert.equal(forged.headers.get("ratelimit-limit"), null);
  assert.equal(forged.headers.get("retry-after"), null);
  for (const other of [await bearer(BOB), await bearer()]) {
    const answer = await askApi(api, "/vaultboxes", { token: other });
    assert.equal(answer.status, 200);
  }
});

Deno.test("services with other names have other limits", async () => {
  await using world = await testWorld({ ENCIMAP_RATE_LIMIT: "1" });
  const api = buildApi(world.app, SETTINGS);
  const exp = Math.floor(Date.now() / 1000) + 60;
  for (const sub of ["one", "two", undefined]) {
    const claims = { role: "service", aud: "encimap.svc", exp };
    const token = await new SignJWT({ ...claims, ...(sub && { sub }) })
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(SETTINGS.secret));
    const first = await askApi(api, "/vaultboxes", { token });
    const second = await askApi(api, "/vaultboxes", { token });
    assert.deepEqual([first.status, second.status], [200, 429]);
  }
});

Deno.test("ENCIMAP_RATE_LIMIT=0 is no limit and no headers", async () => {
  await using world = await testWorld({ ENCIMAP_RATE_LIMIT: "0" });
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const answer = await askApi(api, "/vaultboxes", { token });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("ratelimit-limit"), null);
});

Deno.test("a bulk request counts as its items, and does nothing if they are too many", async () => {
  await using world = await testWorld({ ENCIMAP_RATE_LIMIT: "10" });
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const items = Array.from({ length: 6 }, (_, i) => ({
    "user_id": ALICE,
    domain: "pets.example",
    alias: `cat${i}`,
  }));
  const path = "/vaultboxes/bulk-create";
  const first = await askApi(api, path, { token, body: { items } });
  assert.equal(first.status, 200);
  assert.equal(first.headers.get("ratelimit-remaining"), "4");
  const more = items.map((item) => ({ ...item, alias: `${item.alias}b` }));
  const second = await askApi(api, path, { token, body: { items: more } });
  assert.equal(second.status, 429);
  const [row] = await world.app.sql`select count(*) from vaultboxes`;
  assert.equal(row!["count"], 6);
});

Deno.test("the operator's vaultbox is there for services with the scope admin alone", async () => {
  await using world = await testWorld();
  const { id } = await createOperatorVaultbox(world.app, SERVICE, {
    userId: NIL_UUID,
    domain: "mail.example.test",
    alias: "postmaster",
    name: "Operator",
    mayClaimDomain: true,
  });
  const api = buildApi(world.app, SETTINGS);
  const lifetime = { now: new Date(), seconds: 60 };
  const caller = { userId: undefined };
  const scopes = SCOPES.filter((scope) => scope !== "admin");
  const few = await mintToken(
    SETTINGS,
    { ...caller, scopes: new Set(scopes) },
    lifetime,
  );
  const admin = await bearer();
  const body = { "vaultbox_id": id, password: "bundle-password" };
  for (
    const [path, question] of [
      [`/vaultboxes/${id}`, {}],
      [`/vaultboxes/${id}/imap-credentials`, { method: "POST" }],
      [`/vaultboxes/${id}/app-credentials`, { body: { label: "Phone" } }],
      [`/vaultboxes/${id}/certificates`, {}],
      ["/p12", { body }],
      ["/bundle", { body }],
    ] as const
  ) {
    const refused = await askApi(api, path, { token: few, ...question });
    assert.equal(refused.status, 404, path);
    const done = await askApi(api, path, { token: admin, ...question });
    assert.ok(done.status < 300, `${path} ${done.status}`);
  }
  const listed = await askApi(api, "/vaultboxes", { token: few });
  assert.deepEqual(listed.body.data, []);
});
