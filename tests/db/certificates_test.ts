import assert from "node:assert/strict";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { AppError } from "../../src/errors.ts";
import { ALICE, BOB, SERVICE, testWorld } from "../helpers/app.ts";
import { type Answer, ask, bearer, SETTINGS } from "../helpers/http.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { octets } from "../helpers/mail.ts";
import { openssl, run, temporaryDirectory } from "../helpers/openssl.ts";
import { foreignCertificate, KeyUsageFlags } from "../helpers/certificates.ts";

const CAT = { "user_id": ALICE, domain: "pets.example", alias: "cat" };
const PASSWORD = "correct horse";

type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** Asks as a service, or as a user. */
async function asking(api: Fetch, userId?: string): Promise<Ask> {
  const token = await bearer(userId);
  return (method, path, body) => ask(api, token, method, path, body);
}

/** A world with Cat's vaultbox. */
async function catWorld(creation: Record<string, unknown> = {}) {
  const world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const ask = await asking(api);
  const made = await ask("POST", "/vaultboxes", { ...CAT, ...creation });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const id: string = made.body.data["vaultbox_id"];
  return {
    world,
    api,
    ask,
    id,
    path: `/vaultboxes/${id}/certificates`,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const rows = (answer: Answer): Record<string, unknown>[] => answer.body.data;

Deno.test("certificates are listed, shown and downloaded", async () => {
  await using cat = await catWorld();
  const { ask, path } = cat;
  await ask("POST", "/generate-certificate", { email: "cat@pets.example" });
  const [newest, oldest] = rows(await ask("GET", path));
  const { id, serial, fingerprint_sha256: _, ...shown } = newest!;
  assert.match(String(serial), /^[0-9a-f]{32}$/);
  assert.deepEqual(shown, {
    "vaultbox_id": cat.id,
    subject: "CN=cat@pets.example",
    emails: ["cat@pets.example"],
    algorithm: "RSA",
    bits: 2048,
    "not_before": shown["not_before"],
    "not_after": shown["not_after"],
    origin: "generated",
    "issuer_id": null,
    "key_state": "kept",
    "key_destroyed_at": null,
    "is_recipient": true,
    "handed_out_at": null,
    "retired_at": null,
    "created_at": shown["created_at"],
  });
  assert.equal(oldest!["is_recipient"], false);
  const one = await ask("GET", `${path}/${id}`);
  assert.deepEqual(one.body.data, newest);

  const pem = await ask("GET", `${path}/${id}/download`);
  assert.equal(pem.headers.get("content-type"), "application/x-pem-file");
  const text = new TextDecoder().decode(pem.body);
  assert.match(text, /^-----BEGIN CERTIFICATE-----\n/);
  const der = await ask("GET", `${path}/${id}/download?format=der`);
  assert.equal(der.headers.get("content-type"), "application/pkix-cert");
  assert.deepEqual(
    text.split("\n").slice(1, -2).join(""),
    der.body.toBase64(),
  );

  const first = await ask("GET", `${path}?limit=1&sort=created_at`);
  assert.deepEqual(first.body.data, [oldest]);
  const cursor = first.body["next_cursor"];
  const second = await ask(
    "GET",
    `${path}?limit=1&sort=created_at&cursor=${cursor}`,
  );
  assert.deepEqual(second.body, { success: true, data: [newest] });
});

Deno.test("certificates of another user's vaultbox are as if they were not there", async () => {
  await using cat = await catWorld();
  const [{ id } = {}] = rows(await cat.ask("GET", cat.path));
  const dog = await cat.ask("POST", "/vaultboxes", {
    "user_id": BOB,
    domain: "dogs.example",
    alias: "dog",
  });
  const own = `/vaultboxes/${dog.body.data["vaultbox_id"]}/certificates`;
  const bob = await asking(cat.api, BOB);
  const { pem } = await foreignCertificate();
  const missing = `/vaultboxes/${crypto.randomUUID()}/certificates`;
  for (
    const [method, tail, body] of [
      ["GET", ""],
      ["POST", "", { certificate: pem }],
      ["GET", `/${id}`],
      ["GET", `/${id}/download`],
      ["POST", `/${id}/retire`],
      ["POST", `/${id}/restore`],
    ] as const
  ) {
    const theirs = await bob(method, cat.path + tail, body);
    assert.equal(theirs.status, 404, tail);
    const none = await bob(method, missing + tail, body);
    assert.deepEqual(theirs.body, none.body);
    if (tail === "") continue;
    const mixed = await bob(method, own + tail, body);
    assert.equal(mixed.status, 404, `own ${tail}`);
  }
  assert.equal(rows(await cat.ask("GET", cat.path)).length, 1);
});

Deno.test("a certificate that is retired gets no mail, until it is restored", async () => {
  await using cat = await catWorld();
  const { ask, path } = cat;
  await ask("POST", "/bundle", { "vaultbox_id": cat.id, password: PASSWORD });
  await ask("POST", "/generate-certificate", { email: "cat@pets.example" });
  const [, oldest] = rows(await ask("GET", path));
  assert.equal(oldest!["is_recipient"], true);
  const one = `${path}/${oldest!["id"]}`;
  const retired = await ask("POST", `${one}/retire`);
  assert.equal(retired.status, 200);
  assert.equal(retired.body.data["is_recipient"], false);
  assert.match(retired.body.data["retired_at"], /^\d{4}-/);
  const again = await ask("POST", `${one}/retire`);
  assert.deepEqual(again.body, retired.body);
  const restored = await ask("POST", `${one}/restore`);
  assert.equal(restored.body.data["is_recipient"], true);
  assert.equal(restored.body.data["retired_at"], null);
  const audit = await ask("GET", `/audit?vaultbox_id=${cat.id}&limit=2`);
  assert.deepEqual(
    rows(audit).map(({ action }) => action),
    ["certificate.restore", "certificate.retire"],
  );
});

Deno.test("the last certificate cannot be retired, nor two at once", async () => {
  await using cat = await catWorld();
  const { ask, path } = cat;
  const [first] = rows(await ask("GET", path));
  const alone = await ask("POST", `${path}/${first!["id"]}/retire`);
  assert.equal(alone.status, 409);
  await ask("POST", "/generate-certificate", { email: "cat@pets.example" });
  const both = rows(await ask("GET", path));
  // Whether two meet is up to chance; in ten rounds some do.
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(
      both.map(({ id }) => ask("POST", `${path}/${id}/retire`)),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    for (const { id } of both) await ask("POST", `${path}/${id}/restore`);
  }
});

Deno.test("the key of a retired certificate stays in the bundle, behind the others", async () => {
  await using cat = await catWorld();
  const { ask, path } = cat;
  const [first] = rows(await ask("GET", path));
  await ask("POST", "/generate-certificate", { email: "cat@pets.example" });
  const [newest] = rows(await ask("GET", path));
  await ask("POST", `${path}/${newest!["id"]}/retire`);
  const request = { "vaultbox_id": cat.id, password: PASSWORD };
  const { body } = await ask("POST", "/bundle", request);
  const text = new TextDecoder("latin1").decode(body);
  assert.ok(text.includes("previous/1/certificate.p12"));
  const handedOut = rows(await ask("GET", path));
  assert.ok(handedOut.every((row) => row["handed_out_at"] !== null));
  assert.deepEqual(
    handedOut.map((row) => [row["id"], row["is_recipient"]]),
    [[newest!["id"], false], [first!["id"], true]],
  );
});

Deno.test("an uploaded certificate is a recipient at once", async () => {
  await using cat = await catWorld();
  const { ask, path } = cat;
  const { pem } = await foreignCertificate({
    key: 3072,
    emails: ["Cat@Pets.Example", "cat@elsewhere.example"],
    usage: KeyUsageFlags.keyEncipherment,
  });
  const certificate = `Subject: Cat\r\n\r\n${pem.replaceAll("\n", "\r\n")}\r\n`;
  const made = await ask("POST", path, { certificate });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { data } = made.body;
  assert.equal(data["origin"], "uploaded");
  assert.equal(data["is_recipient"], true);
  assert.equal(data["bits"], 3072);
  assert.match(data["handed_out_at"], /^\d{4}-/);
  assert.deepEqual(data["emails"], [
    "Cat@Pets.Example",
    "cat@elsewhere.example",
  ]);
  assert.equal((await ask("POST", path, { certificate })).status, 409);
  const fox = await ask("POST", "/vaultboxes", { ...CAT, alias: "fox" });
  const foxes = `/vaultboxes/${fox.body.data["vaultbox_id"]}/certificates`;
  assert.equal((await ask("POST", foxes, { certificate })).status, 400);
  const shown = await ask("GET", `/vaultboxes/${cat.id}`);
  assert.equal(shown.body.data.custody, "server");
});

Deno.test("a certificate without an address serves two vaultboxes", async () => {
  await using cat = await catWorld();
  const { pem: certificate } = await foreignCertificate();
  const fox = await cat.ask("POST", "/vaultboxes", { ...CAT, alias: "fox" });
  const foxes = `/vaultboxes/${fox.body.data["vaultbox_id"]}/certificates`;
  for (const path of [cat.path, foxes]) {
    const made = await cat.ask("POST", path, { certificate });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  }
});

Deno.test("a certificate that is no use is refused with 400, and nothing is stored", async (t) => {
  await using cat = await catWorld();
  const { pem } = await foreignCertificate();
  const foreign = async (
    options: Parameters<typeof foreignCertificate>[0],
  ): Promise<string> => (await foreignCertificate(options)).pem;
  const cases: [string, unknown, RegExp][] = [
    ["nothing", undefined, /missing/],
    ["a number", 7, /string/],
    ["an empty text", "", /characters/],
    ["a long text", pem + " ".repeat(16_384), /16384/],
    ["no PEM", "cat", /one X.509 certificate/],
    ["two certificates", pem + pem, /one alone/],
    ["its key beside it", `${pem}-----BEGIN PRIVATE KEY-----`, /private key/],
    ["P-521", await foreign({ key: "P-521" }), /must be RSA, P-256 or P-384/],
    ["1024 bits", await foreign({ key: 1024 }), /2048 to 4096/],
    ["expired", await foreign({ notAfter: new Date(1e12) }), /expired/],
    [
      "for signatures alone",
      await foreign({ usage: KeyUsageFlags.digitalSignature }),
      /keyEncipherment/,
    ],
    [
      "of a curve for key encipherment alone",
      await foreign({ key: "P-256", usage: KeyUsageFlags.keyEncipherment }),
      /keyAgreement/,
    ],
    [
      "of another address",
      await foreign({ emails: ["dog@pets.example"] }),
      /another address/,
    ],
    [
      "of another address in its subject",
      await foreign({ subject: "CN=Cat, E=dog@pets.example" }),
      /another address/,
    ],
  ];
  for (const [what, certificate, message] of cases) {
    await t.step(what, async () => {
      const answer = await cat.ask("POST", cat.path, { certificate });
      assert.equal(answer.status, 400);
      assert.match(answer.body.error.message, message);
      assert.equal(answer.body.error.details.field, "certificate");
    });
  }
  assert.equal(rows(await cat.ask("GET", cat.path)).length, 1);
});

Deno.test("a vaultbox of custody external never has a key here", async () => {
  const { pem } = await foreignCertificate({ emails: ["cat@pets.example"] });
  await using cat = await catWorld({ custody: "external", certificate: pem });
  const { ask } = cat;
  const shown = await ask("GET", `/vaultboxes/${cat.id}`);
  assert.equal(shown.body.data.custody, "external");
  assert.equal(shown.body.data["has_certs"], true);
  const [only] = rows(await ask("GET", cat.path));
  assert.equal(only!["origin"], "uploaded");
  assert.equal(only!["is_recipient"], true);
  const request = { "vaultbox_id": cat.id, password: PASSWORD };
  assert.equal((await ask("POST", "/p12", request)).status, 409);
  assert.equal((await ask("POST", "/bundle", request)).status, 409);
  const email = "cat@pets.example";
  const made = await ask("POST", "/generate-certificate", { email });
  assert.equal(made.status, 409);
  assert.deepEqual(
    await Array.fromAsync(Deno.readDir(`${cat.world.directory}/keys`)),
    [],
  );
});

for (
  const [what, creation] of [
    ["external without a certificate", { custody: "external" }],
    ["a certificate without external", { certificate: "x" }],
    ["server with a certificate", { custody: "server", certificate: "x" }],
    ["external with nonsense", { custody: "external", certificate: "x" }],
  ] as const
) {
  Deno.test(`a vaultbox is not created with ${what}`, async () => {
    await using world = await testWorld();
    const ask = await asking(buildApi(world.app, SETTINGS));
    const made = await ask("POST", "/vaultboxes", { ...CAT, ...creation });
    assert.equal(made.status, 400);
    assert.equal(made.body.error.details.field, "certificate");
    const [count] = await world.app.sql`
      select (select count(*) from vaultboxes) + (select count(*) from domains)
        as rows
    `;
    assert.equal(count!["rows"], 0);
  });
}

Deno.test("the bundle of a vaultbox with both kinds has the keys that are here", async () => {
  await using cat = await catWorld();
  const { ask, path } = cat;
  const { pem } = await foreignCertificate();
  await ask("POST", path, { certificate: pem });
  const request = { "vaultbox_id": cat.id, password: PASSWORD };
  assert.equal((await ask("POST", "/p12", request)).status, 200);
  const { status, body } = await ask("POST", "/bundle", request);
  assert.equal(status, 200);
  const text = new TextDecoder("latin1").decode(body);
  assert.equal(text.includes("previous/"), false);
  const recipients = rows(await ask("GET", path))
    .map((row) => [row["origin"], row["is_recipient"]]);
  assert.deepEqual(recipients, [["uploaded", true], ["generated", true]]);
});

Deno.test("uploads count in the twenty certificates of a vaultbox", async () => {
  await using cat = await catWorld();
  const uploads = await Promise.all(
    Array.from({ length: 3 }, () => foreignCertificate()),
  );
  await cat.world.app.sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after
    )
    select vaultbox_id, public_cert_pem, lpad(to_hex(n), 64, '0'), not_before,
      not_after
    from vaultbox_certs, generate_series(2, 18) n
  `;
  const answers = await Promise.all(
    uploads.map(({ pem }) => cat.ask("POST", cat.path, { certificate: pem })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 409]);
});

Deno.test("generateCertificate() throws not_found if the vaultbox is deleted meanwhile", async () => {
  await using cat = await catWorld();
  const { app } = cat.world;
  const keyPool = {
    ...app.keyPool,
    async take() {
      await removeVaultbox(app, SERVICE, cat.id);
      return undefined;
    },
  };
  await assert.rejects(
    generateCertificate({ ...app, keyPool }, SERVICE, {
      address: { domain: "pets.example", alias: "cat" },
    }),
    (error) => error instanceof AppError && error.code === "not_found",
  );
  assert.deepEqual(await app.privateKeys.list(), []);
});

/** A request that openssl has made, and its key, in a directory. */
async function request(args = "-newkey rsa:2048") {
  const directory = await temporaryDirectory();
  const { path: cwd } = directory;
  await run("openssl", [
    ...["req", "-new", "-nodes", "-subj", "/CN=Somebody else"],
    ...["-keyout", "key", "-out", "csr", ...args.split(" ")],
  ], { cwd });
  return Object.assign(directory, {
    csr: await Deno.readTextFile(`${cwd}/csr`),
  });
}

/** Delivers a mail to Cat and opens what is stored with a key. */
async function openMail(
  cat: Awaited<ReturnType<typeof catWorld>>,
  files: { key: string | Uint8Array; certificate: string },
): Promise<string> {
  const body = `\r\n\r\n${crypto.randomUUID()}\r\n`;
  await deliver(cat.world.intake, {
    route: cat.id,
    recipient: "cat@pets.example",
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(
      octets(`From: dog@pets.example\r\nContent-Type: text/plain${body}`),
    ),
  });
  const folder = `${cat.world.directory}/mail/${cat.id}/Maildir/new`;
  const stored = await Array.fromAsync(Deno.readDir(folder));
  const [{ name } = { name: "" }] = stored;
  const mail = await Deno.readFile(`${folder}/${name}`);
  const opened = await openssl(
    { ...files, mail },
    "cms -decrypt -binary -in mail -inkey key -recip certificate".split(" "),
  );
  // Before the body stand the fields, as header protection copies them.
  assert.ok(new TextDecoder().decode(opened).endsWith(body));
  return new TextDecoder().decode(mail);
}

for (const key of [2048, "P-256", "P-384"] as const) {
  Deno.test(`mail to custody external opens with the owner's key of ${key}`, async () => {
    const { pem, privateKey } = await foreignCertificate({ key });
    await using cat = await catWorld({ custody: "external", certificate: pem });
    const [shown] = rows(await cat.ask("GET", cat.path));
    const [algorithm, bits] = key === 2048
      ? ["RSA", 2048]
      : ["EC", Number(key.slice(2))];
    assert.deepEqual([shown!["algorithm"], shown!["bits"]], [algorithm, bits]);
    const pemKey = pemEncode("PRIVATE KEY", privateKey);
    await openMail(cat, { key: pemKey, certificate: pem });
  });
}

