import assert from "node:assert/strict";
import { deleteOldRequests } from "../../src/db/idempotency.ts";
import { AppError } from "../../src/errors.ts";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { mintToken } from "../../src/http/auth.ts";
import { ALICE, BOB, type TestWorld, testWorld } from "../helpers/app.ts";
import { type Answer, askApi, bearer, SETTINGS } from "../helpers/http.ts";

const CAT = { "user_id": ALICE, domain: "pets.example", alias: "cat" };
const KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324";

/** POSTs with a key. */
function post(
  api: Fetch,
  token: string,
  path: string,
  body: unknown = {},
  key = KEY,
): Promise<Answer> {
  const headers = { "idempotency-key": key };
  return askApi(api, path, { token, method: "POST", body, headers });
}

/** A vaultbox of Alice. */
async function vaultbox(api: Fetch): Promise<string> {
  const question = { token: await bearer(), body: CAT };
  const made = await askApi(api, "/vaultboxes", question);
  assert.equal(made.status, 201);
  return made.body.data["vaultbox_id"];
}

async function count(world: TestWorld, table: string): Promise<number> {
  const sql = world.app.sql;
  const [row] = await sql`select count(*) from ${sql(table)}`;
  return row!["count"];
}

function isReplayed({ headers }: Answer): boolean {
  return headers.get("idempotent-replayed") === "true";
}

Deno.test("a POST with a key happens once, and its repetition gets the same answer", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const first = await post(api, token, "/vaultboxes", CAT);
  const again = await post(api, token, "/vaultboxes", CAT);
  assert.equal(first.status, 201);
  assert.equal(isReplayed(first), false);
  assert.equal(again.status, 201);
  assert.equal(isReplayed(again), true);
  assert.deepEqual(again.body, first.body);
  assert.equal(
    again.headers.get("content-type"),
    first.headers.get("content-type"),
  );
  assert.notEqual(
    again.headers.get("x-request-id"),
    first.headers.get("x-request-id"),
  );
  assert.equal(await count(world, "vaultboxes"), 1);
  const other = { ...CAT, alias: "dog" };
  const fresh = await post(api, token, "/vaultboxes", other, "another key");
  assert.equal(fresh.status, 201);
});

Deno.test("a password is answered again, and is nowhere in clear", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const id = await vaultbox(api);
  const path = `/vaultboxes/${id}/imap-credentials`;
  const token = await bearer();
  const first = await post(api, token, path);
  const again = await post(api, token, path);
  const { password } = first.body.data;
  assert.equal(again.body.data.password, password);
  const [row] = await world.app.sql`
    select caller, encode(key_hash, 'escape') as key,
      convert_from(decode(replace(encode(answer, 'hex'), '00', '01'), 'hex'),
        'latin1') as answer
    from idempotency_keys
  `;
  const text = JSON.stringify(row) + world.lines.join("\n");
  assert.doesNotMatch(text, new RegExp(password));
  assert.doesNotMatch(text, /password|8e03978e/);
});

Deno.test("a key that was another request's is 422", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const id = await vaultbox(api);
  const token = await bearer();
  const imap = `/vaultboxes/${id}/imap-credentials`;
  assert.equal((await post(api, token, imap)).status, 201);
  for (
    const [path, body] of [
      [imap, " {}"],
      [`/vaultboxes/${id}/smtp-credentials`, {}],
      [`${imap}/regenerate`, {}],
      [`${imap}?`, {}],
      ["/vaultboxes", CAT],
      ["/p12", { "vaultbox_id": id, password: "bundle-password" }],
    ] as const
  ) {
    const answer = await post(api, token, path, body);
    // An empty query is no other request.
    const expected = path.endsWith("?") ? 201 : 422;
    assert.equal(answer.status, expected, path);
    if (expected === 201) continue;
    assert.equal(answer.body.error.code, "idempotency_mismatch");
    assert.equal(answer.body.data, undefined);
  }
  const query = await post(api, token, `${imap}?user_id=${ALICE}`);
  assert.equal(query.status, 409, "acting for a user is another caller");
  assert.equal(isReplayed(query), false);
});

Deno.test("one key of two callers is two keys", async () => {
  await using world = await testWorld({}, { newKeys: true });
  const api = buildApi(world.app, SETTINGS);
  const body = { email: "owl@elsewhere.example" };
  const answers = [];
  for (
    const [token, query] of [
      [await bearer(), ""],
      [await bearer(), `?user_id=${ALICE}`],
      [await bearer(), `?user_id=${BOB}`],
      [await bearer(ALICE), ""],
      [await bearer(BOB), ""],
    ] as const
  ) {
    const path = `/generate-certificate${query}`;
    const answer = await post(api, token, path, body);
    assert.equal(answer.status, 201);
    assert.equal(isReplayed(answer), false);
    answers.push(answer.body.data["private_key"]);
  }
  assert.equal(new Set(answers).size, 5);
});

