import assert from "node:assert/strict";
import { wrapKey } from "../../../src/smime/key_agree_recipient_info.ts";
import { x963Kdf } from "../../../src/smime/x963_kdf.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text);

// NIST CAVP, ANSI X9.63-2001: ansx963_2001.rsp.
for (
  const [hash, secret, sharedInfo, key] of [
    [
      "SHA-256",
      "96c05619d56c328ab95fe84b18264b08725b85e33fd34f08",
      "",
      "443024c3dae66b95e6f5670601558f71",
    ],
    [
      "SHA-256",
      "22518b10e70f2a3f243810ae3254139efbee04aa57c7af7d",
      "75eef81aa3041e33b80971203d2c0c52",
      "c498af77161cc59f2962b9a713e2b215152d139766ce34a776df11866a69bf2e" +
      "52a13d9c7c6fc878c50c5ea0bc7b00e0da2447cfd874f6cf92f30d0097111485" +
      "500c90c3af8b487872d04685d14c8d1dc8d7fa08beb0ce0ababc11f0bd496269" +
      "142d43525a78e5bc79a17f59676a5706dc54d54d4d1f0bd7e386128ec26afc21",
    ],
    [
      "SHA-384",
      "d8554db1b392cd55c3fe957bed76af09c13ac2a9392f88f6",
      "",
      "671a46aada145162f8ddf1ca586a1cda",
    ],
  ] as const
) {
  Deno.test(`x963Kdf() with ${hash} gives ${key.length / 2} octets as NIST has them`, async () => {
    const made = await x963Kdf(
      hash,
      hex(secret),
      hex(sharedInfo),
      key.length / 2,
    );
    assert.equal(made.toHex(), key);
  });
}

// RFC 3394 §4.3 and §4.6, and §4.1 for the shortest.
for (
  const [kekOctets, key, wrapped] of [
    [
      16,
      "00112233445566778899aabbccddeeff",
      "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
    ],
    [
      32,
      "00112233445566778899aabbccddeeff",
      "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7",
    ],
    [
      32,
      "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
      "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326" +
      "cbc7f0e71a99f43bfb988b9b7a02dd21",
    ],
  ] as const
) {
  Deno.test(`wrapKey() of ${key.length / 2} octets with ${kekOctets} octets gives what RFC 3394 has`, async () => {
    const kek = Uint8Array.from({ length: kekOctets }, (_, i) => i);
    assert.equal((await wrapKey(kek, hex(key))).toHex(), wrapped);
  });
}