for (
  const [kind, newKey, purpose] of [
    ["RSA", undefined, "smimeencrypt"],
    // OpenSSL looks for keyEncipherment, which RFC 8813 §3 forbids for a curve.
    ["a curve", "-newkey ec -pkeyopt ec_paramgen_curve:P-256", "smimesign"],
  ] as const
) {
  Deno.test(`a request for a key of ${kind} gets a certificate of the issuer, and mail opens with its key`, async () => {
    await using cat = await catWorld();
    await using made = await request(newKey);
    await checkIssued(cat, made, purpose);
  });
}

async function checkIssued(
  cat: Awaited<ReturnType<typeof catWorld>>,
  made: Awaited<ReturnType<typeof request>>,
  purpose: string,
): Promise<void> {
  const { ask, path } = cat;
  assert.equal((await ask("GET", "/issuer")).status, 404);
  const issued = await ask("POST", `${path}/csr`, { csr: made.csr, days: 30 });
  assert.equal(issued.status, 201, JSON.stringify(issued.body));
  const { certificate, ...shown } = issued.body.data;
  assert.equal(shown.origin, "csr");
  assert.equal(shown.subject, "CN=cat@pets.example");
  assert.equal(shown["is_recipient"], true);
  assert.notEqual(shown["handed_out_at"], null);
  const days = (Date.parse(shown["not_after"]) -
    Date.parse(shown["not_before"])) / 86_400_000;
  assert.equal(days, 30);
  assert.deepEqual(rows(await ask("GET", path))[0], shown);

  const issuer = await ask("GET", "/issuer");
  assert.equal(issuer.headers.get("content-type"), "application/x-pem-file");
  await openssl(
    { issuer: issuer.body, certificate },
    `verify -x509_strict -CAfile issuer -purpose ${purpose} certificate`
      .split(" "),
  );
  const key = await Deno.readFile(`${made.path}/key`);
  await openMail(cat, { key, certificate });
  const { orphanedKeys } = await reconcile(cat.world.app, { dryRun: true });
  assert.deepEqual(orphanedKeys, []);
  const [change] = rows(await ask("GET", "/audit?limit=1"));
  assert.equal(change!["action"], "certificate.issue");
}

