import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { strFromU8, unzipSync } from "fflate";
import { ALICE, BOB } from "../../helpers/app.ts";
import { formsOf } from "../../helpers/dashboard.ts";
import { box, type Place, place } from "../../helpers/dashboard_place.ts";
import { run, temporaryDirectory } from "../../helpers/openssl.ts";

const CUSTOMER = { role: "customer", userId: ALICE } as const;

const PASSWORD = "violet-otter-bench";

/** What openssl says of a file. */
async function openssl(
  octets: Uint8Array<ArrayBuffer>,
  ...argv: string[]
): Promise<string> {
  await using directory = await temporaryDirectory({ file: octets });
  const said = await run("openssl", argv, { cwd: directory.path });
  return new TextDecoder().decode(said);
}

/** Stores a mail. */
async function deliver({ world: { app } }: Place, id: string): Promise<void> {
  await app.intake.store({
    vaultboxId: id,
    recipient: "cat@pets.example",
    octets: new TextEncoder().encode(
      "From: Mouse <mouse@<b>.example>\r\nSubject: secret cheese\r\n\r\nHi\r\n",
    ),
  });
}

Deno.test("each kind of device has its file, its password and its steps", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const owner = { role: "owner", userId: ALICE, vaultboxId: id } as const;
  for (const grant of [CUSTOMER, owner]) {
    const browser = await made.dashboard.signedIn(grant);
    await browser.open(`/vaultboxes/${id}/device`);
    const kinds = [...browser.page!.text.matchAll(/\?for=(\w+)"/g)]
      .map(([, kind]) => kind!);
    assert.deepEqual(kinds, [
      "apple",
      "thunderbird",
      "outlook",
      "android",
      "other",
    ]);
    for (
      const [kind, file, type] of [
        ["apple", "profile", "application/x-apple-aspen-config"],
        ["thunderbird", "p12", "application/x-pkcs12"],
        ["android", "p12-compatible", "application/x-pkcs12"],
        ["other", "bundle", "application/zip"],
      ] as const
    ) {
      const path = `/vaultboxes/${id}/device?for=${kind}`;
      const page = await browser.open(path);
      assert.ok(page.text.includes(`name="file" value="${file}"`), kind);
      const action = `/vaultboxes/${id}/device/file`;
      const weak = { file, password: "aaaaaaaaaaaa" };
      const { values } = formsOf(page.text).find((form) =>
        form.action === action
      )!;
      assert.match(values["password"]!, /^[a-z0-9-]{29}$/, kind);
      const refused = await browser.post(action, { ...values, ...weak });
      assert.equal(refused.status, 400, kind);
      assert.match(refused.text, /too easy to guess/);
      assert.match(refused.text, /value="aaaaaaaaaaaa"/);
      const got = await browser.post(action, {
        ...values,
        file,
        password: PASSWORD,
      });
      assert.equal(got.headers.get("content-type"), type);
      assert.match(
        got.headers.get("content-disposition")!,
        /^attachment; filename="[\w.-]+"$/,
      );
      assert.equal(got.headers.get("cache-control"), "no-store");
      if (file === "profile") assert.match(got.text, /PayloadContent/);
      if (type === "application/x-pkcs12") {
        const said = await openssl(
          got.octets,
          ..."pkcs12 -legacy -in file -nokeys -passin".split(" "),
          `pass:${PASSWORD}`,
        );
        assert.match(said, /BEGIN CERTIFICATE/);
      }
      if (file === "bundle") {
        const files = unzipSync(got.octets);
        assert.match(strFromU8(files["README.txt"]!), /cat@pets\.example/);
      }
    }
  }
});

Deno.test("a mail password that is made for a device leads on to its key", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/device?for=thunderbird`;
  await browser.open(path);
  const page = await browser.submit({}, `/vaultboxes/${id}/credentials`);
  assert.match(page.text, /class="secret"/);
  assert.ok(page.text.includes(`href="${path}#file-step"`));
});

Deno.test("a one-time link is shown once, is listed, and can be taken back", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/device`;
  await browser.open(path);
  const page = await browser.submit({}, `${path}/link`);
  const url = /href="(https:\/\/mail\.example\.test\/setup\/[\w-]{32})"/
    .exec(page.text)?.[1];
  assert.ok(url, page.text);
  const listed = await browser.open(path);
  assert.ok(!listed.text.includes(url));
  const [, back] = /action="([^"]+\/delete)"/.exec(listed.text)!;
  await browser.submit({}, back!);
  assert.doesNotMatch(browser.page!.text, /\/delete"/);
});

