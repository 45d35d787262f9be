import { unzipSync } from "fflate";
import assert from "node:assert/strict";
import type { App } from "../../src/app.ts";
import type { AppError } from "../../src/errors.ts";
import { vaultboxBundle } from "../../src/vaultbox/bundle.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { vaultboxProfile } from "../../src/vaultbox/profile.ts";
import { pemDecode } from "../../src/x509/pem.ts";
import { ALICE, BOB, SERVICE, testWorld, user } from "../helpers/app.ts";
import { openssl, run } from "../helpers/openssl.ts";
import { issuedSigner } from "../helpers/profile_signer.ts";

const PASSWORD = "correct horse battery";

// deno-lint-ignore no-explicit-any
type Payload = Record<string, any>;

/** Reads a property list with Python; octets become base64. */
async function plist(octets: Uint8Array): Promise<Payload> {
  const script = `import sys, json, plistlib, base64
print(json.dumps(plistlib.loads(sys.stdin.buffer.read()), default=lambda o: base64.b64encode(o).decode()))`;
  const out = await run("python3", ["-c", script], { cwd: "/", stdin: octets });
  return JSON.parse(new TextDecoder().decode(out));
}

async function makeBox(app: App): Promise<string> {
  const { id } = await createVaultbox(app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat & <Co>",
    certificatePem: undefined,
    mayClaimDomain: true,
  });
  return id;
}

Deno.test("a profile has the account and one key for each generation, which OpenSSL opens", async () => {
  await using world = await testWorld();
  const { app } = world;
  const vaultboxId = await makeBox(app);
  const address = { alias: "cat", domain: "pets.example" };
  await generateCertificate(app, SERVICE, { address, validityDays: undefined });
  const request = { vaultboxId, password: PASSWORD, withCredential: false };
  const octets = await vaultboxProfile(app, user(ALICE), request);
  const profile = await plist(octets);
  assert.equal(profile["PayloadType"], "Configuration");
  const payloads: Payload[] = profile["PayloadContent"];
  const types = payloads.map((each) => each["PayloadType"]);
  const key = "com.apple.security.pkcs12";
  assert.deepEqual(types, [key, key, "com.apple.mail.managed"]);

  const mail = payloads[2]!;
  assert.equal(mail["EmailAccountName"], "Cat & <Co>");
  assert.equal(mail["EmailAddress"], "cat@pets.example");
  assert.equal(mail["IncomingMailServerUsername"], "cat@pets.example");
  assert.equal(mail["IncomingMailServerHostName"], "mail.example.test");
  assert.equal(mail["IncomingMailServerPortNumber"], 993);
  assert.equal(mail["OutgoingMailServerPortNumber"], 587);
  assert.equal(mail["IncomingPassword"], undefined);
  const uuid = payloads[0]!["PayloadUUID"];
  assert.equal(mail["SMIMEEncryptionCertificateUUID"], uuid);
  assert.equal(mail["SMIMESigningCertificateUUID"], uuid);

  const certificates = await app.sql<{ fingerprintSha256: string }[]>`
    select fingerprint_sha256 from vaultbox_certs order by created_at desc
  `;
  for (const [index, { fingerprintSha256 }] of certificates.entries()) {
    assert.equal(payloads[index]!["Password"], undefined);
    const p12 = Uint8Array.fromBase64(payloads[index]!["PayloadContent"]);
    const args = "pkcs12 -in p12 -nodes -passin file:password".split(" ");
    const pem = await openssl({ p12, password: PASSWORD }, args);
    assert.match(new TextDecoder().decode(pem), /BEGIN PRIVATE KEY/);
    const shown = await openssl({ pem }, [
      ..."x509 -in pem -noout -fingerprint -sha256".split(" "),
    ]);
    const found = new TextDecoder().decode(shown).replaceAll(":", "");
    assert.ok(found.toLowerCase().includes(fingerprintSha256));
  }
  assert.doesNotMatch(new TextDecoder().decode(octets), /correct horse/);
});

Deno.test("a profile made again replaces the first: all UUIDs are the same, and no two in it", async () => {
  await using world = await testWorld();
  const { app } = world;
  const request = {
    vaultboxId: await makeBox(app),
    password: PASSWORD,
    withCredential: false,
  };
  const uuids = async () => {
    const profile = await plist(await vaultboxProfile(app, SERVICE, request));
    return [profile, ...profile["PayloadContent"]]
      .map((each: Payload) => each["PayloadUUID"]);
  };
  const first = await uuids();
  assert.deepEqual(await uuids(), first);
  assert.equal(new Set(first).size, first.length);
  for (const uuid of first) {
    assert.match(uuid, /^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB]/);
  }
});

