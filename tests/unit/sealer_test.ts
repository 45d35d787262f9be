import assert from "node:assert/strict";
import { createCipheriv, hkdfSync } from "node:crypto";
import { openSealer } from "../../src/storage/sealer.ts";

const MASTER = new Uint8Array(32).fill(7);
const octets = new TextEncoder().encode("a password");

Deno.test("what is sealed opens with the same binding alone", async () => {
  const sealer = await openSealer(MASTER);
  const sealed = await sealer.seal(octets, "of Alice");
  assert.deepEqual(await sealer.open(sealed, "of Alice"), octets);
  await assert.rejects(sealer.open(sealed, "of Bob"));
  for (const at of [0, 11, 12, sealed.length - 1]) {
    const damaged = sealed.slice();
    damaged[at]! ^= 1;
    await assert.rejects(sealer.open(damaged, "of Alice"));
  }
  await assert.rejects(sealer.open(new Uint8Array(), "of Alice"));
});

Deno.test("what is sealed twice is not the same twice", async () => {
  const sealer = await openSealer(MASTER);
  assert.notDeepEqual(
    await sealer.seal(octets, "of Alice"),
    await sealer.seal(octets, "of Alice"),
  );
});

Deno.test("a sealer of another master key opens nothing", async () => {
  const sealer = await openSealer(MASTER);
  const other = await openSealer(new Uint8Array(32).fill(8));
  const sealed = await sealer.seal(octets, "of Alice");
  await assert.rejects(other.open(sealed, "of Alice"));
  assert.notDeepEqual(
    await other.fingerprint(octets),
    await sealer.fingerprint(octets),
  );
});

Deno.test("the sealing key is HKDF of the master key, and not the master key", async () => {
  const key = hkdfSync("sha256", MASTER, "", "encimap seal 1", 32);
  const iv = new Uint8Array(12).fill(1);
  const cipher = createCipheriv("aes-256-gcm", new Uint8Array(key), iv);
  cipher.setAAD(new TextEncoder().encode("of Alice"));
  const sealed = new Uint8Array([
    ...iv,
    ...cipher.update(octets),
    ...cipher.final(),
    ...cipher.getAuthTag(),
  ]);
  const sealer = await openSealer(MASTER);
  assert.deepEqual(await sealer.open(sealed, "of Alice"), octets);
});
