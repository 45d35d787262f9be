import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import assert from "node:assert/strict";
import { pemDecode } from "../../../src/x509/pem.ts";
import {
  foreignCertificate,
  KeyUsageFlags,
} from "../../helpers/certificates.ts";
import { readRecipientKey } from "../../../src/smime/recipient_key.ts";
import { readCertificationRequest } from "../../../src/smime/certification_request.ts";
import {
  checkDer,
  readCertificate,
} from "../../../src/smime/recipient_certificate.ts";
import { der, INTEGER, SEQUENCE } from "../../../src/smime/der.ts";
import { generateRsaKey } from "../../../src/x509/key_pair.ts";
import { selfSignedCertificate } from "../../../src/x509/self_signed.ts";

const NOT_BEFORE = new Date("2026-01-01T00:00:00Z");

async function issue(): Promise<Uint8Array<ArrayBuffer>> {
  const { certificate } = await selfSignedCertificate("cat@example.com", {
    privateKey: await generateRsaKey(2048),
    notBefore: NOT_BEFORE,
    validityDays: 1,
  });
  return certificate;
}

/** Numbers that are the same in each run, so that a failure can be repeated. */
function* randoms(seed: number): Generator<number> {
  for (let x = seed;;) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield x >>> 0;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof SyntaxError ||
    error instanceof RangeError &&
      /^(?:RSA key|Key|Signature) must/.test(error.message);
}

Deno.test("readCertificate() reads what selfSignedCertificate() wrote", async () => {
  const certificate = await issue();
  const { serial, ...facts } = readCertificate(certificate);
  assert.match(serial, /^[0-9a-f]{32}$/);
  assert.deepEqual(facts, {
    subject: "CN=cat@example.com",
    emails: ["cat@example.com"],
    keyType: "RSA",
    bits: 2048,
    notBefore: NOT_BEFORE,
    notAfter: new Date("2026-01-02T00:00:00Z"),
    allowsEncryption: true,
  });
});

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

async function request(
  algorithm: typeof RSA | EcKeyGenParams & EcdsaParams = RSA,
): Promise<Uint8Array<ArrayBuffer>> {
  const { rawData } = await Pkcs10CertificateRequestGenerator.create({
    name: "CN=Cat",
    keys: await crypto.subtle.generateKey(algorithm, true, [
      "sign",
      "verify",
    ]) as CryptoKeyPair,
    signingAlgorithm: algorithm,
  }, crypto);
  return new Uint8Array(rawData);
}

const CURVES = [["P-256", 256], ["P-384", 384]] as const;

for (const [curve, bits] of CURVES) {
  const { keyAgreement, keyEncipherment, digitalSignature } = KeyUsageFlags;
  for (
    const [usage, allowsEncryption] of [
      [undefined, true],
      [digitalSignature | keyAgreement, true],
      [digitalSignature | keyEncipherment, false],
    ] as const
  ) {
    Deno.test(`readCertificate() of ${curve} with key usage ${usage} ${allowsEncryption ? "allows" : "forbids"} encryption`, async () => {
      const { pem } = await foreignCertificate({
        key: curve,
        ...(usage === undefined ? {} : { usage }),
      });
      const facts = readCertificate(pemDecode("CERTIFICATE", pem));
      assert.equal(facts.keyType, curve);
      assert.equal(facts.bits, bits);
      assert.equal(facts.allowsEncryption, allowsEncryption);
    });
  }

  for (const hash of ["SHA-256", "SHA-384", "SHA-512"]) {
    Deno.test(`readCertificationRequest() takes a key of ${curve} and ECDSA with ${hash}`, async () => {
      const csr = await request({ name: "ECDSA", namedCurve: curve, hash });
      const { keyType } = readRecipientKey(readCertificationRequest(csr));
      assert.equal(keyType, curve);
    });
  }
}

for (const key of ["P-521", 1024] as const) {
  Deno.test(`readCertificate() refuses a key of ${key}`, async () => {
    const { pem } = await foreignCertificate({ key });
    assert.throws(
      () => readCertificate(pemDecode("CERTIFICATE", pem)),
      /^RangeError: (?:RSA )?[Kk]ey must/,
    );
  });
}

for (
  const [what, change] of [
    ["beside its curve", (point: Uint8Array) => point[64]! ^= 1],
    ["compressed", (point: Uint8Array) => point[0] = 2],
    ["in the hybrid form", (point: Uint8Array) => point[0] = 6],
    ["at infinity", (point: Uint8Array) => point.fill(0)],
  ] as const
) {
  Deno.test(`readRecipientKey() refuses a point ${what}`, async () => {
    const { publicKey } = await crypto.subtle.generateKey(
      { name: "ECDH", namedCurve: "P-256" },
      true,
      ["deriveBits"],
    ) as CryptoKeyPair;
    const spki = await crypto.subtle.exportKey("spki", publicKey);
    const octets = new Uint8Array(spki);
    assert.equal(readRecipientKey(octets).keyType, "P-256");
    change(octets.subarray(-65));
    assert.throws(() => readRecipientKey(octets), /must be a point of P-256/);
  });
}

for (
  const [read, make, expected] of [
    [readCertificate, issue, 500],
    // Whatever is altered, the signature does not fit.
    [readCertificationRequest, request, 3000],
  ] as const
) {
  Deno.test(`${read.name}() refuses damaged octets with its own errors, and soon`, async () => {
    const sound = await make();
    read(sound);
    const next = randoms(20261122);
    const random = (below: number): number => next.next().value! % below;
    const begin = performance.now();
    let refused = 0;
    for (let round = 0; round < 3000; round++) {
      let octets = sound.slice();
      for (let n = 1 + random(4); n > 0; n--) {
        octets[random(octets.length)]! ^= 1 + random(255);
      }
      if (random(4) === 0) octets = octets.slice(0, random(octets.length));
      try {
        read(octets);
      } catch (error) {
        refused++;
        assert.ok(isRefusal(error), `round ${round}: ${error}`);
      }
    }
    assert.ok(refused >= expected, `${refused} refused`);
    assert.ok(performance.now() - begin < 60_000);
  });
}

for (
  const [what, octets] of [
    ["nothing", new Uint8Array()],
    ["zeros", new Uint8Array(12_000)],
    ["ones", new Uint8Array(12_000).fill(0xff)],
    ["an endless nesting", new Uint8Array(12_000).fill(0x30)],
    [
      "a deep nesting",
      Array.from({ length: 40 }).reduce<Uint8Array<ArrayBuffer>>(
        (inner) => der(SEQUENCE, inner),
        der(INTEGER, new Uint8Array([1])),
      ),
    ],
    ["an indefinite length", new Uint8Array([0x30, 0x80, 0, 0])],
    [
      "a length of 2^48",
      new Uint8Array([0x30, 0x86, 1, 0, 0, 0, 0, 0, 0]),
    ],
  ] as const
) {
  Deno.test(`a certificate or request of ${what} is a SyntaxError`, () => {
    assert.throws(() => readCertificate(octets), SyntaxError);
    assert.throws(() => readCertificationRequest(octets), SyntaxError);
  });
}

Deno.test("checkDer() takes a certificate, and none with octets behind it", async () => {
  const certificate = await issue();
  checkDer(certificate);
  const longer = new Uint8Array([...certificate, 0]);
  assert.throws(() => checkDer(longer), SyntaxError);
});
