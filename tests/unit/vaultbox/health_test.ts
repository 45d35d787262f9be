import assert from "node:assert/strict";
import { kept } from "../../../src/vaultbox/health.ts";

/** Counts how often it was asked, under a clock of its own. */
function counter(): {
  ask: () => Promise<number>;
  clock: { ms: number };
  fail: { next: boolean };
} {
  const clock = { ms: 1_000_000 };
  const fail = { next: false };
  let asked = 0;
  const find = (): Promise<number> => {
    asked++;
    if (!fail.next) return Promise.resolve(asked);
    fail.next = false;
    return Promise.reject(new Error("no answer"));
  };
  return { ask: kept({ now: () => new Date(clock.ms) }, find), clock, fail };
}

Deno.test("kept() gives an answer again for two seconds, also to who asks while it is found", async () => {
  const { ask, clock } = counter();
  assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1]);
  clock.ms += 1999;
  assert.equal(await ask(), 1);
  clock.ms += 1;
  assert.equal(await ask(), 2);
});

Deno.test("kept() keeps no failure", async () => {
  const { ask, fail } = counter();
  fail.next = true;
  await assert.rejects(ask(), /no answer/);
  assert.equal(await ask(), 2);
});

Deno.test("kept() asks anew when the clock was set back", async () => {
  const { ask, clock } = counter();
  assert.equal(await ask(), 1);
  clock.ms -= 3_600_000;
  assert.equal(await ask(), 2);
});
