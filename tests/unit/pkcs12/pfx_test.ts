import assert from "node:assert/strict";
import { pfx } from "../../../src/pkcs12/pfx.ts";
import { identity } from "./identity.ts";

const options = async () => ({
  ...await identity(0),
  friendlyName: "cat@example.com",
  password: "correct horse",
  format: "modern" as const,
});

for (
  const [what, password] of [
    ["no character", ""],
    ["129 characters", "x".repeat(129)],
    ["a NUL", "correct\u0000horse"],
    ["an emoji", "correct horse \u{1f408}"],
  ] as const
) {
  Deno.test(`pfx() throws if the password has ${what}`, async () => {
    await assert.rejects(pfx({ ...await options(), password }), {
      name: "RangeError",
      message: /password must be/,
    });
  });
}

Deno.test("pfx() throws if the key is that of another certificate", async () => {
  const { privateKey } = await identity(1);
  await assert.rejects(pfx({ ...await options(), privateKey }), {
    name: "RangeError",
    message: /must be that of the certificate/,
  });
});

for (
  const friendlyName of ["", "x".repeat(256), "a\u0000b", "\u{1f408}", "\ud83d"]
) {
  Deno.test(`pfx() throws on the friendlyName ${JSON.stringify(friendlyName).slice(0, 20)}`, async () => {
    await assert.rejects(pfx({ ...await options(), friendlyName }), RangeError);
  });
}

for (const format of ["modern", "compatible"] as const) {
  Deno.test(`pfx() in the ${format} format is never the same twice`, async () => {
    const [one, other] = await Promise.all([
      pfx({ ...await options(), format }),
      pfx({ ...await options(), format }),
    ]);
    assert.equal(one.length, other.length);
    assert.notDeepEqual(one, other);
  });
}