Deno.test("a scope that is taken away takes the kept answer away", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const lifetime = { now: new Date(), seconds: 60 };
  const weak = await mintToken(SETTINGS, {
    userId: undefined,
    scopes: new Set(["vaultbox:read"]),
  }, lifetime);
  const strong = await bearer();
  assert.equal((await post(api, weak, "/vaultboxes", CAT)).status, 403);
  assert.equal((await post(api, strong, "/vaultboxes", CAT)).status, 201);
  assert.equal((await post(api, weak, "/vaultboxes", CAT)).status, 403);
});

Deno.test("of many at once one happens; the others are told to wait, or get its answer", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => post(api, token, "/vaultboxes", CAT)),
  );
  const waiting = answers.filter(({ status }) => status === 409);
  assert.ok(waiting.length > 0);
  for (const { body, headers } of waiting) {
    assert.equal(body.error.message, "The request is under way");
    assert.equal(headers.get("retry-after"), "1");
  }
  const done = answers.filter(({ status }) => status === 201);
  assert.equal(done.filter((answer) => !isReplayed(answer)).length, 1);
  assert.equal(await count(world, "vaultboxes"), 1);
  const later = await post(api, token, "/vaultboxes", CAT);
  assert.deepEqual(later.body, done[0]!.body);
});

Deno.test("a refusal that is final is answered again", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const id = await vaultbox(api);
  const token = await bearer();
  const first = await post(api, token, "/vaultboxes", CAT);
  assert.equal(first.status, 409);
  await askApi(api, `/vaultboxes/${id}`, { token, method: "DELETE" });
  const again = await post(api, token, "/vaultboxes", CAT);
  assert.equal(isReplayed(again), true);
  assert.deepEqual([again.status, again.body], [409, first.body]);
});

Deno.test("an outage is forgotten: the repetition runs", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  world.mta.refusal = new AppError("unavailable", "Postfix is away");
  assert.equal((await post(api, token, "/vaultboxes", CAT)).status, 503);
  world.mta.refusal = new Error("a fault of ours");
  assert.equal((await post(api, token, "/vaultboxes", CAT)).status, 500);
  assert.equal(await count(world, "idempotency_keys"), 0);
  world.mta.refusal = undefined;
  const answer = await post(api, token, "/vaultboxes", CAT);
  assert.equal(answer.status, 201);
  assert.equal(isReplayed(answer), false);
});

Deno.test("what is forbidden is forgotten", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const bob = await bearer(BOB);
  const body = { domain: "pets.example", alias: "cat" };
  assert.equal((await post(api, bob, "/vaultboxes", body)).status, 403);
  assert.equal(await count(world, "idempotency_keys"), 0);
});

Deno.test("a request whose process has died is taken over after five minutes", async () => {
  await using world = await testWorld();
  const { sql } = world.app;
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  await post(api, token, "/vaultboxes", CAT);
  await sql`delete from addresses`;
  await sql`delete from vaultbox_certs`;
  await sql`delete from vaultboxes`;
  await sql`
    update idempotency_keys set status = null, answer = null,
      claimed_at = now() - interval '4 minutes'
  `;
  assert.equal((await post(api, token, "/vaultboxes", CAT)).status, 409);
  await sql`
    update idempotency_keys set claimed_at = now() - interval '6 minutes'
  `;
  const other = await post(api, token, "/vaultboxes", { ...CAT, alias: "dog" });
  assert.equal(other.status, 422);
  const answer = await post(api, token, "/vaultboxes", CAT);
  assert.equal(answer.status, 201);
  assert.equal(isReplayed(answer), false);
  assert.equal(isReplayed(await post(api, token, "/vaultboxes", CAT)), true);
});

Deno.test("a key counts for 24 hours, and old rows are deleted", async () => {
  await using world = await testWorld();
  const { sql } = world.app;
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  await post(api, token, "/vaultboxes", CAT);
  await sql`
    update idempotency_keys set created_at = now() - interval '23 hours'
  `;
  assert.equal(await deleteOldRequests(sql), 0);
  assert.equal(isReplayed(await post(api, token, "/vaultboxes", CAT)), true);
  await sql`
    update idempotency_keys set created_at = now() - interval '25 hours'
  `;
  const other = { ...CAT, alias: "dog" };
  assert.equal((await post(api, token, "/vaultboxes", other)).status, 201);
  assert.equal(isReplayed(await post(api, token, "/vaultboxes", other)), true);
  await sql`
    update idempotency_keys set created_at = now() - interval '25 hours'
  `;
  assert.equal(await deleteOldRequests(sql), 1);
  assert.equal(await count(world, "idempotency_keys"), 0);
});

