import assert from "node:assert/strict";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { ALICE, BOB, type TestWorld, testWorld } from "../helpers/app.ts";
import { type Answer, ask, bearer, SETTINGS } from "../helpers/http.ts";

type Ask = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<Pick<Answer, "status" | "body">>;

/** Asks the API as a user, or as a service. */
async function as(api: Fetch, userId?: string): Promise<Ask> {
  const token = await bearer(userId);
  return async (method, path, body) => {
    const answer = await ask(api, token, method, path, body);
    return { status: answer.status, body: answer.body };
  };
}

/** Alice with cat@pets.example, Bob with dog@bobs.example. */
async function prepared(world: TestWorld): Promise<
  { service: Ask; alice: Ask; bob: Ask; cat: string; dog: string }
> {
  const api = buildApi(world.app, SETTINGS);
  const service = await as(api);
  const make = async (userId: string, alias: string, domain: string) => {
    const body = { "user_id": userId, domain, alias };
    const made = await service("POST", "/vaultboxes", body);
    return made.body.data["vaultbox_id"];
  };
  return {
    service,
    alice: await as(api, ALICE),
    bob: await as(api, BOB),
    cat: await make(ALICE, "cat", "pets.example"),
    dog: await make(BOB, "dog", "bobs.example"),
  };
}

Deno.test("PATCH /vaultboxes/{id} changes what it names, and writes it down", async () => {
  await using world = await testWorld();
  const { service, alice, cat } = await prepared(world);
  const path = `/vaultboxes/${cat}`;
  const renamed = await alice("PATCH", path, { name: " Tom " });
  assert.equal(renamed.status, 200);
  assert.equal(renamed.body.data.name, "Tom");
  const limited = await service("PATCH", path, {
    "max_bytes": 1_000_000,
    status: "suspended",
  });
  const { data } = limited.body;
  assert.equal(data.name, "Tom");
  assert.equal(data.status, "suspended");
  assert.equal(data["max_bytes"], 1_000_000);
  assert.equal(data["max_messages"], null);
  assert.equal(data["used_bytes"], 0);
  const same = await alice("PATCH", path, {});
  assert.deepEqual(same.body.data, data);
  const log = await alice("GET", "/audit?action=vaultbox.update");
  assert.deepEqual(
    log.body.data.map(({ details }: { details: unknown }) => details),
    [{ status: "suspended", "max_bytes": 1_000_000 }, { name: "Tom" }],
  );
});

Deno.test("aliases and the catch-all work over the API", async () => {
  await using world = await testWorld();
  const { alice, cat } = await prepared(world);
  const path = `/vaultboxes/${cat}/aliases`;
  for (const local of ["Kitty", "tom", "a.b"]) {
    const address = `${local}@PETS.example`;
    assert.equal((await alice("POST", path, { address })).status, 201);
  }
  const page = await alice("GET", `${path}?limit=2&sort=-address`);
  const addresses = (answer: Pick<Answer, "body">): string[] =>
    answer.body.data.map((each: { address: string }) => each.address);
  assert.deepEqual(addresses(page), ["tom@pets.example", "kitty@pets.example"]);
  const cursor = page.body["next_cursor"];
  const rest = await alice(
    "GET",
    `${path}?limit=2&sort=-address&cursor=${cursor}`,
  );
  assert.deepEqual(addresses(rest), ["a.b@pets.example"]);
  const gone = await alice("DELETE", `${path}/Tom%40pets.example`);
  assert.deepEqual(gone.body, {
    success: true,
    message: "Alias deleted successfully",
  });
  assert.equal((await alice("DELETE", `${path}/tom@pets.example`)).status, 404);

  const catchAll = "/domains/pets.example/catch-all";
  assert.equal((await alice("GET", catchAll)).status, 404);
  const put = await alice("PUT", catchAll, { "vaultbox_id": cat });
  assert.equal(put.status, 200);
  assert.equal(put.body.data["vaultbox_id"], cat);
  assert.deepEqual((await alice("GET", catchAll)).body, put.body);
  assert.equal((await alice("DELETE", catchAll)).status, 200);
  assert.equal((await alice("DELETE", catchAll)).status, 404);
});

Deno.test("customers are shown and limited by a service; a user sees itself alone", async () => {
  await using world = await testWorld();
  const { service, alice } = await prepared(world);
  const path = `/customers/${ALICE}`;
  const limited = await service("PATCH", path, { "max_vaultboxes": 1 });
  const customer = {
    "user_id": ALICE,
    "max_vaultboxes": 1,
    "max_bytes": null,
    "max_messages": null,
    "vaultbox_count": 1,
    "used_bytes": null,
    "used_messages": null,
  };
  assert.deepEqual(limited.body.data, customer);
  assert.deepEqual((await alice("GET", path)).body.data, customer);
  const listed = await service("GET", "/customers?limit=1");
  assert.deepEqual(listed.body.data, [customer]);
  assert.equal(typeof listed.body["next_cursor"], "string");
  const fox = { domain: "pets.example", alias: "fox" };
  const refused = await alice("POST", "/vaultboxes", fox);
  assert.equal(refused.status, 409);
  assert.equal(refused.body.error.code, "quota_exceeded");
  const unknown = crypto.randomUUID();
  const fresh = await service("GET", `/customers/${unknown}`);
  assert.equal(fresh.body.data["vaultbox_count"], 0);
  for (const other of [BOB, unknown, "x"]) {
    const theirs = await alice("GET", `/customers/${other}`);
    assert.equal(theirs.status, 404);
    assert.equal(theirs.body.error.message, "No such customer");
  }
  assert.equal((await alice("GET", "/customers")).status, 403);
  const lift = await alice("PATCH", path, { "max_vaultboxes": null });
  assert.equal(lift.status, 403);
  // A service that acts as a user sees that user alone.
  const acting = await service("GET", `/customers?user_id=${BOB}`);
  assert.deepEqual(
    acting.body.data.map((each: Record<string, unknown>) => each["user_id"]),
    [BOB],
  );
  const cross = await service("PATCH", `${path}?user_id=${BOB}`, {
    "max_vaultboxes": null,
  });
  assert.equal(cross.status, 404);
});