Deno.test("a profile is signed by a certificate that somebody issued, and by no other", async () => {
  await using world = await testWorld();
  const vaultboxId = await makeBox(world.app);
  const request = { vaultboxId, password: PASSWORD, withCredential: false };
  const { rootPem: root, ...signer } = await issuedSigner(["rsa:2048"]);
  const by = async (certificatesPem: string) => {
    const profileSigner = () => Promise.resolve({ ...signer, certificatesPem });
    const app = { ...world.app, profileSigner };
    return await vaultboxProfile(app, SERVICE, request);
  };
  const signed = await by(signer.certificatesPem);
  const verify = "cms -verify -inform DER -in signed -CAfile root -purpose any";
  const content = await openssl({ signed, root }, verify.split(" "));
  assert.equal((await plist(content))["PayloadType"], "Configuration");
  const unsigned = await by(root);
  assert.equal((await plist(unsigned))["PayloadType"], "Configuration");
});

Deno.test("a signer that is of no use keeps no bundle: its profile is not signed", async () => {
  await using world = await testWorld();
  const vaultboxId = await makeBox(world.app);
  const good = await issuedSigner(["rsa:2048"]);
  const request = { vaultboxId, password: PASSWORD };
  for (
    const profileSigner of [
      () => Promise.reject(new Deno.errors.NotFound("key.pem")),
      () => Promise.resolve({ ...good, privateKeyPem: "" }),
    ]
  ) {
    const app = { ...world.app, profileSigner };
    const files = unzipSync(await vaultboxBundle(app, user(ALICE), request));
    const profile = await plist(files["setup.mobileconfig"]!);
    assert.equal(profile["PayloadType"], "Configuration");
  }
});

Deno.test("a profile brings a credential of its own only where that is wanted", async () => {
  await using world = await testWorld();
  const { app } = world;
  const vaultboxId = await makeBox(app);
  const request = { vaultboxId, password: PASSWORD, withCredential: true };
  const octets = await vaultboxProfile(app, user(ALICE), request);
  const mail = (await plist(octets))["PayloadContent"].at(-1);
  const [row] = await app.sql`select login, scope from app_credentials`;
  assert.deepEqual({ ...row }, {
    login: mail["IncomingMailServerUsername"],
    scope: "both",
  });
  assert.equal(mail["OutgoingMailServerUsername"], row!["login"]);
  assert.match(mail["IncomingPassword"], /^[a-z2-9]{24}$/);
  assert.equal(mail["OutgoingPasswordSameAsIncomingPassword"], true);
});

Deno.test("a bundle has the profile, with the root of the issuer that signed its certificate", async () => {
  await using world = await testWorld({ ENCIMAP_CERT_ISSUER: "appliance" });
  const { app } = world;
  const vaultboxId = await makeBox(app);
  const request = { vaultboxId, password: PASSWORD };
  const files = unzipSync(await vaultboxBundle(app, user(ALICE), request));
  const profile = await plist(files["setup.mobileconfig"]!);
  const [key, root, mail]: Payload[] = profile["PayloadContent"];
  assert.equal(
    key!["PayloadContent"],
    files["certificate-compatible.p12"]!.toBase64(),
  );
  assert.equal(root!["PayloadType"], "com.apple.security.root");
  const issuer = new TextDecoder().decode(files["issuer.pem"]);
  const der = pemDecode("CERTIFICATE", issuer);
  assert.equal(root!["PayloadContent"], der.toBase64());
  assert.equal(mail!["SMIMEEncryptionCertificateUUID"], key!["PayloadUUID"]);
});

Deno.test("nobody else's profile is made, and none without a key", async () => {
  await using world = await testWorld();
  const { app } = world;
  const vaultboxId = await makeBox(app);
  const request = { vaultboxId, password: PASSWORD, withCredential: true };
  const refusal = async (userId: string) => {
    try {
      await vaultboxProfile(app, user(userId), request);
    } catch (error) {
      return (error as AppError).code;
    }
    return undefined;
  };
  assert.equal(await refusal(BOB), "not_found");
  await app.sql`update vaultboxes set custody = 'external'`;
  assert.equal(await refusal(ALICE), "conflict");
  assert.equal((await app.sql`select from app_credentials`).length, 0);
});
