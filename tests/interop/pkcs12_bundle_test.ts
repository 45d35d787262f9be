import assert from "node:assert/strict";
import { bundleZip } from "../../src/vaultbox/bundle_zip.ts";
import { CLIENT_GUIDES } from "../../src/vaultbox/client_guides.ts";
import { fingerprintSha256 } from "../../src/x509/fingerprint.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../src/x509/self_signed.ts";
import {
  ENTITY,
  type TemporaryDirectory,
  temporaryDirectory,
  testIdentity,
} from "./pkcs12_oracles.ts";
import { isMissing } from "../helpers/openssl.ts";

const PASSWORD = "correct horse battery";
const UNZIP = { ignore: isMissing("unzip") };
const PYTHON = { ignore: isMissing("python3") };

const NAMES = [
  "README.txt",
  "certificate-compatible.p12",
  "certificate.p12",
  "certificate.pem",
  "previous/1/certificate-compatible.p12",
  "previous/1/certificate.p12",
  "previous/1/certificate.pem",
  "setup.mobileconfig",
];

/** Writes a bundle of two generations; returns them, newest first. */
async function bundle(directory: TemporaryDirectory) {
  const identities = [await testIdentity(), await testIdentity()];
  const generations = await Promise.all(
    identities.map(async ({ certificate, privateKey }) => ({
      certificate,
      privateKey,
      chain: [],
      fingerprintSha256: await fingerprintSha256(certificate),
      notAfter: new Date("2027-11-22T00:00:00Z"),
    })),
  );
  const zip = await bundleZip({
    address: "cat@example.com",
    hostname: "mail.example.com",
    username: "encimap-cat",
    isOnlyCopy: false,
    destroyedKeys: 0,
    password: PASSWORD,
    modified: new Date("2026-11-22T12:34:56Z"),
    generations,
    profile: () => Promise.resolve(new Uint8Array()),
  });
  await directory.write("bundle.zip", zip);
  return { identities, generations };
}

Deno.test(
  "bundleZip() passes unzip -t and unpacks for the owner only",
  UNZIP,
  async () => {
    await using directory = await temporaryDirectory();
    await bundle(directory);
    const { text } = await directory.ok(["unzip", "-t", "bundle.zip"]);
    assert.match(text, /No errors detected/);
    await directory.ok(["unzip", "-q", "bundle.zip", "-d", "out"]);
    for (const name of NAMES) {
      const { mode, mtime } = await Deno.stat(`${directory.path}/out/${name}`);
      assert.equal(mode! & 0o777, 0o600, name);
      assert.equal(mtime!.toISOString(), "2026-11-22T12:34:56.000Z", name);
    }
  },
);

Deno.test("bundleZip() is read by Python's zipfile", PYTHON, async () => {
  await using directory = await temporaryDirectory();
  await bundle(directory);
  const { text } = await directory.ok([
    "python3",
    "-c",
    `import zipfile
z = zipfile.ZipFile("bundle.zip")
assert z.testzip() is None
print("\\n".join(sorted(z.namelist())))`,
  ]);
  assert.deepEqual(text.trim().split("\n"), NAMES);
});

Deno.test(
  "bundleZip() opens mail by the commands in its README.txt",
  UNZIP,
  async () => {
    await using directory = await temporaryDirectory();
    const { identities, generations } = await bundle(directory);
    await directory.ok(["unzip", "-q", "bundle.zip"]);
    const readme = await Deno.readTextFile(`${directory.path}/README.txt`);
    const script = /umask 077\n[^]*?-out opened\.eml\n/
      .exec(readme.replaceAll("\r", ""))![0];
    assert.ok(readme.includes(generations[0]!.fingerprintSha256));

    for (const [n, folder] of [".", "previous/1"].entries()) {
      await directory.write("entity", ENTITY);
      await directory.write("recipient.pem", identities[n]!.pem);
      const here = `${directory.path}/${folder}`;
      await directory.ok([
        ..."openssl cms -encrypt -binary -aes256 -in entity".split(" "),
        ..."-from dog@example.com -to cat@example.com".split(" "),
        ..."-subject News -out".split(" "),
        `${here}/message.eml`,
        "recipient.pem",
      ]);
      // The one thing that is typed: openssl asks on the terminal otherwise.
      const typed = script.replace("-nodes", "-passin stdin -nodes");
      await directory.ok(
        ["sh", "-ec", `cd '${here}'\n${typed}`],
        `${PASSWORD}\n`,
      );
      assert.equal(await Deno.readTextFile(`${here}/opened.eml`), ENTITY);
    }
  },
);

Deno.test("README.txt opens mail from before a renewal without -recip", async () => {
  await using directory = await temporaryDirectory();
  const before = await testIdentity();
  const { certificate } = await selfSignedCertificate(before.address, {
    privateKey: before.privateKey,
    notBefore: new Date(),
    validityDays: 365,
  });
  const key = pemEncode("PRIVATE KEY", before.privateKey);
  const renewed = pemEncode("CERTIFICATE", certificate);
  await directory.write("vaultbox.pem", key + renewed);
  await directory.write("before.pem", before.pem);
  await directory.write("entity", ENTITY);
  await directory.ok(
    "openssl cms -encrypt -binary -aes256 -in entity -out message.eml before.pem"
      .split(" "),
  );
  const { commands, notes } = CLIENT_GUIDES.find(({ title }) =>
    title.startsWith("OpenSSL")
  )!;
  const typed = commands!.slice(2).join("\n");
  const failed = await directory.run(["sh", "-c", typed]);
  assert.notEqual(failed.code, 0);
  const note = notes.find((each) => each.includes("renewal"))!;
  const [error, left] = [...note.matchAll(/"(.*?)"/g)].map(([, said]) => said!);
  assert.ok(failed.text.includes(error!), failed.text);
  assert.ok(typed.includes(left!));
  await directory.ok(["sh", "-c", typed.replace(left!, "")]);
  const opened = await Deno.readTextFile(`${directory.path}/opened.eml`);
  assert.equal(opened, ENTITY);
});