Deno.test("what is another user's answers as if it were not there", async (t) => {
  await using world = await testWorld();
  const { alice, bob, cat, dog } = await prepared(world);
  const kitty = "kitty@pets.example";
  await alice("POST", `/vaultboxes/${cat}/aliases`, { address: kitty });
  const inPets = "/domains/pets.example/catch-all";
  await alice("PUT", inPets, { "vaultbox_id": cat });
  const missing = crypto.randomUUID();
  const free = "/domains/free.example/catch-all";
  const pairs: [string, string, string, unknown?, unknown?][] = [
    ["PATCH", `/vaultboxes/${cat}`, `/vaultboxes/${missing}`, { name: "x" }],
    ["PATCH", `/vaultboxes/${cat}`, `/vaultboxes/${missing}`, {
      "max_bytes": null,
    }],
    ["GET", `/vaultboxes/${cat}/aliases`, `/vaultboxes/${missing}/aliases`],
    ["POST", `/vaultboxes/${cat}/aliases`, `/vaultboxes/${missing}/aliases`, {
      address: "tom@bobs.example",
    }],
    [
      "DELETE",
      `/vaultboxes/${cat}/aliases/${kitty}`,
      `/vaultboxes/${missing}/aliases/${kitty}`,
    ],
    ["GET", inPets, free],
    ["PUT", inPets, free, { "vaultbox_id": dog }],
    [
      "PUT",
      "/domains/bobs.example/catch-all",
      "/domains/bobs.example/catch-all",
      {
        "vaultbox_id": cat,
      },
      { "vaultbox_id": missing },
    ],
    ["DELETE", inPets, free],
  ];
  for (const [method, theirs, none, body, other = body] of pairs) {
    await t.step(`${method} ${theirs}`, async () => {
      const before = await bob(method, theirs, body);
      assert.equal(before.status, 404);
      assert.deepEqual(before, await bob(method, none, other));
    });
  }
  await t.step("nothing was changed", async () => {
    const [row] = (await alice("GET", "/vaultboxes")).body.data;
    assert.equal(row.name, "cat@pets.example");
    const aliases = await alice("GET", `/vaultboxes/${cat}/aliases`);
    assert.equal(aliases.body.data.length, 1);
    const { data } = (await alice("GET", inPets)).body;
    assert.equal(data["vaultbox_id"], cat);
  });
});

Deno.test("bad input is answered with 400 that names the field", async (t) => {
  await using world = await testWorld();
  const { service, cat } = await prepared(world);
  const box = `/vaultboxes/${cat}`;
  const customer = `/customers/${ALICE}`;
  const aliases = `${box}/aliases`;
  const cases: [string, string, unknown, string][] = [
    ["PATCH", box, { status: "deleted" }, "status"],
    ["PATCH", box, { status: null }, "status"],
    ["PATCH", box, { name: "" }, "name"],
    ["PATCH", box, { name: null }, "name"],
    ["PATCH", box, { "max_bytes": 65_535 }, "max_bytes"],
    ["PATCH", box, { "max_bytes": "1000000" }, "max_bytes"],
    ["PATCH", box, { "max_bytes": 1e300 }, "max_bytes"],
    ["PATCH", box, { "max_messages": 0 }, "max_messages"],
    ["PATCH", box, { "max_messages": 1.5 }, "max_messages"],
    ["PATCH", box, { domain: "x.example" }, "domain"],
    ["PATCH", customer, { "max_vaultboxes": -1 }, "max_vaultboxes"],
    ["PATCH", customer, { "vaultbox_count": 0 }, "vaultbox_count"],
    ["POST", aliases, {}, "address"],
    ["POST", aliases, { address: "kitty" }, "address"],
    ["POST", aliases, { address: "*@pets.example" }, "alias"],
    ["POST", aliases, { address: "a+b@pets.example" }, "alias"],
    ["POST", aliases, { address: '"a b"@pets.example' }, "alias"],
    ["POST", aliases, { address: "a@pets.example\n" }, "domain"],
    ["POST", aliases, { address: ["a@pets.example"] }, "address"],
    ["PUT", "/domains/pets.example/catch-all", {}, "vaultbox_id"],
    ["PUT", "/domains/pets.example/catch-all", {
      "vaultbox_id": "x",
    }, "vaultbox_id"],
    ["GET", "/customers?sort=name", undefined, "sort"],
    ["GET", `${aliases}?cursor=x`, undefined, "cursor"],
  ];
  for (const [method, path, body, field] of cases) {
    await t.step(`${method} ${path} ${JSON.stringify(body)}`, async () => {
      const answer = await service(method, path, body);
      assert.equal(answer.status, 400);
      assert.match(answer.body.error.message, new RegExp(`^${field} `));
    });
  }
  await t.step("a domain or an alias that cannot be is not there", async () => {
    for (const path of ["/domains/%2e%2e/catch-all", "/domains/*/catch-all"]) {
      assert.equal((await service("GET", path)).status, 404);
    }
    const answer = await service("DELETE", `${aliases}/*@pets.example`);
    assert.equal(answer.status, 404);
  });
});
