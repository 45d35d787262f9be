import { AsnConvert } from "@peculiar/asn1-schema";
import { Certificate } from "@peculiar/asn1-x509";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { generateRsaKey } from "../../../src/x509/key_pair.ts";
import { selfSignedCertificate } from "../../../src/x509/self_signed.ts";

let key: Promise<Uint8Array<ArrayBuffer>> | undefined;

async function issue(
  address = "cat@example.com",
  options: { notBefore?: Date; validityDays?: number } = {},
) {
  const privateKey = await (key ??= generateRsaKey(2048));
  const issued = await selfSignedCertificate(address, {
    privateKey,
    notBefore: new Date("2026-11-22T12:00:00Z"),
    validityDays: 365,
    ...options,
  });
  return {
    ...issued,
    parsed: AsnConvert.parse(issued.certificate, Certificate).tbsCertificate,
  };
}

Deno.test("selfSignedCertificate() has the address as its only name", async () => {
  const { certificate } = await issue();
  const x509 = new X509Certificate(Buffer.from(certificate));
  assert.equal(x509.subject, "CN=cat@example.com");
  assert.equal(x509.issuer, x509.subject);
  assert.equal(x509.subjectAltName, "email:cat@example.com");
});

Deno.test("selfSignedCertificate() gives the times that are in it", async () => {
  const { parsed, notBefore, notAfter } = await issue(undefined, {
    notBefore: new Date("2026-11-22T12:00:00.999Z"),
  });
  assert.equal(notBefore.toISOString(), "2026-11-22T12:00:00.000Z");
  assert.equal(notAfter.toISOString(), "2027-11-22T12:00:00.000Z");
  assert.deepEqual(parsed.validity.notBefore.getTime(), notBefore);
  assert.deepEqual(parsed.validity.notAfter.getTime(), notAfter);
});

// RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050.
for (
  const [time, type] of [
    ["2049-12-31T23:59:59Z", "utcTime"],
    ["2050-01-01T00:00:00Z", "generalTime"],
    ["9999-12-31T23:59:59Z", "generalTime"],
  ] as const
) {
  Deno.test(`selfSignedCertificate() writes ${time} as ${type}`, async () => {
    const notAfter = new Date(time);
    const { parsed } = await issue(undefined, {
      notBefore: new Date(notAfter.getTime() - 86_400_000),
      validityDays: 1,
    });
    assert.deepEqual(parsed.validity.notAfter[type], notAfter);
  });
}

Deno.test("selfSignedCertificate() never repeats a serial number", async () => {
  const serials = new Set<string>();
  for (let i = 0; i < 8; i++) {
    const { parsed } = await issue();
    const serial = new Uint8Array(parsed.serialNumber);
    assert.equal(serial.length, 16);
    assert.ok(serial[0]! >= 0x40 && serial[0]! < 0x80);
    serials.add(serial.toHex());
  }
  assert.equal(serials.size, 8);
});

Deno.test("selfSignedCertificate() writes a name of 64 characters in full", async () => {
  const address = `${"a".repeat(52)}@example.com`;
  const { parsed } = await issue(address);
  assert.equal(parsed.subject[0]![0]!.value.utf8String, address);
});

Deno.test("selfSignedCertificate() shortens a longer name so that it is no address", async () => {
  // The beginning of it is somebody else's address.
  const address = `a@${"b".repeat(48)}.example.com${".evil".repeat(4)}`;
  const { certificate, parsed } = await issue(address);
  const name = parsed.subject[0]![0]!.value.utf8String!;
  assert.equal(name, `${address.slice(0, 61)}...`);
  assert.equal(
    new X509Certificate(Buffer.from(certificate)).subjectAltName,
    `email:${address}`,
  );
});

for (const local of ["a,CN=evil", 'a"b', "a+OU=x", "#0500", "a\\2c", "a;b=c"]) {
  Deno.test(`selfSignedCertificate() takes ${local} as characters`, async () => {
    const { parsed } = await issue(`${local}@example.com`);
    assert.equal(parsed.subject.length, 1);
    assert.equal(parsed.subject[0]!.length, 1);
    assert.equal(
      parsed.subject[0]![0]!.value.utf8String,
      `${local}@example.com`,
    );
  });
}

for (
  const address of [
    "",
    "cat",
    "@example.com",
    "cat@",
    "a@b@example.com",
    "a b@example.com",
    "a\u0000@example.com",
    "cat@example.com\n",
    "cat@bücher.example",
    `${"a".repeat(65)}@example.com`,
  ]
) {
  Deno.test(`selfSignedCertificate() throws on the address ${JSON.stringify(address)}`, async () => {
    await assert.rejects(issue(address), RangeError);
  });
}

for (const validityDays of [0, -1, 0.5, NaN, Infinity, 4_000_000]) {
  Deno.test(`selfSignedCertificate() throws on ${validityDays} days`, async () => {
    await assert.rejects(issue(undefined, { validityDays }), RangeError);
  });
}

for (const time of ["1949-12-31T23:59:59Z", "never"]) {
  Deno.test(`selfSignedCertificate() throws on validity from ${time}`, async () => {
    await assert.rejects(
      issue(undefined, { notBefore: new Date(time) }),
      RangeError,
    );
  });
}

Deno.test("selfSignedCertificate() throws if the key is neither RSA nor P-256", async () => {
  const { privateKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-384" },
    true,
    ["sign"],
  );
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  await assert.rejects(
    selfSignedCertificate("cat@example.com", {
      privateKey: new Uint8Array(pkcs8),
      notBefore: new Date("2026-11-22T12:00:00Z"),
      validityDays: 1,
    }),
    RangeError,
  );
});
