import assert from "node:assert/strict";
import { buildApi } from "../../src/http/api.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { pemDecode, pemEncode } from "../../src/x509/pem.ts";
import { ALICE, testWorld } from "../helpers/app.ts";
import { certificateBy } from "../helpers/bad_certificates.ts";
import { foreignCertificate } from "../helpers/certificates.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";
import { contentOf, latin1, octets } from "../helpers/mail.ts";
import { openssl } from "../helpers/openssl.ts";
import { csrFor } from "../helpers/operations.ts";

const CAT = { "user_id": ALICE, domain: "pets.example", alias: "cat" };
const BODY = "Content-Type: text/plain\r\n\r\nThe cat is well.\r\n";
const YEAR_MS = 365 * 86_400_000;

/** What openssl exports. */
async function pkcs12File(): Promise<Uint8Array<ArrayBuffer>> {
  const { pem, privateKey } = await foreignCertificate({ key: "P-256" });
  const key = pemEncode("PRIVATE KEY", privateKey);
  return await openssl(
    { key, certificate: pem },
    "pkcs12 -export -in certificate -inkey key -passout pass:x".split(" "),
  );
}

/** A world with Cat's vaultbox, whose certificate is one of her own. */
async function catWorld(env: Record<string, string> = {}) {
  const world = await testWorld(env);
  const { pem, privateKey } = await foreignCertificate();
  const api = buildApi(world.app, SETTINGS);
  const token = await bearer();
  const call = (method: string, path: string, body?: unknown) =>
    ask(api, token, method, path, body);
  const creation = { ...CAT, custody: "external", certificate: pem };
  const made = await call("POST", "/vaultboxes", creation);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const id: string = made.body.data["vaultbox_id"];
  const path = `/vaultboxes/${id}/certificates`;
  return {
    world,
    call,
    id,
    path,
    pem,
    upload: (certificate: string) => call("POST", path, { certificate }),
    /** Delivers a mail, which opens with Cat's key. */
    async deliver() {
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
      await Deno.remove(`${folder}/${name}`);
      const key = pemEncode("PRIVATE KEY", privateKey);
      const opened = await openssl(
        { mail, key, certificate: pem },
        "cms -decrypt -binary -in mail -inkey key -recip certificate"
          .split(" "),
      );
      assert.equal(contentOf(latin1(opened)), BODY);
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** Changes an octet of a certificate; nobody checks its signature. */
function altered(pem: string, found: string, replacement: string): string {
  const hex = pemDecode("CERTIFICATE", pem).toHex();
  const at = hex.indexOf(found);
  assert.ok(at >= 0 && hex.indexOf(found, at + 1) < 0, found);
  const other = hex.replace(found, replacement);
  return pemEncode("CERTIFICATE", Uint8Array.fromHex(other));
}

const extension = (text: string) => certificateBy("-addext", text);
const rsa = () => certificateBy("-newkey", "rsa:2048");

/** What is handed in, and what is said of it. */
const CASES: [string, () => string | Promise<string>, RegExp][] = [
  ["garbage", () => "cat", /one X\.509 certificate/],
  [
    "garbage in PEM",
    () => pemEncode("CERTIFICATE", new Uint8Array(100).fill(65)),
    /one X\.509 certificate/,
  ],
  [
    "half of a certificate",
    async () => {
      const der = pemDecode("CERTIFICATE", await extension("1.2.3.4=DER:0500"));
      return pemEncode("CERTIFICATE", der.slice(0, der.length / 2));
    },
    /one X\.509 certificate/,
  ],
  [
    "several certificates",
    async () => await rsa() + await rsa(),
    /one alone: leave those of its issuers out/,
  ],
  [
    "a private key beside it",
    async () => await rsa() + pemEncode("PRIVATE KEY", new Uint8Array(9)),
    /without its private key/,
  ],
  [
    "RSA with 1024 bits",
    () => certificateBy("-newkey", "rsa:1024"),
    /2048 to 4096 bits/,
  ],
  [
    "an even exponent",
    async () => altered(await rsa(), "0203010001", "0203010000"),
    /exponent/,
  ],
  [
    "an even modulus",
    async () => {
      const hex = pemDecode("CERTIFICATE", await rsa()).toHex();
      const at = hex.indexOf("0203010001") - 1;
      const other = `${hex.slice(0, at)}0${hex.slice(at + 1)}`;
      return pemEncode("CERTIFICATE", Uint8Array.fromHex(other));
    },
    /RSA key must/,
  ],
  ["Ed25519", () => certificateBy("-newkey", "ed25519"), /must be RSA/],
  [
    "another curve",
    () =>
      certificateBy("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"),
    /P-256/,
  ],
  [
    "an expired one",
    async () =>
      (await foreignCertificate({
        key: "P-256",
        notAfter: new Date(Date.now() - 1000),
      })).pem,
    /has expired on 20\d\d-/,
  ],
  [
    "one that is not valid yet",
    async () =>
      (await foreignCertificate({
        key: "P-256",
        notBefore: new Date(Date.now() + 7_200_000),
      }))
        .pem,
    /not valid yet/,
  ],
  [
    "another address",
    () => extension("subjectAltName=email:dog@pets.example"),
    /another address: dog@pets\.example, not (cat|fox)@pets\.example$/,
  ],
  [
    "many addresses that are hostile",
    () =>
      extension(
        "subjectAltName=" +
          ["\x1b[31mred", "dog cat", "x".repeat(200), "owl", "hen"]
            .map((local) => `email:${local}@pets.example`).join(),
      ),
    /: \?\[31mred@pets\.example, dog\?cat@pets\.example, x{100} and 2 more, not /,
  ],
  [
    "a request",
    () => csrFor("cat@pets.example"),
    /this is a .*request \(CSR\)/,
  ],
  [
    "a PKCS#12 file, as base64",
    async () => (await pkcs12File()).toBase64(),
    /this is a PKCS#12 file/,
  ],
  [
    "an authority",
    () => extension("basicConstraints=critical,CA:TRUE"),
    /of an authority \(basicConstraints.*-addext/,
  ],
  [
    "an unknown critical extension",
    () => extension("1.3.6.1.4.1.99999.7=critical,DER:0500"),
    /not known here: 1\.3\.6\.1\.4\.1\.99999\.7$/,
  ],
  [
    "no use for mail",
    () => extension("extendedKeyUsage=serverAuth"),
    /emailProtection/,
  ],
  [
    "no use for encryption",
    () => extension("keyUsage=digitalSignature"),
    /keyAgreement/,
  ],
  [
    "a huge serial number",
    () => certificateBy("-set_serial", `0x7f${"00".repeat(20)}`),
    /serial number of more than 20 octets/,
  ],
  [
    "a huge name",
    () =>
      certificateBy(
        "-subj",
        Array.from({ length: 20 }, () => `/OU=${"x".repeat(60)}`).join(""),
      ),
    /name of more than 1024 octets/,
  ],
  ["SHA-1", () => certificateBy("-sha1"), /hash that is broken/],
  [
    "two algorithms of one signature",
    async () => {
      // ecdsa-with-SHA256 outside becomes ecdsa-with-SHA384.
      const hex = pemDecode("CERTIFICATE", await certificateBy()).toHex();
      const at = hex.lastIndexOf("2a8648ce3d040302");
      const other = `${hex.slice(0, at)}2a8648ce3d040303${hex.slice(at + 16)}`;
      return pemEncode("CERTIFICATE", Uint8Array.fromHex(other));
    },
    /one X\.509 certificate/,
  ],
];

Deno.test("a certificate that is no use is 400 and says why, and mail goes on", async (t) => {
  await using cat = await catWorld();
  const before = (await cat.call("GET", cat.path)).body;
  for (const [what, make, message] of CASES) {
    await t.step(what, async () => {
      const certificate = await make();
      const answer = await cat.upload(certificate);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error.details.field, "certificate");
      assert.match(answer.body.error.message, /^certificate /);
      assert.match(answer.body.error.message, message);
      const creation = { ...CAT, alias: "fox", custody: "external" };
      const made = await cat.call("POST", "/vaultboxes", {
        ...creation,
        certificate,
      });
      assert.equal(made.status, 400);
      assert.deepEqual((await cat.call("GET", cat.path)).body, before);
      await cat.deliver();
    });
  }
  await t.step("the same again is 409", async () => {
    assert.equal((await cat.upload(cat.pem)).status, 409);
    assert.deepEqual((await cat.call("GET", cat.path)).body, before);
    await cat.deliver();
  });
});

for (
  const [what, make] of [
    [
      "all extensions of a good one",
      () =>
        certificateBy(
          ...["-addext", "basicConstraints=critical,CA:FALSE"],
          ...["-addext", "keyUsage=critical,digitalSignature,keyAgreement"],
          ...["-addext", "extendedKeyUsage=critical,emailProtection,1.2.3.4"],
          ...["-addext", "subjectAltName=critical,email:CAT@Pets.Example"],
          ...["-addext", "certificatePolicies=critical,1.2.3.4"],
          ...["-addext", "1.3.6.1.4.1.99999.7=DER:0500"],
        ),
    ],
    [
      "a serial number of 20 octets",
      () => certificateBy("-set_serial", `0x7f${"00".repeat(19)}`),
    ],
    ["any purpose", () => extension("extendedKeyUsage=anyExtendedKeyUsage")],
    [
      "a clock that is half an hour ahead",
      async () => {
        const notBefore = new Date(Date.now() + 1_800_000);
        return (await foreignCertificate({ key: "P-256", notBefore })).pem;
      },
    ],
    [
      "thirty years",
      async () => {
        const notAfter = new Date(Date.now() + 30 * YEAR_MS);
        return (await foreignCertificate({ key: "P-256", notAfter })).pem;
      },
    ],
  ] as const
) {
  Deno.test(`a certificate with ${what} is taken`, async () => {
    await using cat = await catWorld();
    const answer = await cat.upload(await make());
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    await cat.deliver();
  });
}

Deno.test("a certificate of another address is taken with a warning, by setting", async () => {
  await using cat = await catWorld({ ENCIMAP_ADDRESS_MISMATCH: "warn" });
  const other = await extension("subjectAltName=email:dog@pets.example");
  const taken = await cat.upload(other);
  assert.equal(taken.status, 201, JSON.stringify(taken.body));
  assert.deepEqual(taken.body.data.warnings, ["address_mismatch"]);
  const made = await cat.call("POST", "/vaultboxes", {
    ...CAT,
    alias: "fox",
    custody: "external",
    certificate: other,
  });
  assert.deepEqual(made.body.data.warnings, ["address_mismatch"]);
  await cat.deliver();
});

Deno.test("a certificate without an address is taken with a warning, and one with ours without", async () => {
  await using cat = await catWorld();
  const nobody = await cat.upload(await certificateBy());
  assert.deepEqual(nobody.body.data.warnings, ["no_address"]);
  const ours = await cat.upload(
    await extension("subjectAltName=email:cat@pets.example"),
  );
  assert.deepEqual(ours.body.data.warnings, []);
});
