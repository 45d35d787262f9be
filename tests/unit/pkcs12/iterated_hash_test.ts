import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { iteratedHash } from "../../../src/pkcs12/iterated_hash.ts";

for (
  const [hash, name] of [["SHA-1", "sha1"], ["SHA-256", "sha256"]] as const
) {
  for (const iterations of [1, 2, 3, 1000, 10_001]) {
    Deno.test(`iteratedHash() of ${iterations} rounds is ${hash} that often`, async () => {
      const octets = crypto.getRandomValues(new Uint8Array(192));
      let expected: Uint8Array = octets;
      for (let i = 0; i < iterations; i++) {
        expected = createHash(name).update(expected).digest();
      }
      const digest = await iteratedHash(hash, octets, iterations);
      assert.equal(digest.toHex(), expected.toHex());
    });
  }
}

Deno.test("iteratedHash() lets other work go on", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await iteratedHash("SHA-1", new Uint8Array(64), 300_000);
  clearInterval(timer);
  assert.ok(turns > 1);
});
