import assert from "node:assert/strict";
import { BerReader } from "../../../src/smime/ber_reader.ts";
import { INTEGER, OCTET_STRING, SEQUENCE } from "../../../src/smime/der.ts";

function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

Deno.test("BerReader reads definite and indefinite elements", () => {
  const reader = new BerReader(hex("3080 020105 3003 040161 0000 0500"));
  reader.enter(SEQUENCE);
  assert.deepEqual(reader.read(INTEGER), hex("05"));
  reader.enter(SEQUENCE);
  assert.equal(reader.peek(), OCTET_STRING);
  assert.deepEqual(reader.read(OCTET_STRING), hex("61"));
  assert.equal(reader.isAtEnd(), true);
  assert.equal(reader.peek(), undefined);
  reader.leave();
  reader.leave();
  assert.deepEqual(reader.rest, hex("0500"));
});

Deno.test("BerReader skips nested elements of indefinite length", () => {
  const octets = hex("2480 2480 040161 0000 2403040162 0000");
  const reader = new BerReader(octets);
  assert.deepEqual(reader.skip(), octets);
  assert.equal(reader.isAtEnd(), true);
});

/** What is wrong, octets. All of them fail in skip(). */
const BROKEN: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["no length", "04"],
  ["no content", "0401"],
  ["a length that is cut off", "048201"],
  ["a length beyond the end", "0484ffffffff00"],
  ["a reserved length octet", "04ff00"],
  ["a length of 126 octets", `04fe${"ff".repeat(126)}`],
  ["an indefinite primitive", "04800000"],
  ["an indefinite length without an end", "3080020105"],
  ["an indefinite length with half an end", "308002010500"],
  ["end-of-contents where nothing is open", "0000"],
  ["a tag in two octets", "1f8101 00"],
  ["a child beyond its indefinite parent's parent", "2480 0405 00 0000"],
];
for (const [name, octets] of BROKEN) {
  Deno.test(`BerReader throws on ${name}`, () => {
    assert.throws(() => new BerReader(hex(octets)).skip(), SyntaxError);
  });
}

Deno.test("BerReader throws if a child goes beyond its parent", () => {
  const reader = new BerReader(hex("3003 0402 6161 00"));
  reader.enter(SEQUENCE);
  assert.throws(() => reader.read(OCTET_STRING), SyntaxError);
});

Deno.test("BerReader throws if content is left over", () => {
  const reader = new BerReader(hex("3003020105"));
  reader.enter(SEQUENCE);
  assert.throws(() => reader.leave(), SyntaxError);
});

for (const octets of ["30800000", "04810161", "0482000161"]) {
  Deno.test(`BerReader for DER refuses ${octets}, which is BER`, () => {
    assert.throws(
      () => new BerReader(hex(octets), { der: true }).skip(),
      SyntaxError,
    );
    new BerReader(hex(octets)).skip();
  });
}

Deno.test("BerReader refuses to nest deeply in place of running out of stack", () => {
  assert.throws(
    () => new BerReader(hex("3080".repeat(1_000_000))).skip(),
    SyntaxError,
  );
});
