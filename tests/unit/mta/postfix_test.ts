import assert from "node:assert/strict";
import { AppError } from "../../../src/errors.ts";
import { postfixMta } from "../../../src/mta/postfix.ts";

Deno.test("change() starts postmap once for each map and direction that changes", async () => {
  const runs: string[][] = [];
  const mta = postfixMta("/maps/transport", (argv) => {
    runs.push(argv.slice(1));
    return Promise.resolve({ code: 0, stdout: "", stderr: "" });
  });
  await mta.change({
    domains: new Map(),
    transport: new Map([["cat@pets.example", "encimap-pipe:1"]]),
  });
  assert.deepEqual(runs, [["-i", "-r", "lmdb:/maps/transport"]]);
  await mta.change({
    refusals: new Map([["a@b.example", "450 4.2.1 No"], [
      "c@b.example",
      undefined,
    ]]),
  });
  assert.deepEqual(runs.slice(1), [
    ["-i", "-r", "lmdb:/maps/refusals"],
    ["-d", "-", "lmdb:/maps/refusals"],
  ]);
});

Deno.test("after a change that failed the maps are doubtful until they are read", async () => {
  let code = 1;
  const mta = postfixMta(
    "/maps/transport",
    () =>
      Promise.resolve({ code, stdout: "", stderr: code === 0 ? "" : "fatal" }),
  );
  const change = { transport: new Map([["cat@pets.example", "x:1"]]) };
  assert.equal(mta.isDoubtful, false);
  await assert.rejects(mta.change(change), AppError);
  assert.equal(mta.isDoubtful, true);
  code = 0;
  await mta.change(change);
  assert.equal(mta.isDoubtful, true);
  await mta.read();
  assert.equal(mta.isDoubtful, false);
});
