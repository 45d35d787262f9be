import assert from "node:assert/strict";
import {
  contextTag,
  der,
  derHeader,
  derSetOf,
  INTEGER,
  objectIdentifier,
  OCTET_STRING,
} from "../../../src/smime/der.ts";

for (
  const [length, expected] of [
    [0, "0400"],
    [1, "0401"],
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65535, "0482ffff"],
    [65536, "0483010000"],
    [2 ** 24, "048401000000"],
    [2 ** 32, "04850100000000"],
    [2 ** 40 + 5, "0486010000000005"],
  ] as const
) {
  Deno.test(`derHeader() of ${length} octets is in the shortest form`, () => {
    assert.equal(derHeader(OCTET_STRING, length).toHex(), expected);
  });
}

for (const length of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
  Deno.test(`derHeader() throws for a length of ${length}`, () => {
    assert.throws(() => derHeader(OCTET_STRING, length), RangeError);
  });
}

Deno.test("contextTag() is constructed unless told otherwise", () => {
  assert.equal(contextTag(0), 0xa0);
  assert.equal(contextTag(1, { isConstructed: false }), 0x81);
});

Deno.test("derSetOf() puts elements in ascending order", () => {
  const one = der(INTEGER, new Uint8Array([1]));
  const two = der(INTEGER, new Uint8Array([2]));
  const long = der(INTEGER, new Uint8Array([1, 0]));
  assert.equal(derSetOf([long, two, one]).toHex(), "310a02010102010202020100");
});

for (
  const [dotted, expected] of [
    ["1.2.840.113549.1.7.3", "2a864886f70d010703"],
    ["2.16.840.1.101.3.4.1.42", "60864801650304012a"],
    ["2.5.4.3", "550403"],
    ["1.2.840.113549.1.9.16.1.23", "2a864886f70d0109100117"],
    ["2.999.1", "883701"],
  ] as const
) {
  Deno.test(`objectIdentifier() encodes ${dotted}`, () => {
    assert.equal(objectIdentifier(dotted).toHex(), expected);
  });
}
