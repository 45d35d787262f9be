import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { generateRsaKey } from "../../../src/x509/key_pair.ts";

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
