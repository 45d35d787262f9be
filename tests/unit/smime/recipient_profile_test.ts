import assert from "node:assert/strict";
import { der, INTEGER, NULL, SEQUENCE } from "../../../src/smime/der.ts";
import { profileProblem } from "../../../src/smime/recipient_profile.ts";
import { readRecipientKey } from "../../../src/smime/recipient_key.ts";
import { generateKey } from "../../../src/x509/key_pair.ts";
import { selfSignedCertificate } from "../../../src/x509/self_signed.ts";

Deno.test("profileProblem() finds nothing in our own certificates, and throws nothing but SyntaxError wherever one is altered", async () => {
  const { certificate } = await selfSignedCertificate("cat@example.com", {
    privateKey: await generateKey("p-256"),
    notBefore: new Date("2026-11-22T12:00:00Z"),
    validityDays: 365,
  });
  assert.equal(profileProblem(certificate), undefined);
  const said = new Set<string>();
  for (let i = 0; i < certificate.length; i++) {
    for (const bit of [1, 2, 0x20, 0x80]) {
      const altered = certificate.slice();
      altered[i]! ^= bit;
      try {
        said.add(profileProblem(altered) ?? "nothing");
      } catch (error) {
        assert.ok(error instanceof SyntaxError, `octet ${i}: ${error}`);
        said.add("no certificate");
      }
    }
  }
  assert.ok(said.has("no certificate") && said.has("nothing"));
  assert.ok(said.size > 5, [...said].join("; "));
});

/** SubjectPublicKeyInfo of an RSA key. */
function rsaKey(modulus: Uint8Array, exponent: string) {
  const key = der(
    SEQUENCE,
    der(INTEGER, modulus),
    der(INTEGER, Uint8Array.fromHex(exponent)),
  );
  const rsaEncryption = Uint8Array.fromHex("06092a864886f70d010101");
  const bits = der(0x03, Uint8Array.of(0), key);
  return der(SEQUENCE, der(SEQUENCE, rsaEncryption, der(NULL)), bits);
}

/** 2048 bits; whether it is a product of two primes, nobody looks. */
function modulus(last: number): Uint8Array {
  const octets = new Uint8Array(257).fill(0xc5, 1);
  octets[256] = last;
  return octets;
}

for (
  const [what, key] of [
    ["an exponent of 1", rsaKey(modulus(1), "01")],
    ["an even exponent", rsaKey(modulus(1), "010000")],
    ["an exponent of 33 bits", rsaKey(modulus(1), "0100000001")],
    ["an even modulus", rsaKey(modulus(2), "010001")],
  ] as const
) {
  Deno.test(`readRecipientKey() throws RangeError on ${what}`, () => {
    assert.equal(readRecipientKey(rsaKey(modulus(1), "010001")).bits, 2048);
    assert.throws(() => readRecipientKey(key), RangeError);
  });
}
