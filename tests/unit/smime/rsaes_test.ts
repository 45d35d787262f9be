import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
} from "node:crypto";
import {
  rsaesOaep,
  rsaesOaepEncrypt,
  rsaesPkcs1V15,
  rsaesPkcs1V15Encrypt,
  type RsaPublicKey,
} from "../../../src/smime/rsaes.ts";
import OAEP from "../../fixtures/rsa/oaep_sha256.json" with { type: "json" };
import PKCS1 from "../../fixtures/rsa/pkcs1_v1_5.json" with { type: "json" };

/** With a modulus that fits, and an exponent that changes nothing. */
const IDENTITY = { bits: 2048, modulus: 1n << 2047n, publicExponent: 1n };

for (const [index, { ciphertext, ...known }] of PKCS1.entries()) {
  Deno.test(`RSAES-PKCS1-v1_5 gives known answer ${index}, of ${known.bits} bits`, () => {
    const [message, padding] = [octets(known.message), octets(known.padding)];
    const made = rsaesPkcs1V15(keyOf(known), message, padding);
    assert.equal(made.toHex(), ciphertext);
  });
}

for (const [index, { ciphertext, ...known }] of OAEP.entries()) {
  Deno.test(`RSAES-OAEP gives known answer ${index}, of ${known.bits} bits`, () => {
    const [message, seed] = [octets(known.message), octets(known.seed)];
    assert.equal(rsaesOaep(keyOf(known), message, seed).toHex(), ciphertext);
  });
}

for (
  const [bits, publicExponent] of [
    [2048, 3],
    [2049, 65537],
    [2050, 17],
    [2056, 65537],
    [3072, 65539],
  ] as const
) {
  Deno.test(`RSA with ${bits} bits and the exponent ${publicExponent} is decrypted by node:crypto`, () => {
    const pair = generateKeyPairSync("rsa", {
      modulusLength: bits,
      publicExponent,
    });
    const key = publicKeyOf(pair.publicKey, bits);
    for (const length of [1, 16, 32, 64]) {
      const message = crypto.getRandomValues(new Uint8Array(length));
      const plain = (encryptedKey: Uint8Array, padding: object): string =>
        privateDecrypt(
          { key: pair.privateKey, ...padding },
          Buffer.from(encryptedKey),
        ).toString("hex");
      assert.equal(
        plain(rsaesPkcs1V15Encrypt(key, message), {
          padding: constants.RSA_PKCS1_PADDING,
        }),
        message.toHex(),
      );
      assert.equal(
        plain(rsaesOaepEncrypt(key, message), {
          padding: constants.RSA_PKCS1_OAEP_PADDING,
          oaepHash: "sha256",
        }),
        message.toHex(),
      );
    }
  });
}

Deno.test("RSAES-PKCS1-v1_5 pads with random octets, all but zero equally often", () => {
  const counts = new Array<number>(256).fill(0);
  const rounds = 1000;
  for (let round = 0; round < rounds; round++) {
    const encoded = rsaesPkcs1V15Encrypt(IDENTITY, new Uint8Array(32).fill(9));
    assert.equal(encoded.subarray(0, 2).toHex(), "0002");
    assert.equal(encoded.subarray(-33).toHex(), `00${"09".repeat(32)}`);
    for (const octet of encoded.subarray(2, -33)) counts[octet]!++;
  }
  const mean = rounds * 221 / 255;
  assert.equal(counts[0], 0);
  // Six standard deviations: once in a million runs.
  for (const count of counts.slice(1)) {
    assert.ok(Math.abs(count - mean) < 6 * Math.sqrt(mean), `${counts}`);
  }
});

Deno.test("RSAES never makes the same twice", () => {
  const made = new Set<string>();
  for (let round = 0; round < 10; round++) {
    made.add(rsaesPkcs1V15Encrypt(IDENTITY, new Uint8Array(32)).toHex());
    made.add(rsaesOaepEncrypt(IDENTITY, new Uint8Array(32)).toHex());
  }
  assert.equal(made.size, 20);
});

Deno.test("RSAES keeps zeros in front of the ciphertext, and has the modulus's length", () => {
  const known = PKCS1[0]!;
  const key = keyOf(known);
  const padding = new Uint8Array(117).fill(1);
  for (let i = 0; i < 2000; i++) {
    padding[0] = 1 + i % 255;
    padding[1] = 1 + Math.floor(i / 255);
    const made = rsaesPkcs1V15(key, new Uint8Array(8), padding);
    assert.equal(made.length, 128);
    if (made[0] === 0) return;
  }
  assert.fail("No ciphertext began with zero");
});

for (
  const [scheme, encrypt, most] of [
    ["RSAES-PKCS1-v1_5", rsaesPkcs1V15Encrypt, 245],
    ["RSAES-OAEP", rsaesOaepEncrypt, 190],
  ] as const
) {
  Deno.test(`${scheme} refuses more than ${most} octets for 2048 bits`, () => {
    encrypt(IDENTITY, new Uint8Array(most));
    assert.throws(() => encrypt(IDENTITY, new Uint8Array(most + 1)), {
      name: "RangeError",
    });
    assert.throws(() => encrypt(IDENTITY, new Uint8Array(300)), RangeError);
  });
}

function keyOf(known: {
  bits: number;
  modulus: string;
  publicExponent: string;
}): RsaPublicKey {
  return {
    bits: known.bits,
    modulus: BigInt(`0x${known.modulus}`),
    publicExponent: BigInt(`0x${known.publicExponent}`),
  };
}

function publicKeyOf(key: KeyObject, bits: number): RsaPublicKey {
  const { n, e } = key.export({ format: "jwk" });
  const integer = (text = ""): bigint =>
    BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);
  return { bits, modulus: integer(n), publicExponent: integer(e) };
}

function octets(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex);
}
