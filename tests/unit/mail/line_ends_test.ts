import assert from "node:assert/strict";
import { canonicalizeLineEnds } from "../../../src/mail/line_ends.ts";
import { latin1 } from "../../../src/mail/octets.ts";
import { octets } from "./octets.ts";

const CASES: readonly (readonly [string, string, string])[] = [
  ["nothing", "", ""],
  ["a line without an end", "A: b", "A: b"],
  ["LF", "A: b\n\nc\n", "A: b\r\n\r\nc\r\n"],
  ["CRLF", "A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc\r\n"],
  ["a bare LF after CRLF", "A: b\r\n\nc\nd\r\n", "A: b\r\n\r\nc\r\nd\r\n"],
  ["CRLF after LF", "A: b\n\nc\r\nd\n", "A: b\r\n\r\nc\r\r\nd\r\n"],
  ["a bare CR after CRLF", "A: b\r\nc\rd\r\n", "A: b\r\nc\rd\r\n"],
  ["a bare CR after LF", "A: b\nc\rd\n", "A: b\r\nc\rd\r\n"],
  ["CR CR LF after CRLF", "A\r\nb\r\r\nc", "A\r\nb\r\r\nc"],
  ["CR CR LF after LF", "A\nb\r\r\nc", "A\r\nb\r\r\r\nc"],
  ["a CR at the very end", "A\nb\r", "A\r\nb\r"],
  ["LF at the very beginning", "\nb\n", "\r\nb\r\n"],
  ["CRLF at the very beginning", "\r\nb\n", "\r\nb\r\n"],
  ["only CR", "\r\r", "\r\r"],
  ["NUL and 8-bit", "A\n\0\xff\x80\n", "A\r\n\0\xff\x80\r\n"],
];

for (const [name, given, expected] of CASES) {
  Deno.test(`canonicalizeLineEnds() rewrites ${name}`, () => {
    assert.equal(latin1(canonicalizeLineEnds(octets(given))), expected);
  });

  Deno.test(`canonicalizeLineEnds() has nothing more to do after ${name}`, () => {
    const canonical = octets(expected);
    assert.equal(canonicalizeLineEnds(canonical), canonical);
  });
}

for (const wire of ["a\r\nb\r\r\nc\rd\r\n\r\n", "a\r\n\r\r\r\n", "\r\n\r"]) {
  Deno.test(`canonicalizeLineEnds() restores ${JSON.stringify(wire)} after pipe(8)`, () => {
    const piped = octets(wire.replaceAll("\r\n", "\n"));
    assert.equal(latin1(canonicalizeLineEnds(piped)), wire);
  });
}
