import assert from "node:assert/strict";
import { splitMultipart } from "../../../src/mail/multipart.ts";
import { latin1 } from "../../../src/mail/octets.ts";
import { octets } from "./octets.ts";

/** Body, preamble, parts, epilogue. */
const VALID: readonly (readonly [string, string, string[], string])[] = [
  ["--b\r\nA: 1\r\n\r\nx\r\n--b--\r\n", "", ["A: 1\r\n\r\nx"], ""],
  ["p\r\n\r\n--b\r\nx\r\n--b\r\ny\r\n--b--\r\ne", "p\r\n", ["x", "y"], "e"],
  ["--b\nx\n\n--b\ny\n--b--", "", ["x\n", "y"], ""],
  ["\r\n--b \t\r\nx\r\n--b-- \r\n\r\n", "", ["x"], "\r\n"],
  ["--b\r\n--b\r\n\r\n--b--\r\n", "", ["", ""], ""],
  [
    "--b\r\nx --b\r\n --b\r\n--B\r\n--b--\r\n",
    "",
    ["x --b\r\n --b\r\n--B"],
    "",
  ],
  ["p\r\n--b--\r\n", "p", [], ""],
];
for (const [body, preamble, parts, epilogue] of VALID) {
  Deno.test(`splitMultipart() takes ${JSON.stringify(body)} apart`, () => {
    const multipart = splitMultipart(octets(body), "b");
    assert.ok(multipart);
    assert.equal(latin1(multipart.preamble), preamble);
    assert.deepEqual(multipart.parts.map(latin1), parts);
    assert.equal(latin1(multipart.epilogue), epilogue);
  });
}

for (
  const body of [
    "",
    "text",
    "--b\r\nx\r\n",
    "--b\r\nx\r\n--b-\r\n",
    "--b\r\nx\r\n--bc\r\n--b--\r\n",
    "--b\r\nx\r\n--b--text\r\n",
    "--b text\r\nx\r\n--b--\r\n",
  ]
) {
  Deno.test(`splitMultipart() refuses ${JSON.stringify(body)}`, () => {
    assert.equal(splitMultipart(octets(body), "b"), undefined);
  });
}

for (const boundary of ["", "a ", "a\r\n", "a\nb", "ä", "a".repeat(71), '"']) {
  Deno.test(`splitMultipart() refuses the boundary ${JSON.stringify(boundary)}`, () => {
    const body = `--${boundary}\r\nx\r\n--${boundary}--\r\n`;
    assert.equal(splitMultipart(octets(body), boundary), undefined);
  });
}

Deno.test("splitMultipart() takes 1000 parts and no more", () => {
  const body = (count: number) =>
    octets(`${"--b\r\na\r\n".repeat(count)}--b--\r\n`);
  assert.equal(splitMultipart(body(1000), "b")?.parts.length, 1000);
  assert.equal(splitMultipart(body(1001), "b"), undefined);
});
