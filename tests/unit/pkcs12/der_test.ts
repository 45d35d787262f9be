import assert from "node:assert/strict";
import {
  algorithmIdentifier,
  bmpString,
  explicit0,
  implicit0OctetString,
  integer,
  octetString,
  sequence,
} from "../../../src/pkcs12/der.ts";

// X.690 §8.3: the shortest form, with a leading zero where a sign would be.
for (
  const [value, hex] of [
    [0, "020100"],
    [1, "020101"],
    [127, "02017f"],
    [128, "02020080"],
    [255, "020200ff"],
    [256, "02020100"],
    [100_000, "02030186a0"],
    [2 ** 31 - 1, "02047fffffff"],
  ] as const
) {
  Deno.test(`integer() encodes ${value}`, () => {
    assert.equal(integer(value).toHex(), hex);
  });
}

Deno.test("bmpString() encodes UTF-16, big-endian", () => {
  assert.equal(bmpString("aé中").toHex(), "1e06006100e94e2d");
});

Deno.test("explicit0() wraps and implicit0OctetString() replaces the tag", () => {
  const octets = new Uint8Array([7]);
  assert.equal(explicit0(octetString(octets)).toHex(), "a003040107");
  assert.equal(implicit0OctetString(octets).toHex(), "800107");
});

Deno.test("algorithmIdentifier() has NULL if there are no parameters", () => {
  const identifier = new Uint8Array([0x2a]);
  assert.equal(algorithmIdentifier(identifier).toHex(), "300506012a0500");
  assert.equal(
    algorithmIdentifier(identifier, sequence()).toHex(),
    "300506012a3000",
  );
});
