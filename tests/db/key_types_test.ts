import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { buildApi } from "../../src/http/api.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { ALICE, type TestWorld, testWorld } from "../helpers/app.ts";
import { foreignCertificate } from "../helpers/certificates.ts";
import { type Answer, ask, bearer, SETTINGS } from "../helpers/http.ts";
import { contentOf, latin1, octets } from "../helpers/mail.ts";
import { openssl } from "../helpers/openssl.ts";

const CAT = { "user_id": ALICE, domain: "pets.example", alias: "cat" };
const BODY = "Content-Type: text/plain\r\n\r\nThe cat is well.\r\n";

async function asking(world: TestWorld) {
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  return (method: string, path: string, body?: unknown): Promise<Answer> =>
    ask(api, token, method, path, body);
}

/** Key and certificate of the only certificate, PEM. */
async function stored(world: TestWorld, vaultboxId: string) {
  const [row] = await world.app.sql`
    select id, fingerprint_sha256, public_cert_pem from vaultbox_certs
    where vaultbox_id = ${vaultboxId}
  `;
  const privateKey = await world.app.privateKeys.read({
    certificateId: row!["id"],
    vaultboxId,
    fingerprintSha256: row!["fingerprintSha256"],
  });
  return {
    key: pemEncode("PRIVATE KEY", privateKey!),
    certificate: String(row!["publicCertPem"]),
  };
}

for (
  const [env, keyType, algorithm, bits] of [
    [{}, undefined, "RSA", 2048],
    [{}, "p-256", "EC", 256],
    [{ CERT_KEY_TYPE: "p-256" }, undefined, "EC", 256],
    [{ CERT_KEY_TYPE: "p-256" }, "rsa-3072", "RSA", 3072],
    [
      { CERT_KEY_TYPE: "p-256", ENCIMAP_CERT_ISSUER: "appliance" },
      undefined,
      "EC",
      256,
    ],
  ] as const
) {
  const settings = JSON.stringify(env);
  Deno.test(`with ${settings} a vaultbox of key_type ${keyType} has ${algorithm} of ${bits} bits, and mail to it opens`, async () => {
    await using world = await testWorld(env, { newKeys: true });
    const call = await asking(world);
    const made = await call("POST", "/vaultboxes", {
      ...CAT,
      ...keyType && { "key_type": keyType },
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const id = made.body.data["vaultbox_id"];
    const path = `/vaultboxes/${id}/certificates`;
    const [shown] = (await call("GET", path)).body.data;
    assert.deepEqual([shown.algorithm, shown.bits], [algorithm, bits]);

    await deliver(world.intake, {
      route: id,
      recipient: "cat@pets.example",
      sender: "",
      queueId: crypto.randomUUID(),
      message: received(octets(`From: dog@pets.example\r\n${BODY}`)),
    });
    const folder = `${world.directory}/mail/${id}/Maildir/new`;
    const [{ name } = { name: "" }] = await Array.fromAsync(
      Deno.readDir(folder),
    );
    const mail = await Deno.readFile(`${folder}/${name}`);
    const files = { ...await stored(world, id), mail };
    const opened = await openssl(
      files,
      "cms -decrypt -binary -in mail -inkey key -recip certificate".split(" "),
    );
    assert.equal(contentOf(latin1(opened)), BODY);
  });
}

Deno.test("a new certificate may have a key of another kind than the last", async () => {
  await using world = await testWorld();
  const call = await asking(world);
  const { body } = await call("POST", "/vaultboxes", CAT);
  const made = await call("POST", "/generate-certificate", {
    email: "cat@pets.example",
    "key_type": "p-256",
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const path = `/vaultboxes/${body.data["vaultbox_id"]}/certificates`;
  const rows: Record<string, unknown>[] = (await call("GET", path)).body.data;
  assert.deepEqual(rows.map((row) => row["algorithm"]), ["EC", "RSA"]);
});

Deno.test("a certificate that is stored nowhere has the kind of key that is asked for", async () => {
  await using world = await testWorld();
  const call = await asking(world);
  const { body: { data } } = await call("POST", "/generate-certificate", {
    email: "fox@woods.example",
    "key_type": "p-256",
  });
  const key = createPrivateKey(Buffer.from(data["private_key"]));
  assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
});

Deno.test("a certificate that is stored nowhere may be for an address of any script", async () => {
  await using world = await testWorld();
  const call = await asking(world);
  const { body: { data } } = await call("POST", "/generate-certificate", {
    email: "kaķis@pets.example",
    "key_type": "p-256",
  });
  assert.equal(data.email, "kaķis@pets.example");
  await openssl({ "leaf.pem": data.certificate }, [
    ...["verify", "-CAfile", "leaf.pem"],
    ...["-verify_email", "kaķis@pets.example", "leaf.pem"],
  ]);
  const box = await call("POST", "/vaultboxes", { ...CAT, alias: "kaķis" });
  assert.equal(box.status, 400);
  assert.equal(box.body.error.details.field, "alias");
});

Deno.test("a key_type that there is not, or for a key held elsewhere, is 400", async () => {
  await using world = await testWorld();
  const call = await asking(world);
  const { pem: certificate } = await foreignCertificate();
  for (
    const wrong of [
      { "key_type": "rsa-1024" },
      { "key_type": "p-384" },
      { "key_type": "rsa-2048", custody: "external", certificate },
    ]
  ) {
    const made = await call("POST", "/vaultboxes", { ...CAT, ...wrong });
    assert.equal(made.status, 400);
    assert.equal(made.body.error.details.field, "key_type");
  }
});