Deno.test("a caller has 10,000 keys a day; another caller has its own", async () => {
  await using world = await testWorld();
  const { sql } = world.app;
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const kept = await post(api, token, "/vaultboxes", CAT);
  await sql`
    insert into idempotency_keys (
      caller, key_hash, request_hash, claim, status, created_at
    )
    select '- service', sha256(number::text::bytea), sha256('x'),
      gen_random_uuid(), 409, now() - interval '25 hours'
    from generate_series(1, 9999) number
  `;
  const dog = { ...CAT, alias: "dog" };
  const refused = await post(api, token, "/vaultboxes", dog, "one more");
  assert.equal(refused.status, 429);
  assert.equal(refused.body.error.code, "too_many_requests");
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  const again = await post(api, token, "/vaultboxes", CAT);
  assert.deepEqual([isReplayed(again), again.body], [true, kept.body]);
  const mouse = { domain: "pets.example", alias: "mouse" };
  const alice = await bearer(ALICE);
  assert.equal((await post(api, alice, "/vaultboxes", mouse)).status, 201);
  // As many as one deletion takes, and then the rest.
  assert.equal(await deleteOldRequests(sql), 5000);
  assert.equal(await deleteOldRequests(sql), 4999);
  const late = await post(api, token, "/vaultboxes", dog, "one more");
  assert.equal(late.status, 201);
});

Deno.test("an answer that is put in another's place does not open", async () => {
  await using world = await testWorld();
  const { sql } = world.app;
  const api = buildApi(world.app, SETTINGS);
  const body = { email: "owl@elsewhere.example" };
  const path = "/generate-certificate";
  const [alice, bob] = [await bearer(ALICE), await bearer(BOB)];
  const secret = await post(api, alice, path, body);
  await post(api, bob, path, body);
  await sql`
    update idempotency_keys set answer = (
      select answer from idempotency_keys where caller like ${`${ALICE} %`}
    )
  `;
  const stolen = await post(api, bob, path, body);
  assert.equal(stolen.status, 500);
  assert.equal(stolen.body.data, undefined);
  assert.equal(isReplayed(await post(api, alice, path, body)), true);
  assert.match(secret.body.data["private_key"], /PRIVATE KEY/);
  assert.doesNotMatch(world.lines.join("\n"), /PRIVATE KEY/);
});

Deno.test("a download with a key is made again and not kept", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const id = await vaultbox(api);
  const token = await bearer();
  for (const path of ["/p12", "/bundle"]) {
    const body = { "vaultbox_id": id, password: "bundle-password" };
    const key = `key of ${path}`;
    for (let count = 0; count < 2; count++) {
      const answer = await post(api, token, path, body, key);
      assert.equal(answer.status, 200);
      assert.equal(isReplayed(answer), false);
      assert.ok(answer.body instanceof Uint8Array);
    }
    const other = { ...body, password: "another-password" };
    assert.equal((await post(api, token, path, other, key)).status, 422);
  }
  const rows = await world.app.sql`select answer from idempotency_keys`;
  assert.deepEqual(rows.map(({ answer }) => answer), [null, null]);
});

for (const key of ["", "x".repeat(256), "sch\u00fc", "a\tb"]) {
  Deno.test(`Idempotency-Key ${JSON.stringify(key.slice(0, 9))} is 400`, async () => {
    await using world = await testWorld();
    const api = buildApi(world.app, SETTINGS);
    const answer = await post(api, await bearer(), "/vaultboxes", CAT, key);
    assert.equal(answer.status, 400);
    assert.match(answer.body.error.message, /^Idempotency-Key/);
    assert.equal(await count(world, "vaultboxes"), 0);
  });
}

Deno.test("a key on anything but POST changes nothing", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const headers = { "idempotency-key": KEY };
  const token = await bearer();
  const before = await askApi(api, "/vaultboxes", { token, headers });
  await vaultbox(api);
  const after = await askApi(api, "/vaultboxes", { token, headers });
  assert.equal(before.body.data.length, 0);
  assert.equal(after.body.data.length, 1);
  assert.equal(await count(world, "idempotency_keys"), 0);
});

Deno.test("an answer that cannot be kept is given all the same", async () => {
  await using world = await testWorld();
  const sealer = {
    ...world.app.sealer,
    seal: () => Promise.reject(new Error("no entropy")),
  };
  const api = buildApi({ ...world.app, sealer }, SETTINGS);
  const token = await bearer();
  assert.equal((await post(api, token, "/vaultboxes", CAT)).status, 201);
  assert.match(world.lines.join("\n"), /answer not kept.*no entropy/);
  assert.equal((await post(api, token, "/vaultboxes", CAT)).status, 409);
});
