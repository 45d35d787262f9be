import assert from "node:assert/strict";
import { memory, resetPeak } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";
import { startPeers } from "./peers.ts";
import { pause } from "./sender.ts";
import { Summary } from "./summary.ts";
import { faultWorld } from "./world.ts";

const IS_LONG = Deno.env.has("FAULT_ROUNDS");

/**
 * Peers of each of the nine manners that keep silent: on each door more than
 * there are places, if it may take long.
 */
const SILENT_EACH = IS_LONG ? 60 : 5;

/** Peers of each of the fourteen other manners. */
const BUSY_EACH = IS_LONG ? 2 : 1;

/** Mails of honest clients, while the peers are there and afterwards. */
const MAILS = 12;

/** Milliseconds in which these must be in, with retries. */
const DEADLINE_MS = IS_LONG ? 110_000 : 60_000;

/** MiB that the intake may take more than before. */
const MEMORY_MIB = 250;

Deno.test("peers that stall, send garbage, break off or never end keep no mail out", async () => {
  await using faults = await faultWorld({
    env: { ENCIMAP_MAX_MESSAGE_BYTES: "5000000" },
  });
  const { intake, queue, boxes } = faults;
  await intake.start();
  const summary = new Summary(
    "peers that stall, send garbage, break off or never end",
  );
  const mails = (): ReturnType<typeof faults.mail>[] =>
    Array.from(
      { length: MAILS },
      (_, i) => faults.mail(boxes[i % boxes.length]!),
    );
  await queue.deliver(mails());
  const { pid } = intake;
  await resetPeak(pid);
  const before = await memory(pid);
  const peers = startPeers(faults, SILENT_EACH, BUSY_EACH);
  const all = 9 * SILENT_EACH + 14 * BUSY_EACH;
  await until("all have come", () => peers.connections() >= all);
  await pause(2000);
  const begin = performance.now();
  await queue.deliver(mails());
  const tookMs = performance.now() - begin;
  const { deferrals } = queue;
  const during = await memory(pid);
  await peers.stop();
  await pause(500);
  await queue.deliver(mails());
  assert.equal(intake.pid, pid);
  assert.equal(intake.failures, 0);
  await summary.round(faults);
  summary.end(
    `${peers.connections()} connections; honest mail took ${
      Math.round(tookMs)
    } ms, deferred ${deferrals} times; memory ${Math.round(before.now)} MiB, ` +
      `peak ${Math.round(during.peak)}`,
  );
  assert.equal(queue.deferrals, deferrals, "deferred when they were gone");
  assert.ok(tookMs < DEADLINE_MS, `${tookMs} ms`);
  const more = during.peak - before.now;
  assert.ok(more < MEMORY_MIB, `${more} MiB more`);
});
