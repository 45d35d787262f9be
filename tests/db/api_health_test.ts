import assert from "node:assert/strict";
import type { App } from "../../src/app.ts";
import { connect } from "../../src/db/connect.ts";
import { AppError } from "../../src/errors.ts";
import { buildApi } from "../../src/http/api.ts";
import { apiRoutes } from "../../src/http/routes/all.ts";
import { postfixMta } from "../../src/mta/postfix.ts";
import { readyCheck } from "../../src/vaultbox/health.ts";
import { testWorld } from "../helpers/app.ts";
import { askApi, bearer, SETTINGS } from "../helpers/http.ts";

Deno.test("a process that answers is live, whatever else is down", async () => {
  await using world = await testWorld();
  const sql = connect("postgresql://encimap@%2Fnonexistent/db", { max: 1 });
  const api = buildApi({ ...world.app, sql }, SETTINGS);
  const { status, body } = await askApi(api, "/health/live");
  assert.deepEqual([status, body], [200, { status: "live" }]);
});

Deno.test("ready says only whether requests can be answered", async (t) => {
  await using world = await testWorld();
  const { app } = world;
  let time = Date.now();
  const api = buildApi({ ...app, now: () => new Date(time) }, SETTINGS);
  const ready = async () => {
    time += 2000;
    const { status, body } = await askApi(api, "/health/ready");
    return [status, body];
  };
  const yes = [200, { status: "ready" }];
  const no = [503, { status: "unready" }];
  assert.deepEqual(await ready(), yes);

  await t.step("a refusal of Postfix's maps", async () => {
    world.mta.refusal = new AppError("unavailable", "Postfix is away");
    assert.deepEqual(await ready(), no);
    world.mta.refusal = undefined;
    assert.deepEqual(await ready(), yes);
  });
  await t.step("a schema that excludes this program", async () => {
    const { sql } = world.database;
    const newer = { version: 999, name: "future", "excludes_older": null };
    await sql`insert into schema_migrations ${sql(newer)}`;
    assert.deepEqual(await ready(), yes);
    await sql`
      update schema_migrations set excludes_older = 'drops it'
      where version = 999
    `;
    assert.deepEqual(await ready(), no);
    await sql`delete from schema_migrations where version = 999`;
    assert.deepEqual(await ready(), yes);
  });
  await t.step("a schema of an older program", async () => {
    const [last] = await world.database.sql`
      delete from schema_migrations
      where version = (select max(version) from schema_migrations)
      returning version, name
    `;
    assert.deepEqual(await ready(), no);
    const { sql } = world.database;
    await sql`insert into schema_migrations ${sql(last!)}`;
    assert.deepEqual(await ready(), yes);
  });
  await t.step("a lost database", async () => {
    await world.database.allowConnections(false);
    assert.deepEqual(await ready(), no);
    await world.database.allowConnections(true);
    assert.deepEqual(await ready(), yes);
  });
  await t.step("an answer is given again for two seconds", async () => {
    world.mta.refusal = new Error("away");
    const { status } = await askApi(api, "/health/ready");
    assert.equal(status, 200);
    assert.deepEqual(await ready(), no);
  });
});

Deno.test("a check that hangs is waited for, not started again", async () => {
  await using world = await testWorld();
  let time = Date.now();
  let started = 0;
  const hanging = Promise.withResolvers<void>();
  const app: App = {
    ...world.app,
    now: () => new Date(time),
    mta: {
      ...world.mta,
      check() {
        started++;
        return hanging.promise;
      },
    },
  };
  const isReady = readyCheck(app, () => Promise.resolve());
  const together = await Promise.all([isReady(), isReady(), isReady()]);
  assert.deepEqual(together, [false, false, false]);
  time += 2000;
  assert.equal(await isReady(), false);
  assert.equal(started, 1);
  hanging.resolve();
  time += 2000;
  await hanging.promise;
  assert.equal(await isReady(), true);
});

Deno.test("maps that are not there, or not for us to write, are found without a program", async () => {
  const directory = await Deno.makeTempDir({ prefix: "encimap-" });
  const paths = ["domains", "transport", "senders", "refusals"]
    .map((name) => `${directory}/${name}.lmdb`);
  const mta = postfixMta(`${directory}/transport`, () => {
    throw new Error("A program was started");
  });
  for (const path of paths) {
    await assert.rejects(mta.check(), { code: "unavailable" });
    await Deno.writeTextFile(path, "");
  }
  await mta.check();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a route that goes says so in its answers and in the description", async () => {
  await using world = await testWorld();
  const deprecation = {
    since: new Date("2025-01-01T00:00:00Z"),
    sunset: new Date("2026-01-01T00:00:00Z"),
  };
  const routes = apiRoutes(world.app);
  const marked = routes.map((route) =>
    route.operation === "listUsage" ? { ...route, deprecation } : route
  );
  const api = buildApi(world.app, SETTINGS, marked);
  const token = await bearer();
  const headersOf = async (path: string, question = {}) => {
    const { headers } = await askApi(api, path, question);
    return [headers.get("deprecation"), headers.get("sunset")];
  };
  const said = ["@1735689600", "Thu, 01 Jan 2026 00:00:00 GMT"];
  assert.deepEqual(await headersOf("/usage", { token }), said);
  assert.deepEqual(await headersOf("/usage"), said, "401 says it, too");
  assert.deepEqual(await headersOf("/vaultboxes", { token }), [null, null]);
  const { body } = await askApi(api, "/openapi.json");
  assert.equal(body.paths["/usage"].get.deprecated, true);
  assert.equal(body.paths["/vaultboxes"].get.deprecated, undefined);
});
