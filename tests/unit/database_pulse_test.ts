import assert from "node:assert/strict";
import { DatabasePulse } from "../../src/vaultbox/database_pulse.ts";

async function timed(run: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await assert.rejects(run(), { code: "unavailable" });
  return performance.now() - begin;
}

Deno.test("a database that answers is asked once for many messages", async () => {
  let asked = 0;
  const pulse = new DatabasePulse(() => Promise.resolve(++asked));
  for (let i = 0; i < 50; i++) await pulse.check();
  assert.equal(asked, 1);
});

Deno.test("a database that is silent is waited for once, and not by each message", async () => {
  let asked = 0;
  const silent = Promise.withResolvers<void>();
  const pulse = new DatabasePulse(() => {
    asked++;
    return silent.promise;
  });
  const first = await timed(() => pulse.check());
  assert.ok(first > 4000, `${first} ms`);
  const second = await timed(() => pulse.check());
  assert.ok(second < first / 4, `${second} of ${first} ms`);
  assert.equal(asked, 1);
  silent.resolve();
  await silent.promise;
  await pulse.check();
});

Deno.test("a database that starts again within seconds fails nothing", async () => {
  let isUp = false;
  const pulse = new DatabasePulse(() =>
    isUp ? Promise.resolve() : Promise.reject(new Error("refused"))
  );
  setTimeout(() => isUp = true, 800);
  await pulse.check();
});
