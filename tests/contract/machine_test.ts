import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { keepReport } from "../../src/cli/doctor/report.ts";
import { mintToken } from "../../src/http/auth.ts";
import { VERSION } from "../../src/version.ts";
import { readDescription, servedApi } from "../helpers/api.ts";
import { ALICE, makeBox, testWorld } from "../helpers/app.ts";
import { bearer, SETTINGS } from "../helpers/http.ts";
import {
  machinePeers,
  outcome,
  OUTCOMES,
  ROOM,
} from "../helpers/machine_peers.ts";

const AT = new Date("2026-11-23T04:05:06Z");

/** What could make a report too large, or no JSON of PostgreSQL. */
const HOSTILE = [
  "x".repeat(1_000_000),
  "\u{1f63a}".repeat(2000),
  `${"x".repeat(998)}\u{1f63a}\u{1f63a}`,
  "\0 \u001b[2J \ud800 </script>",
  '"\\'.repeat(2000),
];

/** Checks an answer against docs/openapi.yaml. */
function checkForm(data: unknown): void {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "api:", ...readDescription().document });
  const validate = ajv.getSchema("api:#/components/schemas/Machine")!;
  assert(validate(data), JSON.stringify(validate.errors));
}

Deno.test("an operator sees the machine, and null for what does not answer", async () => {
  await using world = await testWorld();
  await using api = servedApi(world);
  const { status, json } = await api.fetch("/machine", await bearer());
  assert.equal(status, 200);
  checkForm(json.data);
  assert.deepEqual(json.data, {
    version: VERSION,
    services: {
      database: "connected",
      storage: "inaccessible",
      mta: "stopped",
      imap: "stopped",
    },
    queues: null,
    store: null,
    vaultboxes: {
      active: 0,
      suspended: 0,
      full: 0,
      messages: 0,
      bytes: 0,
      "last_received": null,
    },
    doctor: null,
  });
  const health = await api.fetch("/health", "");
  assert.deepEqual(health.json.services, json.data.services);
});

Deno.test("whoever asks for a user is refused as the user is", async () => {
  await using world = await testWorld();
  await using api = servedApi(world);
  const lifetime = { now: new Date(), seconds: 60 };
  const service = { userId: undefined, subject: "billing" };
  const limited = await mintToken(
    SETTINGS,
    { ...service, scopes: new Set(["vaultbox:read", "vaultbox:write"]) },
    lifetime,
  );
  for (const token of [await bearer(ALICE), limited]) {
    const { status, json } = await api.fetch("/machine", token);
    assert.equal(status, 403);
    assert.deepEqual(json.error, {
      code: "forbidden",
      message: "Token lacks scope admin",
      details: { scope: "admin" },
    });
  }
  const acting = await api.fetch(`/machine?user_id=${ALICE}`, await bearer());
  assert.deepEqual([acting.status, acting.json.data], [403, undefined]);
  assert.equal((await api.fetch("/machine", "")).status, 401);
});

Deno.test("queue, disk and the last report are shown as they were told", async () => {
  await using peers = await machinePeers();
  await using world = await testWorld(peers.env);
  await using api = servedApi(world);
  const { sql } = world.app;
  const warned: string[] = [];
  const keep = (at: Date, outcomes = OUTCOMES) =>
    keepReport(sql, outcomes, { at, warn: (line) => warned.push(line) });
  await keep(new Date(0), [outcome("database", "ok", "older")]);
  await keep(AT);
  const { json } = await api.fetch("/machine", await bearer());
  checkForm(json.data);
  const { queues, store, doctor, services } = json.data;
  assert.equal(services.storage, "accessible");
  const none = { messages: 0, bytes: 0, "oldest_seconds": 0 };
  assert.deepEqual(queues, [
    { name: "maildrop", ...none },
    { name: "incoming", ...none },
    { name: "active", ...none },
    { name: "deferred", messages: 2, bytes: 1200, "oldest_seconds": 7200 },
    { name: "hold", messages: 1, bytes: 42, "oldest_seconds": 7200 },
  ]);
  assert.deepEqual(store, {
    "total_bytes": ROOM.total,
    "free_bytes": ROOM.free,
    "min_free_bytes": ROOM.min,
  });
  assert.deepEqual(doctor, {
    at: AT.toISOString(),
    version: VERSION,
    status: "failed",
    checks: OUTCOMES.map(({ name, status, title, note, problem, fix }) => ({
      name,
      status,
      title,
      note: note ?? null,
      problem: problem ?? null,
      fix: fix ?? null,
    })),
  });
  assert.deepEqual(warned, []);
});

