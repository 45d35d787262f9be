import assert from "node:assert/strict";
import { lineHeads } from "../../src/system/line_heads.ts";

Deno.test("lineHeads() ends a program whose lines nobody reads", async () => {
  for await (const head of lineHeads(["/usr/bin/yes"])) {
    assert.equal(head, "y");
    break;
  }
});

Deno.test("lineHeads() tells a program that fails or is not there", async () => {
  for (const program of ["/bin/false", "/bin/not-there"]) {
    await assert.rejects(Array.fromAsync(lineHeads([program])));
  }
});