Deno.test("certificates are shown, downloaded, renewed, retired and used again", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/certificates`;
  const ids = async (): Promise<string[]> =>
    [
      ...(await browser.open(path)).text
        .matchAll(/\/certificates\/([0-9a-f-]{36})"/g),
    ].map(([, each]) => each!);
  const [first] = await ids();
  // Mail would have nothing to be encrypted to.
  const last = await browser.open(`${path}/${first}`);
  assert.match(last.text, /cannot be retired/);
  assert.doesNotMatch(last.text, /\/retire"/);
  await browser.open(path);
  const renewed = await browser.submit({}, `${path}/renew`);
  assert.match(renewed.text, /There is a new certificate/);
  assert.equal((await ids()).length, 2);
  const pem = await browser.open(`${path}/${first}/download`);
  const words = "x509 -in file -noout -fingerprint -sha256".split(" ");
  const print = (await openssl(pem.octets, ...words))
    .replace(/.*=|[:\n]/g, "").toLowerCase();
  const der = await browser.open(`${path}/${first}/download?format=der`);
  assert.ok(
    (await openssl(der.octets, "x509", "-inform", "DER", ...words.slice(1)))
      .replaceAll(":", "").toLowerCase().includes(print),
  );
  const one = await browser.open(`${path}/${first}`);
  assert.ok(one.text.includes(print));
  await browser.submit({}, `${path}/${first}/retire`);
  assert.match(browser.page!.text, /retired/);
  await browser.submit({}, `${path}/${first}/restore`);
  assert.match(browser.page!.text, /in use/);
  await browser.open(path);
  const bad = await browser.submit({ certificate: "no" }, `${path}/upload`);
  assert.equal(bad.status, 400);
  await using directory = await temporaryDirectory();
  await run(
    "openssl",
    [
      ..."req -x509 -newkey rsa:2048 -nodes -keyout key -out cert"
        .split(" "),
      ...[
        "-subj",
        "/CN=cat",
        "-addext",
        "subjectAltName=email:cat@pets.example",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
      ],
    ],
    { cwd: directory.path },
  );
  const certificate = await Deno.readTextFile(`${directory.path}/cert`);
  await browser.submit({ certificate }, `${path}/upload`);
  assert.match(browser.page!.text, /never here/);
});

Deno.test("a key is destroyed only by who types which one", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/certificates`;
  await browser.open(path);
  await browser.submit({}, `${path}/renew`);
  const all = [
    ...browser.page!.text.matchAll(/href="([^"]+s\/[0-9a-f-]{36})"/g),
  ]
    .map(([, href]) => href!);
  const oldest = all.at(-1)!;
  const page = await browser.open(oldest);
  const print = /<code>([0-9a-f]{64})<\/code>/.exec(page.text)![1]!;
  const other = print.replace(/^./, (digit) => digit === "0" ? "1" : "0");
  const wrong = await browser.submit(
    { fingerprint: other },
    `${oldest}/destroy`,
  );
  assert.equal(wrong.status, 400);
  await browser.submit({ fingerprint: print }, `${oldest}/destroy`);
  assert.match(browser.page!.text, /destroyed here/);
});

Deno.test("custody goes to the owner by what a bundle's digest confirms", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/custody`;
  await browser.open(path);
  const asked = await browser.submit({ custody: "client" }, path);
  assert.match(asked.text, /Private keys here: 1/);
  assert.match(
    (await browser.open(path)).text,
    /<dd>This server keeps the private key<\/dd>/,
  );
  await browser.submit({ custody: "client" }, path);
  await browser.submit({}, path);
  assert.match(browser.page!.text, /handed out once and then destroyed/);

  const owner = await made.dashboard.signedIn({
    role: "owner",
    userId: ALICE,
    vaultboxId: id,
  });
  const device = await owner.open(`/vaultboxes/${id}/device?for=apple`);
  // A telephone takes a profile at once, and nobody has its digest.
  assert.doesNotMatch(device.text, /value="profile"/);
  const file = { file: "bundle", password: PASSWORD };
  const action = `/vaultboxes/${id}/device/file`;
  const { values } = formsOf(device.text).find((form) =>
    form.action === action
  )!;
  const { octets } = await owner.post(action, { ...values, ...file });
  const sha256 = createHash("sha256").update(octets).digest("hex");
  await owner.open(path);
  assert.doesNotMatch(owner.page!.text, /take-back|name="custody"/);
  for (
    const [typed, said] of [
      ["no digest", /has 64 digits/],
      ["0".repeat(64), /No file with this SHA-256/],
    ] as const
  ) {
    const page = await owner.submit({ sha256: typed }, `${path}/confirm`);
    assert.equal(page.status, 400);
    assert.match(page.text, said);
  }
  const typed = `SHA2-256(bundle.zip)= ${sha256.toUpperCase()}\n`;
  const receipt = await owner.submit({ sha256: typed }, `${path}/confirm`);
  assert.match(receipt.text, /The keys are destroyed here/);
  assert.match((await owner.open(path)).text, /<dd>0<\/dd>/);
});

Deno.test("settings are saved, and what few programs read is tried first", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/settings`;
  await browser.open(path);
  const name = "Tom & <Jerry>";
  await browser.submit({ name, publish: "yes" }, `${path}/name`);
  assert.match(browser.page!.text, /value="Tom &amp; &lt;Jerry&gt;"/);
  assert.match(browser.page!.text, /name="publish" value="yes" checked/);
  const gcm = { "content_cipher": "aes-256-gcm" };
  const refused = await browser.submit(gcm, `${path}/encryption`);
  assert.match(refused.text, /Not every mail client reads/);
  await browser.submit({ ...gcm, explicit: "yes" }, `${path}/encryption`);
  assert.match(browser.page!.text, /value="aes-256-gcm" selected/);
  await browser.submit({ "content_cipher": "" }, `${path}/encryption`);
  const { text } = await browser.open(path);
  const form = formsOf(text).find(({ action }) => action.endsWith("ncryption"));
  const trial = await browser.post(`${path}/trial`, {
    ...form!.values,
    ...gcm,
  });
  assert.match(trial.text, /A mail with a code was sent/);
  const wrong = await browser.submit(
    { code: "aaaaa-aaaaa" },
    `${path}/trial/confirm`,
  );
  assert.equal(wrong.status, 400);
  assert.doesNotMatch(text, /\/limits"/);
  const operator = await made.dashboard.signedIn({ role: "operator" });
  await operator.open(path);
  const odd = await operator.submit({ bytes: "a lot" }, `${path}/limits`);
  assert.equal(odd.status, 400);
  await operator.submit({ bytes: "1.5", messages: "7" }, `${path}/limits`);
  assert.match(operator.page!.text, /value="1\.5"/);
});

