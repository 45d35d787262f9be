import assert from "node:assert/strict";
import { concat, equal, latin1, trim } from "../../../src/mail/octets.ts";
import { octets } from "./octets.ts";

Deno.test("concat() joins in order", () => {
  assert.equal(latin1(concat([octets("a"), octets(""), octets("bc")])), "abc");
  assert.equal(concat([]).length, 0);
});

Deno.test("equal() compares length and octets", () => {
  assert.equal(equal(octets("ab"), octets("ab")), true);
  assert.equal(equal(octets("ab"), octets("ac")), false);
  assert.equal(equal(octets("ab"), octets("abc")), false);
});

Deno.test("latin1() gives each octet its own character, also 0x80 to 0x9f", () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(octets(latin1(all)), all);
});

Deno.test("latin1() takes a megabyte", () => {
  assert.equal(latin1(new Uint8Array(1_000_000).fill(0x41)).length, 1_000_000);
});

Deno.test("trim() leaves white space inside", () => {
  assert.equal(latin1(trim(octets("\r\n\t a b \r\n"))), "a b");
  assert.equal(trim(octets(" \r\n")).length, 0);
});
