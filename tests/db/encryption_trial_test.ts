import assert from "node:assert/strict";
import type { Intake } from "../../src/app.ts";
import { AppError } from "../../src/errors.ts";
import { buildApi } from "../../src/http/api.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { ALICE, BOB, type TestWorld, testWorld } from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";
import { octets } from "../helpers/mail.ts";
import { readTrialMail } from "../helpers/trial.ts";

const GCM = { "content_cipher": "aes-256-gcm" };
const ALL = {
  ...GCM,
  "key_transport": "rsaes-oaep",
  "header_protection": "hide",
};
const DEFAULTS = {
  "content_cipher": "aes-256-cbc",
  "key_transport": "rsaes-pkcs1-v1_5",
  "header_protection": "protect",
};

/** A world where Alice has cat@pets.example, and a clock that can be set. */
async function prepared() {
  const world = await testWorld();
  let now = Date.now();
  let isDown = false;
  const intake: Intake = {
    store: (message) =>
      isDown
        ? Promise.reject(new AppError("unavailable", "down"))
        : world.app.intake.store(message),
  };
  const app = { ...world.app, intake, now: () => new Date(now) };
  const api = buildApi(app, SETTINGS);
  const alice = await bearer(ALICE);
  const made = await ask(api, await bearer(), "POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
  });
  const id: string = made.body.data["vaultbox_id"];
  const path = `/vaultboxes/${id}/encryption-trial`;
  return {
    world,
    id,
    setDown: (value: boolean) => isDown = value,
    later: (ms: number) => now += ms,
    begin: (body: unknown, token = alice) =>
      ask(api, token, "POST", path, body),
    confirm: (code: string, token = alice) =>
      ask(api, token, "POST", `${path}/confirm`, { code }),
    show: async () =>
      (await ask(api, alice, "GET", `/vaultboxes/${id}`)).body.data,
    audit: async () =>
      (await ask(api, alice, "GET", `/audit?vaultbox_id=${id}&sort=id`)).body
        .data
        .map(({ action, details }: Record<string, unknown>) => [
          action,
          details,
        ])
        .filter(([action]: [string]) => action.startsWith("encryption")),
  };
}

/** Delivers a mail, and reads it as its owner. */
async function delivered(world: TestWorld, id: string) {
  await deliver(world.intake, {
    route: id,
    recipient: "cat@pets.example",
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets(
      "From: a@b.example\r\nSubject: secret\r\n\r\n  aaaa-bbbb-cccc\r\n",
    )),
  });
  return await readTrialMail(world, id);
}

Deno.test("a trial sends a mail encrypted as it is wanted, and its code switches that on", async () => {
  const { world, id, begin, confirm, show, audit } = await prepared();
  await using _ = world;
  const begun = await begin(ALL);
  assert.equal(begun.status, 201, JSON.stringify(begun.body));
  const { "expires_at": expiresAt, ...policy } = begun.body.data;
  assert.deepEqual(policy, ALL);
  const hours = (new Date(expiresAt).getTime() - Date.now()) / 3_600_000;
  assert.ok(hours > 71 && hours <= 72);
  assert.ok(!JSON.stringify(begun.body).match(/[a-z0-9]{4}-[a-z0-9]{4}-/));

  const { stored, inner, code } = await readTrialMail(world, id);
  assert.match(stored, /smime-type=authEnveloped-data/);
  assert.match(stored, /\r\nSubject: \[\.\.\.\]\r\n/);
  assert.match(stored, /\r\nEncimap-Encryption: v=1; by=sender;/);
  assert.match(inner, /\r\n\r\nSubject: Can you read this mail\?\r\n\r\n/);
  // Until then nothing has changed, and nothing says what the code is.
  assert.deepEqual((await show()).encryption, DEFAULTS);
  const [row] = await world.app.sql`select * from encryption_trials`;
  const letters = code.replaceAll("-", "");
  const kept = JSON.stringify(row) +
    new TextDecoder().decode(row!["codeHash"]) +
    JSON.stringify(await audit()) + world.lines.join("\n");
  assert.ok(!kept.includes(letters) && !kept.includes(code));
  assert.match((await delivered(world, id)).stored, /=enveloped-data/);

  const confirmed = await confirm(code.toUpperCase().replaceAll("-", ""));
  assert.equal(confirmed.status, 200, JSON.stringify(confirmed.body));
  assert.deepEqual(confirmed.body.data.encryption, ALL);
  assert.deepEqual((await show()).encryption, ALL);
  assert.deepEqual(await audit(), [
    ["encryption_trial.create", ALL],
    ["encryption_trial.confirm", ALL],
  ]);
  const mail = await delivered(world, id);
  assert.match(mail.stored, /smime-type=authEnveloped-data/);
  assert.match(
    mail.stored,
    /\r\n content=aes-256-gcm; header=hide;\r\n key=rsaes-oaep;\r\n cert=[0-9a-f]{64}\r\n/,
  );
  assert.doesNotMatch(mail.stored, /secret/);
  assert.match(mail.inner, /^From: .*\r\nSubject: secret\r\n/);
  // A code works once.
  assert.equal((await confirm(code)).status, 409);
});

