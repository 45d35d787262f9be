import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { generateKey, generateRsaKey } from "../../../src/x509/key_pair.ts";

for (const bits of [2048, 3072] as const) {
  Deno.test(`generateRsaKey() makes a PKCS#8 key of ${bits} bits`, async () => {
    const key = createPrivateKey({
      key: Buffer.from(await generateRsaKey(bits)),
      format: "der",
      type: "pkcs8",
    });
    assert.equal(key.asymmetricKeyType, "rsa");
    assert.equal(key.asymmetricKeyDetails?.modulusLength, bits);
    assert.equal(key.asymmetricKeyDetails?.publicExponent, 65537n);
  });
}

for (const bits of [0, 1024, 2047, 8192, NaN]) {
  Deno.test(`generateRsaKey() throws on ${bits} bits`, async () => {
    await assert.rejects(generateRsaKey(bits as 2048), RangeError);
  });
}

Deno.test("generateKey() makes a PKCS#8 key on P-256", async () => {
  const key = createPrivateKey({
    key: Buffer.from(await generateKey("p-256")),
    format: "der",
    type: "pkcs8",
  });
  assert.equal(key.asymmetricKeyType, "ec");
  assert.equal(key.asymmetricKeyDetails?.namedCurve, "prime256v1");
});

Deno.test("generateKey() makes RSA keys of the bits in its kind", async () => {
  const key = createPrivateKey({
    key: Buffer.from(await generateKey("rsa-3072")),
    format: "der",
    type: "pkcs8",
  });
  assert.equal(key.asymmetricKeyDetails?.modulusLength, 3072);
});
