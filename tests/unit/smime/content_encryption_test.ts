import assert from "node:assert/strict";
import { concat } from "../../../src/mail/octets.ts";
import {
  ciphertextOctetsOf,
  type ContentCipher,
  encryptContent,
  streamEncryption,
} from "../../../src/smime/content_encryption.ts";

type Octets = Uint8Array<ArrayBuffer>;

const hex = (text: string): Octets => Uint8Array.fromHex(text);

interface Run {
  readonly cipher: ContentCipher;
  readonly key: Octets;
  readonly nonce: Octets;
}

async function encrypt(
  { cipher, key, nonce }: Run,
  chunks: Iterable<Octets>,
): Promise<{ ciphertext: Octets; tag: Octets; pieces: number }> {
  const encryption = await streamEncryption(cipher, key, nonce);
  const stream = encryption(streamOf(chunks));
  const pieces: Octets[] = [];
  for (;;) {
    const { done, value } = await stream.next();
    if (done) {
      return { ciphertext: concat(pieces), tag: value, pieces: pieces.length };
    }
    pieces.push(value);
  }
}

async function* streamOf(chunks: Iterable<Octets>): AsyncGenerator<Octets> {
  await Promise.resolve();
  yield* chunks;
}

/** Chunks of 1, 2, 3, … octets. */
function* growing(octets: Octets): Generator<Octets> {
  let length = 1;
  for (let start = 0; start < octets.length; start += length++) {
    yield octets.subarray(start, start + length);
  }
}

const CBC_IV = hex("000102030405060708090a0b0c0d0e0f");
const CBC_CONTENT = hex(
  "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
);

// NIST SP 800-38A, F.2.1 and F.2.5: without the padding, which adds a block.
for (
  const [cipher, key, ciphertext] of [
    [
      "aes-128-cbc",
      "2b7e151628aed2a6abf7158809cf4f3c",
      "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2" +
      "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    ],
    [
      "aes-256-cbc",
      "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
      "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d" +
      "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
    ],
  ] as const
) {
  Deno.test(`streamEncryption() gives what NIST SP 800-38A has for ${cipher}`, async () => {
    const run = { cipher, key: hex(key), nonce: CBC_IV };
    const made = await encrypt(run, growing(CBC_CONTENT));
    assert.equal(made.ciphertext.subarray(0, 64).toHex(), ciphertext);
    assert.equal(made.ciphertext.length, 80);
    assert.equal(made.tag.length, 0);
  });
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", cases 13 to 15.
for (
  const [number, key, nonce, content, ciphertext, tag] of [
    [
      13,
      "00".repeat(32),
      "00".repeat(12),
      "",
      "",
      "530f8afbc74536b9a963b4f1c4cb738b",
    ],
    [
      14,
      "00".repeat(32),
      "00".repeat(12),
      "00".repeat(16),
      "cea7403d4d606b6e074ec5d3baf39d18",
      "d0d1c8a799996bf0265b98b5d48ab919",
    ],
    [
      15,
      "feffe9928665731c6d6a8f9467308308".repeat(2),
      "cafebabefacedbaddecaf888",
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
      "b094dac5d93471bdec1a502270e3cc6c",
    ],
  ] as const
) {
  Deno.test(`streamEncryption() gives what GCM's specification has as case ${number}`, async () => {
    const made = await encrypt(
      { cipher: "aes-256-gcm", key: hex(key), nonce: hex(nonce) },
      growing(hex(content)),
    );
    assert.equal(made.ciphertext.toHex(), ciphertext);
    assert.equal(made.tag.toHex(), tag);
  });
}

const PIECE = 262_144;
for (const cipher of ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm"] as const) {
  for (
    const length of [
      0,
      15,
      16,
      17,
      65_536,
      65_537,
      PIECE - 1,
      PIECE,
      PIECE + 1,
      2 * PIECE,
    ]
      .concat(3 * PIECE + 16)
  ) {
    Deno.test(`streamEncryption() and encryptContent() of ${length} octets with ${cipher} in any chunks is what WebCrypto gives at once`, async () => {
      const isGcm = cipher === "aes-256-gcm";
      const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
      const run = {
        cipher,
        key: random(cipher === "aes-128-cbc" ? 16 : 32),
        nonce: random(isGcm ? 12 : 16),
      };
      const content = Uint8Array.from({ length }, (_, i) => (i * 7) % 253);
      const name = isGcm ? "AES-GCM" : "AES-CBC";
      const key = await crypto.subtle.importKey("raw", run.key, name, false, [
        "encrypt",
      ]);
      const expected = new Uint8Array(
        await crypto.subtle.encrypt({ name, iv: run.nonce }, key, content),
      );
      for (const chunks of [[content], growing(content)]) {
        const { ciphertext, tag, pieces } = await encrypt(run, chunks);
        assert.ok(
          concat([ciphertext, tag]).toHex() === expected.toHex(),
        );
        assert.equal(ciphertext.length, ciphertextOctetsOf(cipher, length));
        assert.equal(pieces, Math.floor(length / PIECE) + 1);
      }
      const { cipher: _, key: cek, nonce } = run;
      const [ciphertext, tag] = await encryptContent(
        cipher,
        cek,
        nonce,
        content,
      );
      assert.ok(concat([ciphertext, tag]).toHex() === expected.toHex());
      assert.equal(ciphertext.length, ciphertextOctetsOf(cipher, length));
    });
  }
}

Deno.test("streamEncryption() needs its key no more when it begins", async () => {
  for (const cipher of ["aes-256-cbc", "aes-256-gcm"] as const) {
    const nonce = new Uint8Array(cipher === "aes-256-gcm" ? 12 : 16);
    const key = new Uint8Array(32).fill(7);
    const expected = await encrypt({ cipher, key, nonce }, [nonce]);
    const encryption = await streamEncryption(cipher, key, nonce);
    const stream = encryption(streamOf([nonce]));
    key.fill(0);
    assert.deepEqual(
      concat(await Array.fromAsync(stream)),
      expected.ciphertext,
    );
  }
});
