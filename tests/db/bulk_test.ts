import assert from "node:assert/strict";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { buildApi } from "../../src/http/api.ts";
import { ALICE, BOB, testWorld } from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";

const pet = (alias: string) => ({
  "user_id": ALICE,
  domain: "pets.example",
  alias,
});

Deno.test("bulk requests give each item its own result, in order", async (t) => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const service = await bearer();
  let ids: string[] = [];

  await t.step("create", async () => {
    const { status, body } = await ask(
      api,
      service,
      "POST",
      "/vaultboxes/bulk-create",
      {
        items: [
          pet("cat"),
          pet("c t"),
          pet("dog"),
          pet("postmaster"),
          { ...pet("owl"), color: "grey" },
          7,
          pet("fox"),
        ],
      },
    );
    assert.equal(status, 200);
    assert.deepEqual(
      body.data.map((each: { error?: { code: string } }) =>
        each.error?.code ?? "done"
      ),
      [
        "done",
        "invalid_request",
        "done",
        "conflict",
        "invalid_request",
        "invalid_request",
        "done",
      ],
    );
    assert.deepEqual(
      body.data.map((each: { index: number }) => each.index),
      [0, 1, 2, 3, 4, 5, 6],
    );
    ids = [0, 2, 6].map((index) => body.data[index].data["vaultbox_id"]);
    assert.deepEqual([...world.mta.transport.keys()].sort(), [
      "cat@pets.example",
      "dog@pets.example",
      "fox@pets.example",
    ]);
  });
  await t.step("the same address twice is made once", async () => {
    const items = [pet("bat"), pet("bat")];
    const path = "/vaultboxes/bulk-create";
    const { body } = await ask(api, service, "POST", path, { items });
    assert.deepEqual(
      body.data.map((each: { success: boolean }) => each.success).sort(),
      [false, true],
    );
  });
  await t.step("regenerate", async () => {
    await ask(api, service, "POST", `/vaultboxes/${ids[0]}/imap-credentials`);
    const items = ids.map((id) => ({ "vaultbox_id": id, service: "imap" }));
    const path = "/vaultboxes/bulk-regenerate";
    const { body } = await ask(api, service, "POST", path, { items });
    assert.match(body.data[0].data.password, /^[a-z2-9]{24}$/);
    assert.equal(body.data[1].error.code, "not_found");
  });
  await t.step("another user deletes nothing", async () => {
    const items = ids.map((id) => ({ "vaultbox_id": id }));
    const path = "/vaultboxes/bulk-delete";
    const bob = await bearer(BOB);
    const { body } = await ask(api, bob, "POST", path, { items });
    for (const each of body.data) assert.equal(each.error.code, "not_found");
  });
  await t.step("delete", async () => {
    const items = [...ids, ids[0]].map((id) => ({ "vaultbox_id": id }));
    const path = "/vaultboxes/bulk-delete";
    const { body } = await ask(api, service, "POST", path, { items });
    const done = body.data.filter((each: { success: boolean }) => each.success);
    assert.equal(done.length, 3);
    assert.deepEqual([...world.mta.transport.keys()], ["bat@pets.example"]);
  });
  for (const [name, items] of [["none", []], ["101", Array(101).fill({})]]) {
    await t.step(`${name} items are refused`, async () => {
      const path = "/vaultboxes/bulk-delete";
      const answer = await ask(api, service, "POST", path, { items });
      assert.equal(answer.status, 400);
      assert.match(answer.body.error.message, /^items/);
    });
  }
});

Deno.test("GET /messages pages through what is known of messages, without content", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const service = await bearer();
  const made = await ask(api, service, "POST", "/vaultboxes", pet("cat"));
  const id = made.body.data["vaultbox_id"];
  for (const n of [1, 2, 3]) {
    await deliver(world.intake, {
      route: id,
      recipient: "cat@pets.example",
      sender: "dog@kennel.example",
      queueId: `4fWx9r0Xq1z${n}`,
      message: received(new TextEncoder().encode(
        `From: dog@kennel.example\r\nMessage-ID: <${n}@kennel.example>\r\n` +
          `Subject: Very private\r\n\r\nVery private\r\n`,
      )),
    });
  }
  const path = `/messages?vaultbox_id=${id}&limit=2`;
  const first = await ask(api, service, "GET", path);
  const second = await ask(
    api,
    service,
    "GET",
    `${path}&cursor=${first.body["next_cursor"]}`,
  );
  const all = [...first.body.data, ...second.body.data];
  assert.deepEqual(
    all.map((each) => each["message_id"]),
    ["<3@kennel.example>", "<2@kennel.example>", "<1@kennel.example>"],
  );
  assert.equal(all[0]["from_domain"], "kennel.example");
  assert.equal(all[0]["to_alias"], "cat");
  assert.equal(all[0]["encrypted_by"], "appliance");
  assert.equal(second.body["next_cursor"], undefined);
  assert.doesNotMatch(JSON.stringify(all), /private|hmac|file/i);

  const until = encodeURIComponent(all[0]["received_at"]);
  const older = `/messages?vaultbox_id=${id}&received_before=${until}`;
  assert.equal((await ask(api, service, "GET", older)).body.data.length, 2);
  const bob = await ask(api, await bearer(BOB), "GET", path);
  const missing = await ask(
    api,
    await bearer(BOB),
    "GET",
    `/messages?vaultbox_id=${crypto.randomUUID()}`,
  );
  assert.equal(bob.status, 404);
  assert.deepEqual(bob.body, missing.body);
});
