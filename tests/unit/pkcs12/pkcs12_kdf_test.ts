import assert from "node:assert/strict";
import { pkcs12Kdf } from "../../../src/pkcs12/pkcs12_kdf.ts";

// The vectors that implementations of PKCS#12 share (SHA-1).
for (
  const [password, iterations, purpose, salt, derived] of [
    [
      "smeg",
      1,
      "key",
      "0a58cf64530d823f",
      "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3",
    ],
    ["smeg", 1, "iv", "0a58cf64530d823f", "79993dfe048d3b76"],
    [
      "smeg",
      1,
      "key",
      "642b99ab44fb4b1f",
      "f3a95fec48d7711e985cfe67908c5ab79fa3d7c5caa5d966",
    ],
    ["smeg", 1, "iv", "642b99ab44fb4b1f", "c0a38d64a79bea1d"],
    [
      "smeg",
      1,
      "mac",
      "3d83c0e4546ac140",
      "8d967d88f6caa9d714800ab3d48051d63f73a312",
    ],
    [
      "queeg",
      1000,
      "key",
      "05dec959acff72f7",
      "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4",
    ],
    ["queeg", 1000, "iv", "05dec959acff72f7", "11dedad7758d4860"],
    [
      "queeg",
      1000,
      "key",
      "1682c0fc5b3f7ec5",
      "483dd6e919d7de2e8e648ba8f862f3fbfbdc2bcb2c02957f",
    ],
    ["queeg", 1000, "iv", "1682c0fc5b3f7ec5", "9d461d1b00355c50"],
    [
      "queeg",
      1000,
      "mac",
      "263216fcc2fab31c",
      "5ec4c7a80df652294c3925b6489a7ab857c83476",
    ],
  ] as const
) {
  Deno.test(`pkcs12Kdf() derives ${derived}`, async () => {
    const { octets } = await pkcs12Kdf({
      hash: "SHA-1",
      purpose,
      password,
      salt: Uint8Array.fromHex(salt),
      iterations,
      length: derived.length / 2,
    });
    assert.equal(octets.toHex(), derived);
  });
}
