import assert from "node:assert/strict";
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
    error instanceof RangeError && /^(?:RSA key|Key) must/.test(error.message);
}

Deno.test("readCertificate() reads what selfSignedCertificate() wrote", async () => {
  const certificate = await issue();
  const { serial, ...facts } = readCertificate(certificate);
  assert.match(serial, /^[0-9a-f]{32}$/);
  assert.deepEqual(facts, {
    subject: "CN=cat@example.com",
    emails: ["cat@example.com"],
    bits: 2048,
    notBefore: NOT_BEFORE,
    notAfter: new Date("2026-01-02T00:00:00Z"),
    allowsEncryption: true,
  });
});

Deno.test("readCertificate() refuses damaged octets with its own errors, and soon", async () => {
  const certificate = await issue();
  const next = randoms(20261122);
  const random = (below: number): number => next.next().value! % below;
  const begin = performance.now();
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    let octets = certificate.slice();
    for (let n = 1 + random(4); n > 0; n--) {
      octets[random(octets.length)] = random(256);
    }
    if (random(4) === 0) octets = octets.slice(0, random(octets.length));
    try {
      readCertificate(octets);
    } catch (error) {
      refused++;
      assert.ok(isRefusal(error), `round ${round}: ${error}`);
    }
  }
  assert.ok(refused > 500, `${refused} refused`);
  assert.ok(performance.now() - begin < 60_000);
});

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
  Deno.test(`readCertificate() throws SyntaxError on ${what}`, () => {
    assert.throws(() => readCertificate(octets), SyntaxError);
  });
}

Deno.test("checkDer() takes a certificate, and none with octets behind it", async () => {
  const certificate = await issue();
  checkDer(certificate);
  const longer = new Uint8Array([...certificate, 0]);
  assert.throws(() => checkDer(longer), SyntaxError);
});
