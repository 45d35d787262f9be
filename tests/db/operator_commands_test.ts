import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { CLEAN_UP_LOCK } from "../../src/db/clean_up.ts";
import { MAINTENANCE_LOCK, runAlone } from "../../src/db/maintenance.ts";
import { pemDecode, pemEncode } from "../../src/x509/pem.ts";
import { ALICE } from "../helpers/app.ts";
import { CAT, catWorld } from "../helpers/cat_world.ts";
import { foreignCertificate } from "../helpers/certificates.ts";
import { openssl } from "../helpers/openssl.ts";
import { csrFor } from "../helpers/operations.ts";

Deno.test("a bundle is not written to a terminal, and nothing is handed out", async () => {
  await using cat = await catWorld("client");
  const refused = await cat.encimap(`bundle ${CAT}`, "", true);
  assert.equal(refused.status, 64);
  assert.match(refused.err, />bundle\.zip/);
  assert.equal(refused.file, undefined);
  assert.equal((await cat.certificates())[0]!.handedOutAt, null);
});

Deno.test("a vaultbox is deleted with --yes only, and before that it says what is lost", async () => {
  await using cat = await catWorld("server");
  const asked = await cat.encimap(`vaultbox delete ${CAT}`);
  assert.equal(asked.status, 0);
  assert.match(asked.out, /0 message\(s\).*1 certificate\(s\), 1 private key/);
  assert.match(asked.out, /Nothing was changed/);
  assert.equal((await cat.encimap(`vaultbox show ${CAT}`)).status, 0);
  const done = await cat.encimap(`vaultbox delete ${CAT} --yes`);
  assert.equal(done.out, `Deleted ${CAT}`);
  assert.equal((await cat.encimap(`vaultbox show ${CAT}`)).status, 1);
});

Deno.test("a refusal says what to do in the words of the command line", async () => {
  await using cat = await catWorld("server");
  const custody = await cat.encimap(`custody set ${CAT} external`);
  assert.match(custody.err, /^Upload a certificate or send a request/m);
  const policy = `vaultbox encryption ${CAT}`;
  const risky = await cat.encimap(`${policy} --content-cipher aes-256-gcm`);
  assert.equal(risky.status, 1);
  assert.match(risky.err, /^Send a trial mail with --trial/m);
  assert.doesNotMatch(risky.err, /POST/);
  const wrong = await cat.encimap(`${policy} --content-cipher rot13`);
  assert.match(wrong.err, /: --content-cipher must/);
  const [{ id } = { id: "" }] = await cat.certificates();
  const other = "0".repeat(64);
  const key = await cat.encimap(
    `custody destroy-key ${CAT} ${id} --fingerprint ${other}`,
  );
  assert.match(key.err, /: --fingerprint is another certificate's/);
});

Deno.test("the encryption of a vaultbox is shown where nothing is to be changed", async () => {
  await using cat = await catWorld("server");
  const policy = `vaultbox encryption ${CAT}`;
  const changed = await cat.encimap(`${policy} --header-protection off`);
  assert.equal(changed.out, "Changed");
  const shown = await cat.encimap(policy);
  assert.deepEqual(shown.out.split("\n"), [
    "content cipher    aes-256-cbc (default)",
    "key transport     rsaes-pkcs1-v1_5 (default)",
    "header protection off",
  ]);
  assert.equal((await cat.encimap(`${policy} --explicit`)).status, 64);
});

Deno.test("a reader that goes away is no failure that needs a word", async () => {
  const command = new Deno.Command("sh", {
    args: [
      "-c",
      `exec 3>&1; { "$0" run -A main.ts config describe 2>&3; } | true`,
      Deno.execPath(),
    ],
    cwd: new URL("../../", import.meta.url),
  });
  const { stdout, stderr } = await command.output();
  assert.equal(new TextDecoder().decode(stdout), "");
  assert.equal(new TextDecoder().decode(stderr), "");
});

Deno.test("a short validity needs no second setting, and maintenance lists what it would renew", async () => {
  await using cat = await catWorld("server", { CERT_VALIDITY_DAYS: "10" });
  const fresh = await cat.encimap("certificate generate " + CAT);
  assert.equal(fresh.status, 0, fresh.err);
  const nothing = await cat.encimap("maintenance --dry-run");
  assert.equal(nothing.out, "Nothing to renew");
  await cat.world.app.sql`
    update vaultbox_certs set not_before = now() - interval '9 days',
      not_after = now() + interval '1 day'
  `;
  const listed = await cat.encimap("maintenance --dry-run");
  assert.equal(listed.status, 0, listed.err);
  assert.match(listed.out, /^cat@pets\.example\twould be renewed\tuntil 2/m);
});

Deno.test("files in the place of a certificate are told apart", async () => {
  await using cat = await catWorld("server");
  const { pem, privateKey } = await foreignCertificate({ key: "P-256" });
  const key = pemEncode("PRIVATE KEY", privateKey);
  const pkcs12 = await openssl(
    { key, certificate: pem },
    "pkcs12 -export -in certificate -inkey key -passout pass:x".split(" "),
  );
  const der = pemDecode("CERTIFICATE", pem);
  const cases: [string, string | Uint8Array<ArrayBuffer>, RegExp, RegExp][] = [
    ["upload", pkcs12, /this is a PKCS#12 file/, /^openssl pkcs12 /m],
    ["upload", der, /this is DER/, /^openssl x509 /m],
    ["upload", await csrFor(CAT), /\(CSR\)/, /^encimap certificate request /m],
    ["request", pem, /is a certificate$/m, /^encimap certificate upload /m],
  ];
  for (const [command, file, what, advice] of cases) {
    const refused = await cat.encimap(`certificate ${command} ${CAT}`, file);
    assert.equal(refused.status, 1);
    assert.match(refused.err, what);
    assert.match(refused.err, advice);
  }
});

Deno.test("the operator chooses the kind of a key, and creates with a request", async () => {
  await using cat = await catWorld("server");
  const made = await cat.encimap(
    `certificate generate ${CAT} --key-type p-256`,
  );
  assert.equal(made.status, 0, made.err);
  const [newest] = await cat.certificates();
  const key = new X509Certificate(newest!.publicCertPem).publicKey;
  assert.equal(key.asymmetricKeyType, "ec");
  const create = `vaultbox create dog@pets.example --user ${ALICE}`;
  assert.equal((await cat.encimap(`${create} --key-type dsa`)).status, 64);
  const csr = await csrFor("dog@pets.example");
  const created = await cat.encimap(`${create} --custody external`, csr);
  assert.equal(created.status, 0, created.err);
  assert.match(created.out, /^[0-9a-f-]{36}\n-----BEGIN CERTIFICATE-----/);
});

Deno.test("maintenance and its clean-up say by their exit status that another run is at it", async () => {
  await using cat = await catWorld("server");
  const { sql } = cat.world.app;
  for (
    const [command, lock] of [
      ["maintenance", MAINTENANCE_LOCK],
      ["maintenance clean-up", CLEAN_UP_LOCK],
    ] as const
  ) {
    const ran = await runAlone(sql, lock, () => cat.encimap(command));
    assert.equal(ran?.status, 75, command);
    assert.match(ran!.err, /Another run is at it; nothing was done/);
    assert.equal((await cat.encimap(command)).status, 0, command);
  }
});
