import assert from "node:assert/strict";
import { parseParameterized } from "../../../src/mail/parameters.ts";

const VALID: readonly (readonly [string, string, Record<string, string>])[] = [
  ["text/plain", "text/plain", {}],
  [" Text/PLAIN ", "text/plain", {}],
  ["text/plain;", "text/plain", {}],
  ["text/plain; charset=UTF-8", "text/plain", { charset: "UTF-8" }],
  ["a/b;X=1 ; y = 2", "a/b", { x: "1", y: "2" }],
  ['a/b; x="1; y=2"', "a/b", { x: "1; y=2" }],
  ['a/b; x="\\"q\\\\"', "a/b", { x: '"q\\' }],
  ['a/b; x=""', "a/b", { x: "" }],
  ["a/b (c; (d) \\) e); x=1 (f)", "a/b", { x: "1" }],
  ["attachment; filename=smime.p7m", "attachment", { filename: "smime.p7m" }],
];
for (const [text, value, parameters] of VALID) {
  Deno.test(`parseParameterized() reads ${text}`, () => {
    assert.deepEqual(parseParameterized(text), {
      value,
      parameters: new Map(Object.entries(parameters)),
    });
  });
}

for (
  const text of [
    "",
    ";",
    "/",
    "text/",
    "a/b/c",
    "a/b c",
    "a/b,c/d",
    "a/b; x",
    "a/b; x=",
    "a/b;; x=1",
    "a/b; x=1 y=2",
    "a/b; x=1; X=2",
    'a/b; x="1',
    'a/b; x="1" 2',
    "a/b; x=a=b",
    "a/b; x=ä",
    "a/b (c",
    "a/b; x=1 (c \\)",
    "a/b (\\",
    "a/b; x=1 (c (d) \\",
    'a/b; x="\\',
    "\0a/b",
    `a/b; x="${"y".repeat(10_000)}"`,
    `a/b ${"(".repeat(9000)}`,
  ]
) {
  Deno.test(`parseParameterized() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.equal(parseParameterized(text), undefined);
  });
}
