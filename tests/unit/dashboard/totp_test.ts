import assert from "node:assert/strict";
import {
  base32,
  newRecoveryCodes,
  recoveryCode,
  totpCode,
  totpStep,
} from "../../../src/dashboard/totp.ts";

const KEY = new TextEncoder().encode("12345678901234567890");

// RFC 6238 appendix B, the last six of its eight digits.
for (
  const [seconds, code] of [
    [59, "287082"],
    [1111111109, "081804"],
    [1111111111, "050471"],
    [1234567890, "005924"],
    [2000000000, "279037"],
    [20000000000, "353130"],
  ] as const
) {
  Deno.test(`totpCode() is RFC 6238's at ${seconds} seconds`, () => {
    assert.equal(totpCode(KEY, Math.floor(seconds / 30)), code);
  });
}

Deno.test("totpStep() takes the steps beside the current one, and none twice", () => {
  const now = new Date(1_234_567_890_000);
  const current = Math.floor(1_234_567_890 / 30);
  for (const step of [current - 1, current, current + 1]) {
    const code = totpCode(KEY, step);
    assert.equal(totpStep(KEY, code, { now, after: 0 }), step);
    assert.equal(totpStep(KEY, code, { now, after: step }), undefined);
  }
  for (const step of [current - 2, current + 2]) {
    const code = totpCode(KEY, step);
    assert.equal(totpStep(KEY, code, { now, after: 0 }), undefined);
  }
  assert.equal(totpStep(KEY, "", { now, after: 0 }), undefined);
});

Deno.test("base32() is RFC 4648's", () => {
  const of = (text: string) => base32(new TextEncoder().encode(text));
  assert.deepEqual(
    ["f", "fo", "foo", "foob", "fooba", "foobar"].map(of),
    ["MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"],
  );
});

Deno.test("recovery codes differ and may be typed without dashes", () => {
  const codes = newRecoveryCodes();
  assert.equal(new Set(codes).size, 10);
  for (const code of codes) {
    assert.match(code, /^[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}$/);
    const typed = ` ${code.replaceAll("-", "").toUpperCase()}`;
    assert.equal(recoveryCode(typed), code);
  }
});
