import assert from "node:assert/strict";
import {
  deleteSelfTest,
  insertSelfTest,
  listLeftSelfTests,
} from "../../src/db/self_test.ts";
import { mendVaultboxCounts } from "../../src/db/customers.ts";
import { sumVaultboxes } from "../../src/db/measures.ts";
import { EVERYTHING, getVaultbox } from "../../src/db/vaultboxes.ts";
import { reconcileRoutes } from "../../src/vaultbox/routes.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { testWholePath } from "../../src/vaultbox/self_test.ts";
import { buildApi } from "../../src/http/api.ts";
import { ALICE, makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { askApi, bearer, SETTINGS } from "../helpers/http.ts";

/** A vaultbox as the self-test makes it, in Alice's domain. */
async function selfTestBox(world: TestWorld, alias = "self-test-x") {
  const id = crypto.randomUUID();
  const isMade = await world.app.sql.begin((tx) =>
    insertSelfTest(tx, {
      id,
      domain: "pets.example",
      alias,
      username: `encimap-${alias}`,
      passwordHash: "$2b$04$",
    })
  );
  assert.equal(isMade, true);
  return id;
}

Deno.test("the self-test's vaultbox is in nobody's lists and counts", async () => {
  await using world = await testWorld();
  const { app } = world;
  const catId = await makeBox(world);
  const id = await selfTestBox(world);
  const api = buildApi(app, SETTINGS);
  for (const userId of [undefined, ALICE]) {
    const token = await bearer(userId);
    for (const path of ["/vaultboxes", "/usage"]) {
      const { status, body } = await askApi(api, path, { token });
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.data.length, 1, path);
    }
    const one = await askApi(api, `/vaultboxes/${id}`, { token });
    assert.equal(one.status, 404);
  }
  await assert.rejects(getVaultbox(app.sql, id, EVERYTHING), {
    code: "not_found",
  });
  assert.equal((await sumVaultboxes(app.sql)).active, 1);
  assert.deepEqual(await mendVaultboxCounts(app.sql), []);
  const [{ count }] = await world.database.sql`
    select vaultbox_count as count from customers where user_id = ${ALICE}
  ` as unknown as [{ count: number }];
  assert.equal(Number(count), 1);
  // Mail for it has a route all the same.
  await reconcileRoutes(app, { dryRun: false });
  assert.ok(world.mta.transport.has("self-test-x@pets.example"));

  await app.sql.begin((tx) => deleteSelfTest(tx, id));
  await app.sql.begin((tx) => deleteSelfTest(tx, catId));
  assert.deepEqual(
    (await world.database.sql`select id from vaultboxes`).map((row) => row.id),
    [catId],
    "no other vaultbox is deleted in its place",
  );
  assert.deepEqual(
    (await world.database.sql`select vaultbox_id from removals`)
      .map((row) => Object.values(row)[0]),
    [id],
  );
  const former = await world.database.sql`select from former_addresses`;
  assert.equal(former.length, 0);
});

Deno.test("a self-test removes what one that was killed has left, and its own after a failure", async () => {
  await using world = await testWorld({
    ENCIMAP_HOSTNAME: "pets.example",
    ENCIMAP_SMTP_PORT: "1",
  });
  const { app } = world;
  await makeBox(world);
  const left = await selfTestBox(world, "self-test-left");
  await selfTestBox(world, "self-test-now");
  await reconcileRoutes(app, { dryRun: false });
  assert.deepEqual(await listLeftSelfTests(app.sql), []);
  await world.database.sql`
    update vaultboxes set created_at = now() - interval '20 minutes'
    where id = ${left}
  `;
  const decrypt = () => Promise.reject(new Error("nothing comes as far"));
  await assert.rejects(
    testWholePath(app, decrypt, new AbortController().signal),
    /ECONNREFUSED/,
  );
  assert.deepEqual(
    (await world.database.sql`select alias from vaultboxes order by 1`)
      .map((row) => row.alias),
    // The other one may be in use.
    ["cat", "self-test-now"],
  );
  assert.deepEqual(
    [...world.mta.transport.keys()].sort(),
    ["cat@pets.example", "self-test-now@pets.example"],
  );
});

Deno.test("reconcile() removes what a self-test that was killed has left", async () => {
  await using world = await testWorld();
  await makeBox(world);
  const left = await selfTestBox(world, "self-test-left");
  await reconcile(world.app, { dryRun: false });
  assert.ok(world.mta.transport.has("self-test-left@pets.example"));
  await world.database.sql`
    update vaultboxes set created_at = now() - interval '20 minutes'
    where id = ${left}
  `;
  await reconcile(world.app, { dryRun: true });
  assert.ok(world.mta.transport.has("self-test-left@pets.example"));
  await reconcile(world.app, { dryRun: false });
  assert.deepEqual([...world.mta.transport.keys()], ["cat@pets.example"]);
});

Deno.test("a self-test says so where the host's own domain is not hosted", async () => {
  await using world = await testWorld();
  await assert.rejects(
    testWholePath(
      world.app,
      () => Promise.resolve(""),
      new AbortController().signal,
    ),
    /mail\.example\.test is not hosted/,
  );
});
