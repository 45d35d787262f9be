import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import type { Door } from "../../src/metrics/intake.ts";
import { connect } from "../../src/db/connect.ts";
import { buildApi } from "../../src/http/api.ts";
import { buildMetrics } from "../../src/http/metrics.ts";
import { metricsText, type Peers } from "../../src/vaultbox/api_metrics.ts";
import { readStore } from "../../src/vaultbox/intake_metrics.ts";
import { intakeText, queueText } from "../../src/vaultbox/metrics_peers.ts";
import { lineHeads } from "../../src/system/line_heads.ts";
import { queueMetrics } from "../../src/vaultbox/queue_metrics.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { parse, promtool, valueOf } from "../helpers/exposition.ts";
import { askApi, bearer, SETTINGS } from "../helpers/http.ts";
import { send, startIntakeProcess } from "../helpers/intake_process.ts";
import { isMissing } from "../helpers/openssl.ts";

const MISSING = isMissing("promtool");

/** No other part answers. */
const ALONE: Peers = {
  version: "1.2.3",
  intake: () => Promise.reject(new Error("no intake")),
  queue: () => Promise.reject(new Error("no queue")),
  tls: () => Promise.reject(new Error("no server")),
};

async function text(world: TestWorld, peers = ALONE): Promise<string> {
  return await metricsText(world.app, peers)();
}

function octets(text: string): Uint8Array[] {
  return [new TextEncoder().encode(text)];
}

const MAIL = octets("From: a@b.example\n\ntext\n");

Deno.test({
  name: "what the processes say is in the format of Prometheus",
  ignore: MISSING,
  fn: async () => {
    await using world = await testWorld();
    const id = await makeBox(world);
    const api = buildApi(world.app, SETTINGS);
    await askApi(api, "/vaultboxes", { token: await bearer() });
    await using intake = await startIntakeProcess(world);
    assert.equal(await send(intake.socket, id, "cat@pets.example", MAIL), 200);
    const queue = await queueMetrics(
      async function* () {
        yield '{"queue_name": "deferred", "arrival_time": 1, "message_size": 7}';
      },
      new Date(61_000),
    );
    assert.equal(
      valueOf(queue, "encimap_queue_oldest_seconds", { queue: "deferred" }),
      60,
    );
    const all = await text(world, {
      version: "1.2.3",
      intake: () => intakeText(intake.socket),
      queue: () => Promise.resolve(queue),
      tls: () => Promise.resolve(""),
    });
    assert.deepEqual(await promtool(["check", "metrics"], all), {
      code: 0,
      out: "",
    });
    for (const up of ["intake", "queue", "database"]) {
      assert.equal(valueOf(all, `encimap_${up}_up`), 1, up);
    }
    const values = parse(all).flatMap(({ labels }) => Object.values(labels));
    for (const value of values) {
      assert.doesNotMatch(value, /@|pets|[0-9a-f]{8}-/);
    }
  },
});

Deno.test("each delivery is counted by its door and by what became of it", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using intake = await startIntakeProcess(world, {
    ENCIMAP_MAX_MESSAGE_BYTES: "65536",
  });
  const count = async (outcome: string, door: Door = "socket") =>
    valueOf(await intakeText(intake.socket), "encimap_deliveries_total", {
      door,
      outcome,
    });
  assert.equal(await count("stored"), 0);
  await send(intake.socket, id, "cat@pets.example", MAIL);
  await send(intake.socket, id, "cat@pets.example", MAIL);
  assert.equal(await count("stored"), 2);
  const nobody = crypto.randomUUID();
  await send(intake.socket, nobody, "dog@pets.example", MAIL);
  assert.equal(await count("unknown_vaultbox"), 1);
  await send(
    intake.socket,
    id,
    "cat@pets.example",
    // Not so large that it is cut off.
    octets("x".repeat(200_000)),
  );
  assert.equal(await count("message_too_large"), 1);
  const text = await intakeText(intake.socket);
  assert.equal(
    valueOf(text, "encimap_delivery_seconds_count", { door: "socket" }),
    2,
  );
  for (const step of ["encrypt", "write", "commit", "show"]) {
    const name = "encimap_delivery_step_seconds_count";
    assert.equal(valueOf(text, name, { step }), 2, step);
  }
  assert.equal(valueOf(text, "encimap_admission_wait_seconds_count"), 4);
  assert.equal(valueOf(text, "encimap_admission_in_use"), 0);
});

Deno.test("the intake says how large the disk of the mail store is, and how full", async () => {
  await using world = await testWorld();
  await using intake = await startIntakeProcess(world);
  const room = readStore(await intakeText(intake.socket))!;
  const { blocks, bsize } = await statfs(`${world.directory}/mail`);
  assert.equal(room.totalBytes, blocks * bsize);
  assert.equal(room.minFreeBytes, world.app.config.minFreeBytes);
  assert.ok(room.freeBytes > 0 && room.freeBytes <= room.totalBytes);
});

