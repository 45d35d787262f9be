import assert from "node:assert/strict";
import { AppError } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import { RefusalLog } from "../../src/vaultbox/refusal_log.ts";

function written(...errors: AppError[]): string[] {
  const lines: string[] = [];
  const log = new RefusalLog(createLog((line) => lines.push(line), "info"));
  for (const [i, error] of errors.entries()) {
    log.write(error, { queue: `q${i}` });
  }
  return lines;
}

Deno.test("a full disk is one line for a hundred mails", () => {
  const full = new AppError("storage_full", "Mail store is full");
  const lines = written(...Array(100).fill(full));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /queue=q0 .*code=storage_full status=4\.3\.1/);
});

Deno.test("another failure has a line of its own meanwhile", () => {
  const failures = ["disk", "bug", "disk", "bug"].map((cause) =>
    new AppError("internal", "Internal error", { cause: new Error(cause) })
  );
  assert.equal(written(...failures).length, 2);
});

Deno.test("what one message or vaultbox has is written for each", () => {
  for (const code of ["unknown_vaultbox", "vaultbox_full"] as const) {
    assert.equal(written(...Array(5).fill(new AppError(code, "No"))).length, 5);
  }
});
