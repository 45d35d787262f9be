import assert from "node:assert/strict";
import { headsOf } from "../../../src/system/line_heads.ts";
import { queueMetrics } from "../../../src/vaultbox/queue_metrics.ts";

async function heads(...parts: string[]): Promise<string[]> {
  async function* octets() {
    for (const part of parts) yield new TextEncoder().encode(part);
  }
  return await Array.fromAsync(headsOf(octets()));
}

Deno.test("headsOf() gives each line, however it is cut", async () => {
  assert.deepEqual(await heads("a\nb", "c\n", "\nd"), ["a", "bc", "", "d"]);
  assert.deepEqual(await heads(), []);
});

Deno.test("headsOf() keeps the beginning of a long line", async () => {
  const [long, next] = await heads("x".repeat(900), "x".repeat(900) + "\ny\n");
  assert.deepEqual([long!.length, next], [1024, "y"]);
});

Deno.test("a queue of a hundred thousand mails to many is counted, and what a sender writes is not", async () => {
  const liar = `\\", "message_size": 9, ${"x".repeat(5000)}`;
  const text = await queueMetrics(async function* (argv) {
    assert.deepEqual(argv, ["/usr/sbin/postqueue", "-j"]);
    for (let n = 0; n < 100_000; n++) {
      yield `{"queue_name": "hold", "queue_id": "4a", "arrival_time": 5, "message_size": 2, "forced_expire": false, "sender": "${liar}`;
    }
  }, new Date(65_000));
  assert.match(text, /encimap_queue_messages\{queue="hold"\} 100000\n/);
  assert.match(text, /encimap_queue_bytes\{queue="hold"\} 200000\n/);
  assert.match(text, /encimap_queue_oldest_seconds\{queue="hold"\} 60\n/);
});