Deno.test("two first requests at once make one issuer, whose key is the only other", async () => {
  await using cat = await catWorld();
  await using made = await request();
  const answers = await Promise.all(
    [1, 2].map(() => cat.ask("POST", `${cat.path}/csr`, { csr: made.csr })),
  );
  assert.deepEqual(answers.map(({ status }) => status), [201, 201]);
  const issuer = (await cat.ask("GET", "/issuer")).body;
  for (const { body } of answers) {
    await openssl(
      { issuer, certificate: body.data.certificate },
      "verify -CAfile issuer certificate".split(" "),
    );
  }
  assert.equal((await cat.world.app.privateKeys.list()).length, 2);
});

Deno.test("a certificate never outlives its issuer", async () => {
  await using cat = await catWorld();
  await using made = await request();
  const body = { csr: made.csr, days: 36_500 };
  const { body: { data } } = await cat.ask("POST", `${cat.path}/csr`, body);
  const [issuer] = await cat.world.app.sql`select not_after from issuers`;
  const notAfter: Date = issuer!["notAfter"];
  assert.ok(Date.parse(data["not_after"]) <= notAfter.getTime());
});

Deno.test("a request that is no use is 400, and makes no issuer", async (t) => {
  await using cat = await catWorld();
  await using made = await request();
  await using curve = await request(
    "-newkey ec -pkeyopt ec_paramgen_curve:P-521",
  );
  await using other = await request();
  const lines = made.csr.split("\n");
  const signature = other.csr.split("\n").slice(-5);
  const cases: [string, unknown, RegExp][] = [
    ["nothing", undefined, /missing/],
    ["no PEM", "cat", /one PKCS#10/],
    ["a certificate", (await foreignCertificate()).pem, /one PKCS#10/],
    ["P-521", curve.csr, /must be RSA, P-256 or P-384/],
    [
      "another's signature",
      [...lines.slice(0, -5), ...signature].join("\n"),
      /by the key/,
    ],
  ];
  for (const [what, csr, message] of cases) {
    await t.step(what, async () => {
      const answer = await cat.ask("POST", `${cat.path}/csr`, { csr });
      assert.equal(answer.status, 400);
      assert.match(answer.body.error.message, message);
      assert.equal(answer.body.error.details.field, "csr");
    });
  }
  await t.step("another user's vaultbox", async () => {
    const bob = await asking(cat.api, BOB);
    const { csr } = made;
    assert.equal((await bob("POST", `${cat.path}/csr`, { csr })).status, 404);
  });
  assert.equal((await cat.ask("GET", "/issuer")).status, 404);
});
