/** What is read of that which other processes say of themselves. */

import assert from "node:assert/strict";
import { gauge } from "../../../src/metrics/metric.ts";
import { METRICS } from "../../../src/metrics/table.ts";
import { readStore } from "../../../src/vaultbox/intake_metrics.ts";
import {
  queueMetrics,
  readQueues,
} from "../../../src/vaultbox/queue_metrics.ts";

const NOW = new Date(61_000);

function queueLines(...lines: string[]): Promise<string> {
  return queueMetrics(async function* () {
    yield* lines;
  }, NOW);
}

Deno.test("queues are read as they were counted", async () => {
  const text = await queueLines(
    '{"queue_name": "deferred", "arrival_time": 1, "message_size": 7}',
    '{"queue_name": "deferred", "arrival_time": 31, "message_size": 5}',
    '{"queue_name": "hold", "arrival_time": 61, "message_size": 9}',
  );
  const none = { messages: 0, bytes: 0, oldestSeconds: 0 };
  assert.deepEqual(readQueues(text), [
    { name: "maildrop", ...none },
    { name: "incoming", ...none },
    { name: "active", ...none },
    { name: "deferred", messages: 2, bytes: 12, oldestSeconds: 60 },
    { name: "hold", messages: 1, bytes: 9, oldestSeconds: 0 },
  ]);
});

Deno.test("a queue that could not be read, or only in part, is not there", async () => {
  const whole = await queueLines();
  assert.notEqual(readQueues(whole), undefined);
  assert.equal(readQueues(gauge(METRICS.queueUp, 0)), undefined);
  assert.equal(readQueues(""), undefined);
  for (const line of whole.split("\n").filter((each) => /^e/.test(each))) {
    const part = whole.replace(`${line}\n`, "");
    assert.notEqual(part, whole);
    assert.equal(readQueues(part), undefined, line);
  }
});

Deno.test("the room of the mail store is read, or is not known", () => {
  const lines = [
    gauge(METRICS.storeSizeBytes, 1000),
    gauge(METRICS.storeFreeBytes, 300),
    gauge(METRICS.storeMinFreeBytes, 100),
  ];
  assert.deepEqual(readStore(lines.join("")), {
    totalBytes: 1000,
    freeBytes: 300,
    minFreeBytes: 100,
  });
  for (const missing of lines) {
    const text = lines.filter((each) => each !== missing).join("");
    assert.equal(readStore(text), undefined, missing);
  }
});