Deno.test("messages show when and from where, and nothing of what stands in them", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/messages`;
  assert.match((await browser.open(path)).text, /No mail has come in yet/);
  for (let i = 0; i < 2; i++) await deliver(made, id);
  const { text } = await browser.open(path);
  assert.equal(text.match(/<rect /g)!.length, 30);
  const today = new Date().toISOString().slice(0, 10);
  assert.ok(text.includes(`<title>${today}: 2</title>`), text);
  assert.doesNotMatch(text, /cheese|Mouse|<b>/);
  const time = `<time datetime="${today}[^<]*</time>`;
  const operator = await made.dashboard.signedIn({ role: "operator" });
  for (
    const [who, path, newest] of [
      [browser, `/vaultboxes/${id}`, `<dt>Newest mail</dt><dd>${time}`],
      [browser, "/", `<td>${time}</td>`],
      [browser, "/vaultboxes", `<td>${time}</td>`],
      [operator, "/", `<b>${time}</b>newest mail`],
    ] as const
  ) assert.match((await who.open(path)).text, new RegExp(newest), path);
});

Deno.test("the owners of a vaultbox are invited and removed by its customer alone", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const alice = await made.dashboard.signedIn(CUSTOMER);
  const bob = await made.dashboard.signedIn({ role: "customer", userId: BOB });
  const path = `/vaultboxes/${id}/people`;
  await alice.open(path);
  await alice.submit({}, `${path}/invite`);
  const [, link] = /class="secret">https:\/\/[^/]+([^<]+)</
    .exec(alice.page!.text)!;
  const kid = made.dashboard.browser();
  await kid.open(link!);
  const password = { password: PASSWORD, again: PASSWORD };
  await kid.submit({ login: "kid", ...password });
  assert.equal(kid.page!.path, `/vaultboxes/${id}`);
  const listed = await alice.open(path);
  const account = /name="account" value="([^"]+)"/.exec(listed.text)![1]!;
  assert.match(listed.text, /<td>kid<\/td>/);

  const own = await box(made, BOB, "bob.example");
  const bobs = await bob.open(`/vaultboxes/${own}/people`);
  const { formToken } = formsOf(bobs.text)[0]!.values;
  for (const box of [id, own]) {
    for (const name of ["remove", "reset"]) {
      const there = `/vaultboxes/${box}/people/${name}`;
      const form = { formToken: formToken!, account };
      assert.equal((await bob.post(there, form)).status, 404, there);
    }
  }
  const there = `/vaultboxes/${id}/people/invite`;
  const form = { formToken: formToken! };
  assert.equal((await bob.post(there, form)).status, 404);
  await alice.open(path);
  await alice.submit({}, `${path}/invite`);
  const [, waits] = /class="secret">https:\/\/[^/]+([^<]+)</
    .exec(alice.page!.text)!;
  const { text } = await alice.open(path);
  const digest = /name="digest" value="([^"]+)"/.exec(text)![1]!;
  for (const box of [id, own]) {
    const there = `/vaultboxes/${box}/people/take-back`;
    await bob.post(there, { formToken: formToken!, digest });
    assert.equal((await made.dashboard.browser().open(waits!)).status, 200);
  }
  await alice.submit({ digest }, `${path}/take-back`);
  assert.equal((await made.dashboard.browser().open(waits!)).status, 404);

  await alice.submit({ account }, `${path}/remove`);
  assert.equal((await kid.open("/")).path, "/sign-in");
});
