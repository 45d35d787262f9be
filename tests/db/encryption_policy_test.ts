import assert from "node:assert/strict";
import { buildApi } from "../../src/http/api.ts";
import { ALICE, BOB, testWorld } from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";

const POLICY = {
  "content_cipher": null,
  "key_transport": null,
  "header_protection": null,
};
const IN_FORCE = {
  "content_cipher": "aes-256-cbc",
  "key_transport": "rsaes-pkcs1-v1_5",
  "header_protection": "off",
};

/** A world where Alice has cat@pets.example. */
async function prepared(env: Record<string, string> = {}) {
  const world = await testWorld(env);
  const api = buildApi(world.app, SETTINGS);
  const service = await bearer();
  const alice = await bearer(ALICE);
  const made = await ask(api, service, "POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
  });
  const path = `/vaultboxes/${made.body.data["vaultbox_id"]}`;
  return {
    world,
    path,
    show: async () => (await ask(api, alice, "GET", path)).body.data,
    patch: (body: unknown, token = alice) =>
      ask(api, token, "PATCH", path, body),
    audit: async () =>
      (await ask(api, alice, "GET", "/audit?action=vaultbox.update")).body.data
        .map(({ details }: { details: unknown }) => details),
  };
}

/** The four fields of a vaultbox that are about encryption. */
function policy(data: Record<string, unknown>): unknown {
  const { encryption } = data;
  const chosen = Object.keys(POLICY).map((key) => [key, data[key]]);
  return { ...Object.fromEntries(chosen), encryption };
}

Deno.test("a vaultbox shows the policy that it has chosen, and the one in force", async () => {
  const { world, show, patch, audit } = await prepared({
    ENCIMAP_HEADER_PROTECTION: "off",
  });
  await using _ = world;
  assert.deepEqual(policy(await show()), { ...POLICY, encryption: IN_FORCE });
  const chosen = {
    "content_cipher": "aes-128-cbc",
    "header_protection": "protect",
  };
  const { status, body } = await patch(chosen);
  assert.equal(status, 200);
  const expected = {
    ...POLICY,
    ...chosen,
    encryption: { ...IN_FORCE, ...chosen },
  };
  assert.deepEqual(policy(body.data), expected);
  assert.deepEqual(policy(await show()), expected);
  await patch({ "content_cipher": null });
  assert.deepEqual(policy(await show()), {
    ...POLICY,
    "header_protection": "protect",
    encryption: { ...IN_FORCE, "header_protection": "protect" },
  });
  assert.deepEqual(await audit(), [{ "content_cipher": null }, chosen]);
});

for (
  const risky of [
    { "content_cipher": "aes-256-gcm" },
    { "key_transport": "rsaes-oaep" },
    { "header_protection": "hide" },
  ]
) {
  const text = JSON.stringify(risky);
  Deno.test(`PATCH of ${text} is 409 and changes nothing, unless it is explicit`, async () => {
    const { world, show, patch, audit } = await prepared();
    await using _ = world;
    const before = await show();
    const refused = await patch({ ...risky, name: "Tom", explicit: false });
    assert.equal(refused.status, 409);
    assert.match(refused.body.error.details.advice, /encryption-trial/);
    assert.deepEqual(await show(), before);
    assert.deepEqual(await audit(), []);
    // Who has no such vaultbox learns nothing of it.
    assert.equal((await patch(risky, await bearer(BOB))).status, 404);

    assert.equal((await patch({ ...risky, explicit: true })).status, 200);
    // What is in force already needs no trial.
    assert.equal((await patch(risky)).status, 200);
    const [[key, value]] = Object.entries(risky) as [[string, string]];
    assert.equal((await show()).encryption[key], value);
  });
}

Deno.test("PATCH takes no policy that does not exist", async () => {
  const { world, patch } = await prepared();
  await using _ = world;
  for (const key of Object.keys(POLICY)) {
    for (const value of ["des-ede3-cbc", "", 1, true, ["off"], "OFF"]) {
      const { status } = await patch({ [key]: value, explicit: true });
      assert.equal(status, 400, `${key} ${value}`);
    }
  }
  assert.equal((await patch({ explicit: "true" })).status, 400);
});

Deno.test("the database takes no policy that does not exist", async () => {
  const { world } = await prepared();
  await using _ = world;
  const { sql } = world.app;
  for (const column of Object.keys(POLICY)) {
    await assert.rejects(
      sql`update vaultboxes set ${sql({ [column]: "rot13" })}`,
      { code: "23514" },
    );
  }
});
