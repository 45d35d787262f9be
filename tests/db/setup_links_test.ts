import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { AppError } from "../../src/errors.ts";
import { buildApi } from "../../src/http/api.ts";
import { mintToken } from "../../src/http/auth.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import {
  createSetupLink,
  removeSetupLink,
} from "../../src/vaultbox/setup_links.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
  user,
} from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";
import { openssl } from "../helpers/openssl.ts";
import { type Ask, publicSide } from "../helpers/public.ts";

const PASSWORD = "correct horse battery";
const LINK = { seconds: 900, withCredential: false };

interface Setting extends AsyncDisposable {
  world: TestWorld;
  vaultboxId: string;
  ask: Ask;
  link(): Promise<{ id: string; url: string }>;
}

async function setting(): Promise<Setting> {
  const world = await testWorld({ ENCIMAP_PUBLIC_PORT: "4302" });
  const { id: vaultboxId } = await createVaultbox(world.app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
    certificatePem: undefined,
    mayClaimDomain: true,
    custody: "server",
  });
  return {
    world,
    vaultboxId,
    ask: publicSide(world),
    link: () => createSetupLink(world.app, user(ALICE), vaultboxId, LINK),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

function press(file: string, password = PASSWORD): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ file, password }).toString(),
  };
}

Deno.test("a link shows a page as often as it is fetched, and gives one file once", async () => {
  await using made = await setting();
  const { ask } = made;
  const { url } = await made.link();
  assert.match(url, /^https:\/\/mail\.example\.test\/setup\/[\w-]{32}$/);
  for (let i = 0; i < 3; i++) {
    const page = await ask(url);
    assert.equal(page.status, 200);
    const html = await page.text();
    assert.match(html, /cat@pets\.example/);
    assert.doesNotMatch(html, /<script|https?:\/\/|src=/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.match(page.headers.get("x-robots-tag")!, /noindex/);
    assert.equal(page.headers.get("referrer-policy"), "no-referrer");
  }
  assert.equal((await ask(url, { method: "HEAD" })).status, 200);

  const got = await ask(url, press("p12"));
  assert.equal(got.headers.get("content-type"), "application/x-pkcs12");
  const p12 = await got.bytes();
  const args = "pkcs12 -in p12 -nokeys -passin file:password".split(" ");
  const pem = await openssl({ p12, password: PASSWORD }, args);
  assert.match(new TextDecoder().decode(pem), /BEGIN CERTIFICATE/);

  assert.equal((await ask(url)).status, 404);
  assert.equal((await ask(url, press("p12"))).status, 404);
});

Deno.test("of two presses at the same moment one gets the file", async () => {
  await using made = await setting();
  const { url } = await made.link();
  const both = await Promise.all([
    made.ask(url, press("p12-compatible")),
    made.ask(url, press("profile")),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 404]);
});

Deno.test("each button gives its kind of file", async () => {
  await using made = await setting();
  for (
    const [file, mediaType] of [
      ["profile", "application/x-apple-aspen-config"],
      ["p12-compatible", "application/x-pkcs12"],
      ["bundle", "application/zip"],
    ]
  ) {
    const { url } = await made.link();
    const got = await made.ask(url, press(file!));
    assert.equal(got.status, 200);
    assert.equal(got.headers.get("content-type"), mediaType);
    await got.body?.cancel();
  }
});

Deno.test("a password that is refused is said on the page, and the link still works", async () => {
  await using made = await setting();
  const { url } = await made.link();
  const bad = await made.ask(url, press("p12", '<b>"short'));
  assert.equal(bad.status, 400);
  const html = await bad.text();
  assert.match(html, /at least 12|12 to 128/);
  assert.doesNotMatch(html, /<b>/);
  assert.equal((await made.ask(url, press("p12"))).status, 200);
});

Deno.test("a link whose file could not be made works again", async () => {
  await using made = await setting();
  const { url } = await made.link();
  const { app } = made.world;
  const broken = {
    ...app,
    privateKeys: {
      ...app.privateKeys,
      read: () => Promise.reject(new Error("disk")),
    },
  };
  const ask = publicSide({ app: broken });
  const failed = await ask(url, press("p12"));
  assert.deepEqual([failed.status, await failed.text()], [
    500,
    "Internal error\n",
  ]);
  assert.equal((await made.ask(url, press("p12"))).status, 200);
});

Deno.test("wrong, used, ended, deleted and suspended links have one answer", async () => {
  await using made = await setting();
  const { ask, world: { app }, vaultboxId } = made;
  const wrong = `https://mail.example.test/setup/${"A".repeat(32)}`;
  const used = (await made.link()).url;
  await (await ask(used, press("p12"))).body?.cancel();
  const deleted = await made.link();
  await removeSetupLink(app, user(ALICE), { vaultboxId, id: deleted.id });
  const ended = (await made.link()).url;
  const now = () => new Date(Date.now() + 901_000);
  const later = publicSide({ app: { ...app, now } });
  const suspended = (await made.link()).url;
  const answers: unknown[] = [];
  const note = async (answer: Response) => {
    answers.push([
      answer.status,
      await answer.text(),
      [...answer.headers].toSorted(),
    ]);
  };
  for (const init of [{}, press("p12"), press("nothing")]) {
    for (const url of [wrong, `${wrong}!`, used, deleted.url]) {
      await note(await ask(url, init));
    }
    await note(await later(ended, init));
  }
  await app.sql`update vaultboxes set status = 'suspended'`;
  await note(await ask(suspended));
  const [first] = answers as [[number, string]];
  assert.deepEqual(first.slice(0, 2), [404, "Not found\n"]);
  for (const each of answers) assert.deepEqual(each, first);
});

Deno.test("the database has a hash of the link and not the link, and the audit log who used it", async () => {
  await using made = await setting();
  const { url, id } = await made.link();
  const secret = url.slice(url.lastIndexOf("/") + 1);
  const [row] = await made.world.app.sql`select * from setup_links`;
  const hash = createHash("sha256").update(secret).digest();
  assert.deepEqual(Buffer.from(row!["tokenHash"]), hash);
  assert.ok(!JSON.stringify(row).includes(secret));
  assert.ok(!made.world.lines.join().includes(secret));
  await (await made.ask(url, press("p12"))).body?.cancel();
  const log = await made.world.app.sql`
    select action, actor from audit_log order by id desc limit 2
  `;
  assert.deepEqual([...log].map((each) => ({ ...each })), [
    { action: "key.download", actor: `setup_link:${id}` },
    { action: "setup_link.create", actor: `user:${ALICE}` },
  ]);
});

Deno.test("a link is made for one's own vaultbox with its key, where something is public", async () => {
  await using made = await setting();
  const { world: { app }, vaultboxId } = made;
  const code = async (
    world: Parameters<typeof createSetupLink>[0],
    userId: string,
  ) => {
    try {
      await createSetupLink(world, user(userId), vaultboxId, LINK);
    } catch (error) {
      return (error as AppError).code;
    }
    return undefined;
  };
  assert.equal(await code(app, BOB), "not_found");
  const config = { ...app.config, publicPort: undefined };
  assert.equal(await code({ ...app, config }, ALICE), "conflict");
  for (const custody of ["client", "external"]) {
    await app.sql`update vaultboxes set custody = ${custody}`;
    assert.equal(await code(app, ALICE), "conflict");
  }
  await app.sql`update vaultboxes set custody = 'server'`;
  for (let i = 0; i < 20; i++) assert.equal(await code(app, ALICE), undefined);
  assert.equal(await code(app, ALICE), "conflict");
});

Deno.test("a token that may make no credentials gets no credential by a profile or a link", async () => {
  await using made = await setting();
  const api = buildApi(made.world.app, SETTINGS);
  const token = await mintToken(
    SETTINGS,
    { userId: ALICE, scopes: new Set(["certificate:write"] as const) },
    { now: new Date(), seconds: 60 },
  );
  for (
    const [path, body, status] of [
      ["mobileconfig", { password: PASSWORD }, 200],
      ["setup-links", {}, 201],
    ] as const
  ) {
    const post = async (more: object) =>
      (await ask(api, token, "POST", `/vaultboxes/${made.vaultboxId}/${path}`, {
        ...body,
        ...more,
      })).status;
    assert.equal(await post({}), status);
    assert.equal(await post({ "with_credential": true }), 403);
  }
});

Deno.test("the page warns of a key on an elliptic curve", async () => {
  await using made = await setting();
  const { world: { app } } = made;
  const { url } = await made.link();
  assert.doesNotMatch(await (await made.ask(url)).text(), /elliptic/);
  const api = buildApi(app, SETTINGS);
  const answer = await ask(
    api,
    await bearer(),
    "POST",
    "/generate-certificate",
    {
      email: "cat@pets.example",
      "key_type": "p-256",
    },
  );
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  assert.match(await (await made.ask(url)).text(), /elliptic curve \(P-256\)/);
});
