import { unzipSync } from "fflate";
import assert from "node:assert/strict";
import {
  bundleZip,
  type BundleZipOptions,
  friendlyName,
} from "../../../src/vaultbox/bundle_zip.ts";
import { pemDecode } from "../../../src/x509/pem.ts";
import { identity } from "../pkcs12/identity.ts";

/** Nothing here looks into it. */
const ISSUER = new Uint8Array([0x30, 1, 0]);
const PASSWORD = "correct horse battery";

async function options(generations: number): Promise<BundleZipOptions> {
  const identities = await Promise.all([0, 1, 2].map(identity));
  return {
    address: "cat@example.com",
    hostname: "mail.example.com",
    username: "encimap-cat",
    isOnlyCopy: false,
    destroyedKeys: 0,
    password: PASSWORD,
    modified: new Date("2026-11-22T12:00:00Z"),
    generations: identities.slice(0, generations).map((each, n) => ({
      ...each,
      chain: n === 1 ? [ISSUER] : [],
      fingerprintSha256: `${n}`.repeat(64),
      notAfter: new Date("2027-11-22T12:00:00Z"),
    })),
    profile: (keys) => Promise.resolve(keys[0]!.pkcs12),
  };
}

Deno.test("bundleZip() has every generation, the newest on top", async () => {
  const files = unzipSync(await bundleZip(await options(3)));
  assert.deepEqual(Object.keys(files), [
    "README.txt",
    "certificate.p12",
    "certificate-compatible.p12",
    "certificate.pem",
    "previous/1/certificate.p12",
    "previous/1/certificate-compatible.p12",
    "previous/1/certificate.pem",
    "previous/1/issuer.pem",
    "previous/2/certificate.p12",
    "previous/2/certificate-compatible.p12",
    "previous/2/certificate.pem",
    "setup.mobileconfig",
  ]);
  assert.deepEqual(
    files["setup.mobileconfig"],
    files["certificate-compatible.p12"],
  );
  for (
    const [name, n] of [["", 0], ["previous/1/", 1], [
      "previous/2/",
      2,
    ]] as const
  ) {
    const pem = new TextDecoder().decode(files[`${name}certificate.pem`]);
    assert.deepEqual(
      pemDecode("CERTIFICATE", pem),
      (await identity(n)).certificate,
    );
  }
  const issuer = new TextDecoder().decode(files["previous/1/issuer.pem"]);
  assert.deepEqual(pemDecode("CERTIFICATE", issuer), ISSUER);
});

Deno.test("bundleZip() nowhere has the password", async () => {
  const files = unzipSync(await bundleZip(await options(1)));
  const latin1 = new TextDecoder("latin1");
  for (const [name, octets] of Object.entries(files)) {
    assert.ok(!latin1.decode(octets).includes(PASSWORD), name);
  }
});

Deno.test("bundleZip() describes the newest generation in README.txt", async () => {
  const files = unzipSync(await bundleZip(await options(2)));
  const text = new TextDecoder().decode(files["README.txt"]);
  assert.ok(text.includes("0".repeat(64)));
  assert.ok(text.includes("encimap-cat"));
  assert.match(text, /previous\/1\/ .*\r\n.*fingerprint 11111111/);
});

Deno.test("bundleZip() never makes a path of the address", async () => {
  const files = unzipSync(
    await bundleZip({
      ...await options(1),
      address: "../../etc/x@example.com",
    }),
  );
  assert.equal(
    Object.keys(files).filter((name) => name.includes("..")).length,
    0,
  );
});

Deno.test("friendlyName() shortens an address and tells generations apart", () => {
  const address = `${"a".repeat(64)}@${"b.".repeat(120)}example.com`;
  const name = friendlyName(address, "0123456789");
  assert.equal(name.length, 255);
  assert.ok(name.endsWith(" 01234567"));
  assert.notEqual(name, friendlyName(address, "f123456789"));
});

Deno.test("bundleZip() throws if there is no generation", async () => {
  await assert.rejects(bundleZip(await options(0)), RangeError);
});

for (const time of ["1979-06-01T00:00:00Z", "2100-06-01T00:00:00Z", "never"]) {
  Deno.test(`bundleZip() throws if modified is ${time}`, async () => {
    await assert.rejects(
      bundleZip({ ...await options(1), modified: new Date(time) }),
      RangeError,
    );
  });
}
