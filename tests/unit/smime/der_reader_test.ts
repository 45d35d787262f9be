import assert from "node:assert/strict";
import { DerReader } from "../../../src/smime/der_reader.ts";
import { INTEGER, OCTET_STRING, SEQUENCE } from "../../../src/smime/der.ts";

function hex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

Deno.test("DerReader reads elements, and leaves what follows the outermost one", () => {
  const reader = new DerReader(hex("3008 020105 3003 040161 0500"));
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
  ["an indefinite length", "30800000"],
  ["a length of one octet in two", "04810161"],
  ["a length with a zero in front", "0482000161"],
  ["end-of-contents where nothing is open", "0000"],
  ["a tag in two octets", "1f8101 00"],
];
for (const [name, octets] of BROKEN) {
  Deno.test(`DerReader throws on ${name}`, () => {
    assert.throws(() => new DerReader(hex(octets)).skip(), SyntaxError);
  });
}

Deno.test("DerReader throws if a child goes beyond its parent", () => {
  const reader = new DerReader(hex("3003 0402 6161 00"));
  reader.enter(SEQUENCE);
  assert.throws(() => reader.read(OCTET_STRING), SyntaxError);
});

Deno.test("DerReader throws if content is left over", () => {
  const reader = new DerReader(hex("3003020105"));
  reader.enter(SEQUENCE);
  assert.throws(() => reader.leave(), SyntaxError);
});

Deno.test("DerReader goes 32 elements deep and no deeper", () => {
  let octets = hex("0500");
  for (let i = 0; i < 33; i++) {
    octets = new Uint8Array([SEQUENCE, octets.length, ...octets]);
  }
  const reader = new DerReader(octets);
  for (let i = 0; i < 32; i++) reader.enter(SEQUENCE);
  assert.throws(() => reader.enter(SEQUENCE), SyntaxError);
});
