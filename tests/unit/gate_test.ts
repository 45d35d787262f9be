import assert from "node:assert/strict";
import { Gate } from "../../src/system/gate.ts";

/** Begins tasks of some parties one after the other; says who ran in order. */
async function order(gate: Gate, parties: string[]): Promise<string[]> {
  const ran: string[] = [];
  const first = Promise.withResolvers<void>();
  const blocked = gate.run(() => first.promise);
  const tasks = parties.map((party) =>
    gate.run(() => Promise.resolve(ran.push(party)), party)
  );
  first.resolve();
  await Promise.all([blocked, ...tasks]);
  return ran;
}

Deno.test("a party with many tasks does not keep another one waiting", async () => {
  const ran = await order(new Gate(1), ["a", "a", "a", "a", "b", "b", "c"]);
  assert.deepEqual(ran, ["a", "b", "c", "a", "b", "a", "a"]);
});

Deno.test("tasks of a party beyond the limit are refused at once, not those of others", async () => {
  const gate = new Gate(1, { waitingMax: 2 });
  const first = Promise.withResolvers<void>();
  const run = (party: string) => gate.run(() => first.promise, party);
  const taken = [run("a"), run("a"), run("a")];
  await assert.rejects(run("a"), { code: "too_many_requests" });
  taken.push(run("b"));
  first.resolve();
  await Promise.all(taken);
  await run("a");
});

Deno.test("never more tasks run than the gate lets through, whatever fails", async () => {
  const gate = new Gate(3);
  let running = 0;
  let most = 0;
  const tasks = Array.from({ length: 50 }, (_, i) =>
    gate.run(async () => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      if (i % 3 === 0) throw new Error("No");
    }, `p${i % 7}`));
  const outcomes = await Promise.allSettled(tasks);
  assert.equal(most, 3);
  assert.equal(
    outcomes.filter(({ status }) => status === "rejected").length,
    17,
  );
});

Deno.test("a task that has waited too long is refused and leaves the line", async () => {
  const gate = new Gate(1, { waitingMax: 2, waitMs: 20 });
  const first = Promise.withResolvers<void>();
  const running = gate.run(() => first.promise, "a");
  let ran = false;
  const late = gate.run(() => Promise.resolve(ran = true), "a");
  await assert.rejects(late, { code: "too_many_requests" });
  first.resolve();
  await running;
  assert.equal(await gate.run(() => Promise.resolve("next"), "b"), "next");
  assert.equal(ran, false);
});
