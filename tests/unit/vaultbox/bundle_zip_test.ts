import { unzipSync } from "fflate";
import assert from "node:assert/strict";
import {
  bundleZip,
  type BundleZipOptions,
} from "../../../src/vaultbox/bundle_zip.ts";
import { pemDecode } from "../../../src/x509/pem.ts";

const PASSWORD = "correct horse battery";

function options(generations: number): BundleZipOptions {
  return {
    address: "cat@example.com",
    hostname: "mail.example.com",
    username: "encimap-cat",
    password: PASSWORD,
    modified: new Date("2026-11-22T12:00:00Z"),
    // Nothing here looks into keys and certificates.
    generations: Array.from({ length: generations }, (_, n) => ({
      certificate: new Uint8Array([0x30, 1, n]),
      privateKey: new Uint8Array([0x30, 1, n]),
      fingerprintSha256: `${n}`.repeat(64),
      notAfter: new Date("2027-11-22T12:00:00Z"),
    })),
  };
}

Deno.test("bundleZip() has every generation, the newest on top", async () => {
  const files = unzipSync(await bundleZip(options(3)));
  assert.deepEqual(Object.keys(files), [
    "README.txt",
    "certificate.p12",
    "certificate-compat.p12",
    "certificate.pem",
    "older/1/certificate.p12",
    "older/1/certificate-compat.p12",
    "older/1/certificate.pem",
    "older/2/certificate.p12",
    "older/2/certificate-compat.p12",
    "older/2/certificate.pem",
  ]);
  for (
    const [name, n] of [["", 0], ["older/1/", 1], ["older/2/", 2]] as const
  ) {
    const pem = new TextDecoder().decode(files[`${name}certificate.pem`]);
    assert.deepEqual(
      pemDecode("CERTIFICATE", pem),
      new Uint8Array([0x30, 1, n]),
    );
  }
});

Deno.test("bundleZip() nowhere has the password", async () => {
  const files = unzipSync(await bundleZip(options(1)));
  const latin1 = new TextDecoder("latin1");
  for (const [name, octets] of Object.entries(files)) {
    assert.ok(!latin1.decode(octets).includes(PASSWORD), name);
  }
});

Deno.test("bundleZip() describes the newest generation in README.txt", async () => {
  const files = unzipSync(await bundleZip(options(2)));
  const text = new TextDecoder().decode(files["README.txt"]);
  assert.ok(text.includes("0".repeat(64)));
  assert.ok(text.includes("encimap-cat"));
  assert.ok(text.includes("There is one in this archive."));
});

Deno.test("bundleZip() never makes a path of the address", async () => {
  const files = unzipSync(
    await bundleZip({ ...options(1), address: "../../etc/x@example.com" }),
  );
  assert.equal(
    Object.keys(files).filter((name) => name.includes("..")).length,
    0,
  );
});

Deno.test("bundleZip() shortens a friendlyName that is too long", async () => {
  const address = `${"a".repeat(64)}@${"b.".repeat(120)}example.com`;
  assert.ok((await bundleZip({ ...options(1), address })).length > 0);
});

Deno.test("bundleZip() throws if there is no generation", async () => {
  await assert.rejects(bundleZip(options(0)), RangeError);
});

Deno.test("bundleZip() throws invalid_request if the password is too short", async () => {
  await assert.rejects(bundleZip({ ...options(1), password: "short" }), {
    code: "invalid_request",
  });
});

for (const time of ["1979-06-01T00:00:00Z", "2100-06-01T00:00:00Z", "never"]) {
  Deno.test(`bundleZip() throws if modified is ${time}`, async () => {
    await assert.rejects(
      bundleZip({ ...options(1), modified: new Date(time) }),
      RangeError,
    );
  });
}
