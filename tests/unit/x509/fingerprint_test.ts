import assert from "node:assert/strict";
import { fingerprintSha256 } from "../../../src/x509/fingerprint.ts";

Deno.test("fingerprintSha256() is SHA-256 in lower-case hexadecimal", async () => {
  // FIPS 180-2 appendix B.1.
  assert.equal(
    await fingerprintSha256(new TextEncoder().encode("abc")),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
