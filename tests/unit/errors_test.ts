import assert from "node:assert/strict";
import { AppError, OUTCOMES, toAppError } from "../../src/errors.ts";

Deno.test("mail fails for good in three cases only", () => {
  const permanent = Object.entries(OUTCOMES)
    .filter(([, { exit }]) => exit !== 75)
    .map(([code, { exit, status }]) => [code, exit, status]);
  assert.deepEqual(permanent, [
    ["unknown_vaultbox", 67, "5.1.1"],
    ["message_too_large", 65, "5.3.4"],
    ["mail_loop", 65, "5.4.6"],
  ]);
});

Deno.test("whatever exits with 75 has a reply and an enhanced status code of class 4", () => {
  for (const { exit, reply, status } of Object.values(OUTCOMES)) {
    assert.equal(status.startsWith("4."), exit === 75);
    assert.equal(reply >= 400 && reply < 500, exit === 75);
  }
});

Deno.test("toAppError() keeps ours, knows a lost database, and hides the rest", () => {
  const ours = new AppError("conflict", "Taken");
  assert.equal(toAppError(ours), ours);
  const lost = Object.assign(new Error("secret host"), {
    code: "ECONNREFUSED",
  });
  assert.equal(toAppError(lost).code, "unavailable");
  const file = Object.assign(new Error("open"), { code: "ENOENT" });
  assert.equal(toAppError(file).code, "internal");
  const socket = Object.assign(new Error("connect"), {
    code: "ENOENT",
    syscall: "connect",
  });
  assert.equal(toAppError(socket).code, "unavailable");
  const undone = Object.assign(new Error("deadlock"), { code: "40P01" });
  assert.equal(toAppError(undone).code, "unavailable");
  for (const thrown of [new TypeError("secret"), "secret", undefined, null]) {
    const error = toAppError(thrown);
    assert.equal(error.code, "internal");
    assert.equal(error.message, "Internal error");
  }
});

for (
  const [code, expected] of [
    ["ENOSPC", "storage_full"],
    ["EDQUOT", "storage_full"],
    ["EROFS", "unavailable"],
    ["EIO", "unavailable"],
    ["EMFILE", "unavailable"],
    ["ENFILE", "unavailable"],
  ] as const
) {
  Deno.test(`toAppError() calls ${code} ${expected}, which comes again later`, () => {
    const error = toAppError(Object.assign(new Error("write"), { code }));
    assert.equal(error.code, expected);
    assert.equal(OUTCOMES[error.code].exit, 75);
  });
}