Deno.test("a trial changes what is wanted and nothing else", async () => {
  const { world, id, begin, confirm, show } = await prepared();
  await using _ = world;
  await begin({ "header_protection": "hide" });
  const { stored, code } = await readTrialMail(world, id);
  assert.match(stored, /smime-type=enveloped-data/);
  await confirm(code);
  const { "content_cipher": cipher, encryption } = await show();
  assert.equal(cipher, null);
  assert.deepEqual(encryption, { ...DEFAULTS, "header_protection": "hide" });
});

Deno.test("a trial ends after five wrong codes, after three days, and when another one begins", async () => {
  const { world, id, later, begin, confirm, show } = await prepared();
  await using _ = world;
  assert.equal((await confirm("aaaa-aaaa-aaaa")).status, 409);
  await begin(GCM);
  const first = (await readTrialMail(world, id)).code;
  for (let i = 0; i < 5; i++) {
    const { status, body } = await confirm("aaaa-aaaa-aaaa");
    assert.equal(status, 400);
    assert.deepEqual(body.error.details, { field: "code" });
  }
  assert.equal((await confirm(first)).status, 409);

  await begin(GCM);
  const second = (await readTrialMail(world, id)).code;
  const early = await begin(GCM);
  assert.equal(early.status, 429);
  later(60_000);
  assert.equal((await begin({ "header_protection": "hide" })).status, 201);
  assert.equal((await confirm(second)).status, 400);
  const third = (await readTrialMail(world, id)).code;
  await world.app.sql`update encryption_trials set expires_at = now()`;
  assert.equal((await confirm(third)).status, 409);
  assert.deepEqual((await show()).encryption, DEFAULTS);
});

Deno.test("a trial is its owner's: for another user there is no such vaultbox", async () => {
  const { world, id, begin, confirm } = await prepared();
  await using _ = world;
  const bob = await bearer(BOB);
  assert.equal((await begin(GCM, bob)).status, 404);
  assert.equal((await begin({}, bob)).status, 404);
  await begin(GCM);
  const { code } = await readTrialMail(world, id);
  assert.equal((await confirm(code, bob)).status, 404);
  assert.equal((await confirm(code)).status, 200);
});

Deno.test("a code of one vaultbox confirms nothing for another", async () => {
  const { world, id, begin, confirm } = await prepared();
  await using _ = world;
  await begin(GCM);
  const { code } = await readTrialMail(world, id);
  const { sql } = world.app;
  const fingerprints = async (): Promise<unknown> =>
    (await sql`select code_hash from encryption_trials`)[0]!["codeHash"];
  const before = await fingerprints();
  // The same letters, as they would be kept for another vaultbox.
  const text = `encryption trial\n${crypto.randomUUID()}\n${
    code.replaceAll("-", "")
  }`;
  const foreign = await world.app.sealer.fingerprint(octets(text));
  await sql`update encryption_trials set code_hash = ${foreign}`;
  assert.equal((await confirm(code)).status, 400);
  await sql`update encryption_trials set code_hash = ${before as Uint8Array}`;
  assert.equal((await confirm(code)).status, 200);
});

for (
  const [what, body] of [
    ["nothing", {}],
    ["null", { "content_cipher": null }],
    ["what does not exist", { "content_cipher": "rot13" }],
  ] as const
) {
  Deno.test(`a trial of ${what} is 400 and sends nothing`, async () => {
    const { world, begin } = await prepared();
    await using _ = world;
    assert.equal((await begin(body)).status, 400);
    const [row] = await world.app.sql`select count(*) from messages`;
    assert.equal(Number(row!["count"]), 0);
  });
}

Deno.test("a trial whose mail cannot be stored is undone, and may begin again at once", async () => {
  const { world, id, begin, audit, setDown } = await prepared();
  await using _ = world;
  const { sql } = world.app;
  setDown(true);
  assert.equal((await begin(GCM)).status, 503);
  assert.deepEqual(await audit(), [
    ["encryption_trial.create", GCM],
    ["encryption_trial.create.undo", {}],
  ]);
  setDown(false);
  assert.equal((await begin(GCM)).status, 201);
  assert.ok((await readTrialMail(world, id)).code);
  await sql`update vaultboxes set status = 'suspended'`;
  assert.equal((await begin(GCM)).status, 409);
});