Deno.test("all vaultboxes are added up, once in a minute", async () => {
  await using world = await testWorld();
  let time = Date.now();
  const app = { ...world.app, now: () => new Date(time) };
  await using api = servedApi({ app });
  const sums = async () =>
    (await api.fetch("/machine", await bearer())).json.data.vaultboxes;
  for (const alias of ["cat", "dog", "owl"]) await makeBox(world, alias);
  await app.sql`
    update vaultboxes set used_messages = 2, used_bytes = 3000`;
  await app.sql`
    update vaultboxes set status = 'suspended', last_received = ${AT}
    where alias = 'owl'`;
  const three = {
    active: 2,
    suspended: 1,
    full: 0,
    messages: 6,
    bytes: 9000,
    "last_received": AT.toISOString(),
  };
  assert.deepEqual(await sums(), three);
  await app.sql`update vaultboxes set status = 'active'`;
  time += 59_000;
  assert.deepEqual(await sums(), three);
  time += 2000;
  assert.deepEqual(await sums(), { ...three, active: 3, suspended: 0 });
});

Deno.test("a program is started for the queue once in ten seconds", async () => {
  await using peers = await machinePeers();
  await using world = await testWorld(peers.env);
  let time = Date.now();
  const app = { ...world.app, now: () => new Date(time) };
  await using api = servedApi({ app });
  const ask = async () =>
    (await api.fetch("/machine", await bearer())).json.data.queues.length;
  assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [5, 5, 5]);
  time += 9000;
  await ask();
  assert.equal(peers.counted(), 1);
  time += 2000;
  await ask();
  assert.equal(peers.counted(), 2);
});

Deno.test("a report is kept and shown whatever its texts are, and is never large", async () => {
  await using world = await testWorld();
  await using api = servedApi(world);
  const { sql } = world.app;
  const checks = [
    outcome("database", "ok", "it is there"),
    ...Array.from({ length: 300 }, (_, n) => {
      const text = HOSTILE[n % HOSTILE.length]!;
      const more = { note: text, problem: text, fix: text };
      return outcome(`n${n}${text}`, "failed", text, more);
    }),
  ];
  const warned: string[] = [];
  await keepReport(sql, checks, { at: AT, warn: (line) => warned.push(line) });
  assert.deepEqual(warned, []);
  const { json, text } = await api.fetch("/machine", await bearer());
  checkForm(json.data);
  const { doctor } = json.data;
  assert.equal(doctor.checks.length, 100);
  assert.ok(text.length < 1_000_000, String(text.length));
  for (const { name, title, note, problem, fix } of doctor.checks) {
    for (const each of [name, title, note, problem, fix]) {
      assert.ok((each ?? "").length <= 1000);
      assert.ok((each ?? "").isWellFormed());
      assert.doesNotMatch(each ?? "", /\p{Cc}/u);
    }
  }
  const titles: string[] = doctor.checks.map(({ title }: { title: string }) =>
    title
  );
  assert.equal(titles[1], `${"x".repeat(999)}…`);
  assert.equal(titles[4], "   [2J \ufffd </script>");
  // Whoever writes to the table by another way is stopped by the table.
  const large = [{ title: "x".repeat(1_100_000) }];
  await assert.rejects(
    () => sql`update doctor_reports set checks = ${sql.json(large)}`,
    { code: "23514" },
  );
});

Deno.test("without the database the rest is shown", async () => {
  await using peers = await machinePeers();
  await using world = await testWorld(peers.env);
  await using api = servedApi(world);
  await keepReport(world.app.sql, OUTCOMES, { at: AT, warn: assert.fail });
  await world.database.allowConnections(false);
  const { status, json } = await api.fetch("/machine", await bearer());
  assert.equal(status, 200);
  assert.equal(json.data.services.database, "disconnected");
  assert.equal(json.data.doctor, null);
  assert.equal(json.data.vaultboxes, null);
  assert.equal(json.data.queues.length, 5);
  await world.database.allowConnections(true);
});
