import assert from "node:assert/strict";
import { checkBundlePassword, pfx } from "../../../src/pkcs12/pfx.ts";

for (
  const password of [
    "12345678",
    " ".repeat(8),
    "~".repeat(128),
    `"quotes" 'n' \\ and $(more)`,
  ]
) {
  Deno.test(`checkBundlePassword() takes ${password}`, () => {
    assert.equal(checkBundlePassword(password), password);
  });
}

const REFUSED: Readonly<Record<string, unknown>> = {
  "no character": "",
  "7 characters": "1234567",
  "129 characters": "x".repeat(129),
  "a character that is not ASCII": "passwörter",
  "a line end": "12345678\n",
  "a NUL": "1234\u00005678",
  "a DEL": "1234567\u007f",
  "a number": 12345678,
  "nothing": undefined,
};

for (const [what, password] of Object.entries(REFUSED)) {
  Deno.test(`checkBundlePassword() throws invalid_request on ${what}`, () => {
    assert.throws(() => checkBundlePassword(password as string), {
      name: "AppError",
      code: "invalid_request",
      message: /\bpassword\b/,
    });
  });
}

const OPTIONS = {
  privateKey: new Uint8Array(64),
  certificate: new Uint8Array(64),
  friendlyName: "cat@example.com",
  password: "12345678",
  form: "modern",
} as const;

Deno.test("pfx() throws invalid_request if the password is too short", async () => {
  await assert.rejects(pfx({ ...OPTIONS, password: "1234567" }), {
    code: "invalid_request",
  });
});

for (
  const friendlyName of ["", "x".repeat(256), "a\u0000b", "\u{1f408}", "\ud83d"]
) {
  Deno.test(`pfx() throws on the friendlyName ${JSON.stringify(friendlyName).slice(0, 20)}`, async () => {
    await assert.rejects(pfx({ ...OPTIONS, friendlyName }), RangeError);
  });
}

for (const form of ["modern", "compat"] as const) {
  Deno.test(`pfx() in the ${form} form is never the same twice`, async () => {
    const [one, other] = await Promise.all([
      pfx({ ...OPTIONS, form }),
      pfx({ ...OPTIONS, form }),
    ]);
    assert.equal(one.length, other.length);
    assert.notDeepEqual(one, other);
  });
}
