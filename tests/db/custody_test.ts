import { unzipSync } from "fflate";
import assert from "node:assert/strict";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { ALICE, BOB, testWorld } from "../helpers/app.ts";
import { csrFor } from "../helpers/operations.ts";
import { foreignCertificate } from "../helpers/certificates.ts";
import { type Answer, ask, bearer, SETTINGS } from "../helpers/http.ts";

const CAT = { "user_id": ALICE, domain: "pets.example", alias: "cat" };
const PASSWORD = "correct horse battery";
const HOUR_MS = 3_600_000;

type Row = Record<string, unknown>;

/** A world with Cat's vaultbox. */
async function catWorld(creation: Row = {}) {
  const world = await testWorld();
  const { app } = world;
  const api: Fetch = buildApi(app, SETTINGS);
  const token = await bearer();
  const send = (method: string, path: string, body?: unknown) =>
    ask(api, token, method, path, body);
  const made = await send("POST", "/vaultboxes", { ...CAT, ...creation });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const id: string = made.body.data["vaultbox_id"];
  const request = { "vaultbox_id": id, password: PASSWORD };
  return {
    world,
    app,
    api,
    id,
    path: `/vaultboxes/${id}/custody`,
    send,
    bundle: () => send("POST", "/bundle", request),
    p12: () => send("POST", "/p12", request),
    generate: () =>
      send("POST", "/generate-certificate", { email: "cat@pets.example" }),
    async certificates(): Promise<Row[]> {
      const { body } = await send("GET", `/vaultboxes/${id}/certificates`);
      return body.data;
    },
    async custody(): Promise<Row> {
      return (await send("GET", `/vaultboxes/${id}/custody`)).body.data;
    },
    async actions(): Promise<string[]> {
      const { body } = await send("GET", `/audit?vaultbox_id=${id}&sort=id`);
      return body.data.map((row: Row) => row["action"]);
    },
    /** Makes hand-outs older. */
    age: (ms: number) =>
      app.sql`
        update hand_outs
        set handed_out_at = handed_out_at - ${ms} * interval '1 ms'
      `,
    keys: () => app.privateKeys.list(),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function sha256(answer: Answer): Promise<string> {
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const hash = await crypto.subtle.digest("SHA-256", answer.body);
  return new Uint8Array(hash).toHex();
}

Deno.test("a key of custody client is handed out, confirmed and destroyed, with a receipt", async () => {
  await using cat = await catWorld({ custody: "client" });
  const [made] = await cat.certificates();
  assert.equal(made!["key_state"], "kept");
  assert.deepEqual(await cat.keys(), [made!["id"]]);
  const hash = await sha256(await cat.bundle());
  const open = await cat.custody();
  assert.equal(open["keys_kept"], 1);
  assert.equal((open["hand_out"] as Row)["files"], 1);
  assert.deepEqual(await cat.keys(), [made!["id"]], "kept until confirmed");

  const confirm = () =>
    cat.send("POST", `${cat.path}/confirm`, { sha256: hash.toUpperCase() });
  const receipt = await confirm();
  assert.equal(receipt.status, 200, JSON.stringify(receipt.body));
  const [key] = receipt.body.data.keys;
  assert.equal(key["certificate_id"], made!["id"]);
  assert.equal(key["fingerprint_sha256"], made!["fingerprint_sha256"]);
  assert.equal(key["request_id"], receipt.headers.get("x-request-id"));
  assert.match(receipt.body.data["not_covered"], /backups/);
  assert.deepEqual(await cat.keys(), []);
  assert.deepEqual(
    await Array.fromAsync(Deno.readDir(`${cat.world.directory}/keys`)),
    [],
  );
  assert.deepEqual((await confirm()).body, receipt.body, "the same again");

  const [now] = await cat.certificates();
  assert.equal(now!["key_state"], "destroyed");
  assert.equal(now!["is_recipient"], true, "mail goes on");
  assert.equal(now!["key_destroyed_at"], key["destroyed_at"]);
  const state = await cat.custody();
  assert.equal(state["hand_out"], null);
  assert.equal(state["keys_destroyed"], 1);
  assert.deepEqual((await cat.actions()).slice(-2), [
    "key.hand_out",
    "key.destroy",
  ]);
  for (const again of [await cat.bundle(), await cat.p12()]) {
    assert.equal(again.status, 409);
    const { custody, reason, advice } = again.body.error.details;
    assert.deepEqual([custody, reason], ["client", "destroyed"]);
    assert.match(advice, /generate-certificate/);
  }
});

Deno.test("a download of custody client may be repeated for an hour, and any whole file confirms", async () => {
  await using cat = await catWorld({ custody: "client" });
  const first = await sha256(await cat.bundle());
  await cat.age(HOUR_MS - 60_000);
  const second = await sha256(await cat.bundle());
  assert.notEqual(first, second);
  assert.equal(((await cat.custody())["hand_out"] as Row)["files"], 2);
  const confirmed = await cat.send("POST", `${cat.path}/confirm`, {
    sha256: first,
  });
  assert.equal(confirmed.status, 200);
  assert.equal((await cat.custody())["hand_out"], null);
  const other = await cat.send("POST", `${cat.path}/confirm`, {
    sha256: second,
  });
  assert.deepEqual(other.body.data.keys, confirmed.body.data.keys);
});

Deno.test("after an hour an unconfirmed hand-out is confirmed or taken back, not repeated", async () => {
  await using cat = await catWorld({ custody: "client" });
  const lost = await sha256(await cat.bundle());
  await cat.age(HOUR_MS + 60_000);
  const late = await cat.bundle();
  assert.equal(late.status, 409);
  assert.equal(late.body.error.details.reason, "unconfirmed");
  assert.equal((await cat.keys()).length, 1);

  const back = await cat.send("POST", `${cat.path}/take-back`);
  assert.equal(back.status, 200, JSON.stringify(back.body));
  assert.equal(back.body.data["keys_kept"], 2);
  const [newest, old] = await cat.certificates();
  assert.deepEqual(
    [newest!["is_recipient"], old!["is_recipient"]],
    [true, false],
    "what may be in other hands opens no new mail",
  );
  const refused = await cat.send("POST", `${cat.path}/confirm`, {
    sha256: lost,
  });
  assert.equal(refused.status, 409);
  assert.equal((await cat.send("POST", `${cat.path}/take-back`)).status, 409);

  const next = await cat.bundle();
  const text = new TextDecoder("latin1").decode(next.body);
  assert.ok(/(older|previous)\/1\//.test(text), "the old key is in it");
  await cat.send("POST", `${cat.path}/confirm`, { sha256: await sha256(next) });
  assert.deepEqual(await cat.keys(), []);
  assert.equal((await cat.custody())["keys_destroyed"], 2);
});

Deno.test("confirming destroys what was in the file and no key that came later", async () => {
  await using cat = await catWorld({ custody: "client" });
  const hash = await sha256(await cat.bundle());
  assert.equal((await cat.generate()).status, 201);
  const later = await sha256(await cat.bundle());
  assert.equal((await cat.p12()).status, 409, "one file has to have all keys");
  await cat.send("POST", `${cat.path}/confirm`, { sha256: hash });
  const states = (await cat.certificates()).map((row) => row["key_state"]);
  assert.deepEqual(states, ["kept", "destroyed"]);
  assert.equal(((await cat.custody())["hand_out"] as Row)["files"], 1);
  await cat.send("POST", `${cat.path}/confirm`, { sha256: later });
  assert.deepEqual(await cat.keys(), []);
});

Deno.test("a hand-out is confirmed by its file alone", async () => {
  await using cat = await catWorld({ custody: "client" });
  await cat.bundle();
  const wrong = await cat.send("POST", `${cat.path}/confirm`, {
    sha256: "0".repeat(64),
  });
  assert.equal(wrong.status, 404);
  for (const sha256 of ["", "xyz", 7, null]) {
    const bad = await cat.send("POST", `${cat.path}/confirm`, { sha256 });
    assert.equal(bad.status, 400);
  }
  assert.equal((await cat.keys()).length, 1);
});

Deno.test("nothing but the file says what confirms it", async () => {
  await using cat = await catWorld({ custody: "client" });
  const hash = await sha256(await cat.bundle());
  for (
    const path of [
      `/audit?vaultbox_id=${cat.id}`,
      `/vaultboxes/${cat.id}`,
      `/vaultboxes/${cat.id}/certificates`,
      cat.path,
    ]
  ) {
    const { status, body } = await cat.send("GET", path);
    assert.equal(status, 200);
    assert.ok(!JSON.stringify(body).includes(hash), path);
  }
});

Deno.test("custody of another user's vaultbox is as if it were not there", async () => {
  await using cat = await catWorld({ custody: "client" });
  const hash = await sha256(await cat.bundle());
  const [row] = await cat.certificates();
  const bob = await bearer(BOB);
  const one = `/vaultboxes/${cat.id}/certificates/${row!["id"]}`;
  const fingerprint = { "fingerprint_sha256": row!["fingerprint_sha256"] };
  for (
    const [method, path, body] of [
      ["GET", cat.path, undefined],
      ["PUT", cat.path, { custody: "server" }],
      ["POST", `${cat.path}/confirm`, { sha256: hash }],
      ["POST", `${cat.path}/take-back`, {}],
      ["POST", `${one}/destroy-key`, fingerprint],
    ] as const
  ) {
    const answer = await ask(cat.api, bob, method, path, body);
    assert.equal(answer.status, 404, path);
  }
  assert.equal((await cat.keys()).length, 1);
});

Deno.test("a key whose end is decided is in no bundle, and the sweep finishes it", async () => {
  await using cat = await catWorld({ custody: "client" });
  const hash = await sha256(await cat.bundle());
  // The disk fails between the commit and the removal.
  const privateKeys = {
    ...cat.app.privateKeys,
    remove: () => Promise.reject(new Error("EIO")),
  };
  const broken = buildApi({ ...cat.app, privateKeys }, SETTINGS);
  const answer = await ask(
    broken,
    await bearer(),
    "POST",
    `${cat.path}/confirm`,
    { sha256: hash },
  );
  assert.equal(answer.status, 500, "no receipt");
  assert.equal((await cat.certificates())[0]!["key_state"], "destroying");
  assert.equal((await cat.keys()).length, 1);
  assert.equal((await cat.bundle()).status, 409);
  await reconcile(cat.app, { dryRun: true });
  assert.equal((await cat.keys()).length, 1);
  await reconcile(cat.app, { dryRun: false });
  assert.deepEqual(await cat.keys(), []);
  const receipt = await cat.send("POST", `${cat.path}/confirm`, {
    sha256: hash,
  });
  assert.equal(receipt.body.data.keys.length, 1);
});

Deno.test("a key that cannot be destroyed keeps neither other keys nor the start", async () => {
  await using cat = await catWorld();
  await cat.generate();
  const [newest, first] = await cat.certificates();
  const keys = `${cat.world.directory}/keys`;
  const stuck = `${keys}/${first!["id"]}.key`;
  await Deno.remove(stuck);
  // Neither to be overwritten nor removed.
  await Deno.mkdir(`${stuck}/a`, { recursive: true });
  await cat.app.sql`
    update vaultbox_certs set key_state = 'destroying',
      handed_out_at = now()
  `;
  await reconcile(cat.app, { dryRun: false });
  const states = (await cat.certificates()).map((row) => row["key_state"]);
  assert.deepEqual(states, ["destroyed", "destroying"]);
  assert.ok(!(await cat.keys()).includes(String(newest!["id"])));
});

Deno.test("a destroyed key that a backup brings back is destroyed again", async () => {
  await using cat = await catWorld({ custody: "client" });
  const [made] = await cat.certificates();
  const path = `${cat.world.directory}/keys/${made!["id"]}.key`;
  const backup = await Deno.readFile(path);
  const hash = await sha256(await cat.bundle());
  await cat.send("POST", `${cat.path}/confirm`, { sha256: hash });
  await Deno.writeFile(path, backup);
  await reconcile(cat.app, { dryRun: false });
  assert.deepEqual(await cat.keys(), []);
});

Deno.test("a bundle that is made while its hand-out is confirmed does not go out", async () => {
  await using cat = await catWorld({ custody: "client" });
  const hash = await sha256(await cat.bundle());
  const privateKeys = {
    ...cat.app.privateKeys,
    async read(name: Parameters<typeof cat.app.privateKeys.read>[0]) {
      const key = await cat.app.privateKeys.read(name);
      await cat.send("POST", `${cat.path}/confirm`, { sha256: hash });
      return key;
    },
  };
  const slow = buildApi({ ...cat.app, privateKeys }, SETTINGS);
  const request = { "vaultbox_id": cat.id, password: PASSWORD };
  const answer = await ask(slow, await bearer(), "POST", "/bundle", request);
  assert.equal(answer.status, 409);
  assert.deepEqual(await cat.keys(), []);
});

Deno.test("custody changes from server to client without the loss of a key", async () => {
  await using cat = await catWorld();
  await cat.bundle();
  await cat.generate();
  const preview = await cat.send("PUT", cat.path, {
    custody: "client",
    "dry_run": true,
  });
  assert.equal(preview.body.data.custody, "server");
  assert.match(preview.body.data.warnings[0], /^Private keys here: 2\./);
  const changed = await cat.send("PUT", cat.path, { custody: "client" });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.equal(changed.body.data.custody, "client");
  assert.equal(changed.body.data["keys_kept"], 2);
  const again = await cat.send("PUT", cat.path, { custody: "client" });
  assert.deepEqual(again.body.data.warnings, []);
  const hash = await sha256(await cat.bundle());
  await cat.send("POST", `${cat.path}/confirm`, { sha256: hash });
  assert.deepEqual(await cat.keys(), []);
  const recipients = (await cat.certificates())
    .map((row) => row["is_recipient"]);
  assert.deepEqual(recipients, [true, true]);
  assert.equal(
    (await cat.actions()).filter((each) => each === "vaultbox.custody").length,
    1,
  );
});

Deno.test("custody changes to external with a certificate alone, and keys go on request alone", async () => {
  await using cat = await catWorld();
  const early = await cat.send("PUT", cat.path, { custody: "external" });
  assert.equal(early.status, 409);
  assert.match(early.body.error.details.advice, /Upload/);
  const { pem } = await foreignCertificate();
  const certificates = `/vaultboxes/${cat.id}/certificates`;
  await cat.send("POST", certificates, { certificate: pem });
  const changed = await cat.send("PUT", cat.path, { custody: "external" });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  for (const answer of [await cat.bundle(), await cat.generate()]) {
    assert.equal(answer.status, 409);
    assert.equal(answer.body.error.details.reason, "held_elsewhere");
  }
  assert.equal((await cat.keys()).length, 1);
  const [own, made] = await cat.certificates();
  assert.equal(made!["is_recipient"], false);
  const destroy = (row: Row, fingerprint: unknown) =>
    cat.send("POST", `${certificates}/${row["id"]}/destroy-key`, {
      "fingerprint_sha256": fingerprint,
    });
  const other = await destroy(made!, own!["fingerprint_sha256"]);
  assert.equal(other.status, 400);
  const never = await destroy(own!, own!["fingerprint_sha256"]);
  assert.equal(never.status, 409);
  const receipt = await destroy(made!, made!["fingerprint_sha256"]);
  assert.equal(receipt.status, 200, JSON.stringify(receipt.body));
  assert.equal(receipt.body.data.keys.length, 1);
  assert.deepEqual(await cat.keys(), []);
  const twice = await destroy(made!, made!["fingerprint_sha256"]);
  assert.deepEqual(twice.body, receipt.body);
});

Deno.test("the only key that opens new mail is not destroyed", async () => {
  await using cat = await catWorld();
  const [made] = await cat.certificates();
  const answer = await cat.send(
    "POST",
    `/vaultboxes/${cat.id}/certificates/${made!["id"]}/destroy-key`,
    { "fingerprint_sha256": made!["fingerprint_sha256"] },
  );
  assert.equal(answer.status, 409);
  assert.equal((await cat.keys()).length, 1);
});

Deno.test("a certificate whose key nobody has gets no mail, whatever is retired", async () => {
  await using cat = await catWorld();
  await cat.generate();
  const [newest, old] = await cat.certificates();
  const certificates = `/vaultboxes/${cat.id}/certificates`;
  const destroyed = await cat.send(
    "POST",
    `${certificates}/${old!["id"]}/destroy-key`,
    { "fingerprint_sha256": old!["fingerprint_sha256"] },
  );
  assert.equal(destroyed.status, 200, JSON.stringify(destroyed.body));
  const restored = await cat.send(
    "POST",
    `${certificates}/${old!["id"]}/restore`,
  );
  assert.equal(restored.status, 409);
  const retired = await cat.send(
    "POST",
    `${certificates}/${newest!["id"]}/retire`,
  );
  assert.equal(retired.status, 409);
  assert.deepEqual(
    (await cat.certificates()).map((row) => row["is_recipient"]),
    [true, false],
  );
});

for (const custody of ["client", "external"] as const) {
  Deno.test(`custody changes from ${custody} to server with a new key`, async () => {
    const { pem } = await foreignCertificate();
    await using cat = await catWorld(
      custody === "client" ? { custody } : { custody, certificate: pem },
    );
    if (custody === "client") {
      const hash = await sha256(await cat.bundle());
      await cat.send("POST", `${cat.path}/confirm`, { sha256: hash });
    }
    assert.deepEqual(await cat.keys(), []);
    const changed = await cat.send("PUT", cat.path, { custody: "server" });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    assert.equal(changed.body.data.warnings.length, 2);
    assert.equal((await cat.keys()).length, 1);
    assert.equal((await cat.bundle()).status, 200);
    const recipients = (await cat.certificates())
      .map((row) => row["is_recipient"]);
    assert.deepEqual(recipients, [true, true]);
  });
}

Deno.test("a vaultbox of custody external begins client custody with a new key", async () => {
  const { pem } = await foreignCertificate();
  await using cat = await catWorld({ custody: "external", certificate: pem });
  await cat.send("PUT", cat.path, { custody: "client" });
  assert.equal((await cat.custody())["keys_kept"], 1);
});

Deno.test("a vaultbox of custody external begins with a request", async () => {
  const csr = await csrFor("cat@pets.example");
  await using cat = await catWorld({ custody: "external", csr });
  const [only] = await cat.certificates();
  assert.deepEqual([only!["origin"], only!["is_recipient"]], ["csr", true]);
  const state = await cat.custody();
  assert.equal((state["newest"] as Row)["renewed_by"], "owner");
  const dog = { ...CAT, alias: "dog", csr };
  const { pem: certificate } = await foreignCertificate();
  for (
    const more of [
      {},
      { custody: "client" },
      { custody: "external", certificate },
      { custody: "external", csr: "x" },
    ]
  ) {
    const answer = await cat.send("POST", "/vaultboxes", { ...dog, ...more });
    assert.equal(answer.status, 400, JSON.stringify(more));
    assert.equal(answer.body.error.details.field, "csr");
  }
});

Deno.test("before its retirement a certificate says what needs it", async () => {
  await using cat = await catWorld();
  const { sql } = cat.world.database;
  await sql`
    insert into messages (id, vaultbox_id, to_alias, size_bytes, storage)
    select gen_random_uuid(), ${cat.id}, 'cat', 1, '{}' from generate_series(1, 3)
  `;
  const uses = async (row: Row): Promise<Row> =>
    (await cat.send(
      "GET",
      `/vaultboxes/${cat.id}/certificates/${row["id"]}/uses`,
    )).body.data;
  const [first] = await cat.certificates();
  const alone = await uses(first!);
  assert.deepEqual([alone["messages"], alone["other_recipients"]], [3, 0]);
  assert.match(String(alone["retiring"]), /cannot be retired/);
  assert.match(String(alone["destroying"]), /is lost/);
  await cat.bundle();
  await cat.generate();
  await sql`
    insert into messages (id, vaultbox_id, to_alias, size_bytes, storage)
    values (gen_random_uuid(), ${cat.id}, 'cat', 1, '{}')
  `;
  const held = await uses(first!);
  assert.deepEqual([held["messages"], held["other_recipients"]], [4, 1]);
  assert.equal(held["until"], null);
  assert.match(String(held["retiring"]), /open no mail from then on/);
  const [newest] = await cat.certificates();
  assert.equal((await uses(newest!))["messages"], 1);
});

Deno.test("a profile and a link of custody client are refused with the reason that helps", async () => {
  await using cat = await catWorld({ custody: "client" });
  const reasons = async () => {
    const found: unknown[] = [];
    for (
      const [path, body] of [
        ["mobileconfig", { password: PASSWORD }],
        ["setup-links", {}],
      ] as const
    ) {
      const answer = await cat.send(
        "POST",
        `/vaultboxes/${cat.id}/${path}`,
        body,
      );
      assert.equal(answer.status, 409, JSON.stringify(answer.body));
      found.push(answer.body.error.details.reason);
    }
    return found;
  };
  assert.deepEqual(await reasons(), ["bundle_only", "bundle_only"]);
  const hash = await sha256(await cat.bundle());
  await cat.age(HOUR_MS + 1000);
  assert.deepEqual(await reasons(), ["unconfirmed", "unconfirmed"]);
  await cat.send("POST", `${cat.path}/confirm`, { sha256: hash });
  assert.deepEqual(await reasons(), ["destroyed", "destroyed"]);
});

Deno.test("README.txt of the next bundle says that the key of the first is not in it", async () => {
  await using cat = await catWorld({ custody: "client" });
  const readme = async () => {
    const bundle = await cat.bundle();
    const text = new TextDecoder().decode(
      unzipSync(bundle.body)["README.txt"],
    );
    return { hash: await sha256(bundle), text };
  };
  const first = await readme();
  assert.doesNotMatch(first.text, /NOT here/);
  await cat.send("POST", `${cat.path}/confirm`, { sha256: first.hash });
  assert.equal((await cat.generate()).status, 201);
  assert.match((await readme()).text, /NOT here: [^]*?earlier keys \(1\)/);
});