Deno.test("requests to the API are counted by operation, whatever their path", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const id = await makeBox(world);
  const token = await bearer();
  await askApi(api, `/vaultboxes/${id}`, { token });
  await askApi(api, `/vaultboxes/${crypto.randomUUID()}`, { token });
  await askApi(api, `/vaultboxes/${crypto.randomUUID()}`, { token });
  await askApi(api, `/vaultboxes/${id}`, {});
  await askApi(api, "/health/live");
  await askApi(api, `/${"x".repeat(30)}`);
  await askApi(api, `/${"y".repeat(30)}`);
  const counts = parse(await text(world))
    .filter(({ name }) => name === "encimap_api_requests_total")
    .map(({ labels, value }) => [labels["operation"], labels["status"], value]);
  assert.deepEqual(counts, [
    ["getVaultbox", "200", 1],
    ["getVaultbox", "404", 2],
    ["getVaultbox", "401", 1],
    ["live", "200", 1],
    ["none", "404", 2],
  ]);
});

Deno.test("gauges follow the database", async () => {
  await using world = await testWorld();
  const { sql } = world.app;
  const ids = [];
  for (const alias of ["a", "b", "c"]) ids.push(await makeBox(world, alias));
  await sql`
    update vaultboxes set used_messages = 5, used_bytes = 7 where id = ${ids[
    0
  ]!}
  `;
  await sql`
    update vaultboxes set status = 'suspended', max_messages = 1, used_messages = 1
    where id = ${ids[1]!}
  `;
  const ends = async (id: string, days: number) =>
    await sql`
      update vaultbox_certs set not_before = now() - interval '400 days',
        not_after = now() + ${days} * interval '1 day' - interval '1 hour'
      where vaultbox_id = ${id}
    `;
  await ends(ids[0]!, 0);
  await ends(ids[1]!, 29);
  await sql`update vaultboxes set custody = 'external' where id = ${ids[1]!}`;
  const all = await text(world);
  const value = (name: string, labels: Record<string, string> = {}) =>
    valueOf(all, `encimap_${name}`, labels);
  assert.equal(value("vaultboxes", { status: "active" }), 2);
  assert.equal(value("vaultboxes", { status: "suspended" }), 1);
  assert.equal(value("vaultboxes_full"), 1);
  assert.equal(value("stored_messages"), 6);
  assert.equal(value("stored_bytes"), 7);
  const ending = (custody: string) =>
    ["0", "7", "30", "90"].map((days) =>
      value("certificates_ending", { custody, "within_days": days })
    );
  assert.deepEqual(ending("server"), [1, 1, 1, 1]);
  assert.deepEqual(ending("external"), [0, 0, 1, 1]);
  assert.deepEqual(ending("client"), [0, 0, 0, 0]);
  assert.equal(value("certificates_overdue"), 1);
});

Deno.test("what does not answer is 0, and the rest is there", async () => {
  await using world = await testWorld();
  const sql = connect("postgresql://encimap@%2Fnonexistent/db", { max: 1 });
  const all = await metricsText({ ...world.app, sql }, ALONE)();
  for (const up of ["intake", "queue", "database"]) {
    assert.equal(valueOf(all, `encimap_${up}_up`), 0, up);
  }
  assert.equal(
    valueOf(all, "encimap_build_info", { version: "1.2.3" }),
    1,
  );
  assert.equal(valueOf(all, "encimap_vaultboxes"), undefined);
});

Deno.test("only GET /metrics is answered, and to many at once by one answer", async () => {
  await using world = await testWorld();
  let runs = 0;
  const waiting = Promise.withResolvers<string>();
  const fetch = buildMetrics(world.app, () => {
    runs++;
    return waiting.promise;
  });
  const ask = (path: string, method = "GET") =>
    fetch(new Request(`http://x${path}`, { method }));
  assert.equal((await ask("/")).status, 404);
  assert.equal((await ask("/metrics", "POST")).status, 405);
  const both = [ask("/metrics"), ask("/metrics")];
  waiting.resolve("text");
  const texts = await Promise.all(
    both.map(async (each) => (await each).text()),
  );
  assert.deepEqual(texts, ["text", "text"]);
  assert.equal(runs, 1);
});

Deno.test("a queue that cannot be read is no empty queue", async () => {
  const failed = await queueMetrics(
    () => lineHeads(["/bin/false"]),
    new Date(),
  );
  assert.equal(valueOf(failed, "encimap_queue_up"), 0);
  assert.equal(valueOf(failed, "encimap_queue_messages"), undefined);
});

Deno.test("a program behind the queue's socket that says nothing has failed", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/queue.sock`;
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await assert.rejects(queueText(path), /no answer/);
  await new Promise((resolve) => server.close(resolve));
  await Deno.remove(directory, { recursive: true });
});
