import assert from "node:assert/strict";
import { createLog, reason } from "../../src/log.ts";

Deno.test("a line has the journal's priority, the event and the fields", () => {
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), "info").with({
    part: "api",
  });
  log.write("error", "delivery failed", { count: 2, cause: undefined });
  assert.deepEqual(lines, ['<3>event="delivery failed" part=api count=2']);
});

Deno.test("a line below the level is left out", () => {
  const lines: string[] = [];
  createLog((line) => lines.push(line), "warn").write("info", "x");
  assert.deepEqual(lines, []);
});

Deno.test("a value cannot begin a new line or a new field", () => {
  const lines: string[] = [];
  const log = createLog((line) => lines.push(line), "info");
  log.write("info", "x", { a: 'b" c=d\n<3>event=forged', empty: "" });
  assert.deepEqual(lines, [
    '<6>event=x a="b\\" c=d\\n<3>event=forged" empty=""',
  ]);
});

Deno.test("reason() joins the messages of causes", () => {
  const error = new Error("a", { cause: new Error("b", { cause: "c" }) });
  assert.equal(reason(error), "a: b: c");
});

Deno.test("reason() passes over a cause that is no error and no text", () => {
  const error = new Error("outer", {
    cause: new Error("inner", { cause: { claim: "exp" } }),
  });
  assert.equal(reason(error), "outer: inner");
  assert.equal(reason(new Error("outer", { cause: "text" })), "outer: text");
});
