/**
 * Postfix's queue in numbers, by postqueue(1).
 *
 * @module
 */

import type { Exec } from "../system/exec.ts";
import { gauge, gauges } from "../metrics/metric.ts";
import { METRICS } from "../metrics/table.ts";

const POSTQUEUE = "/usr/sbin/postqueue";

/** Queues that postqueue(1) lists. */
const QUEUES = ["maildrop", "incoming", "active", "deferred", "hold"] as const;

/** One queue. */
interface Queue {
  messages: number;
  bytes: number;
  /** Seconds since 1970; Infinity for none. */
  oldest: number;
}

/**
 * Counts what waits in Postfix's queue. Nothing of a message is in the answer.
 *
 * @param exec Runs postqueue; whoever calls may read the queue.
 * @param now The time.
 * @returns Text for Prometheus; it says so if the queue could not be read.
 */
export async function queueMetrics(exec: Exec, now: Date): Promise<string> {
  const queues = await readQueues(exec);
  if (queues === undefined) return gauge(METRICS.queueUp, 0);
  const samples = (value: (queue: Queue) => number) =>
    [...queues].map(([queue, state]) => ({
      labels: { queue },
      value: value(state),
    }));
  const age = ({ oldest }: Queue): number =>
    oldest === Infinity ? 0 : Math.max(now.getTime() / 1000 - oldest, 0);
  return [
    gauge(METRICS.queueUp, 1),
    gauges(METRICS.queueMessages, samples(({ messages }) => messages)),
    gauges(METRICS.queueBytes, samples(({ bytes }) => bytes)),
    gauges(METRICS.queueOldestSeconds, samples(age)),
  ].join("");
}

async function readQueues(
  exec: Exec,
): Promise<Map<string, Queue> | undefined> {
  const { code, stdout } = await exec([POSTQUEUE, "-j"]);
  if (code !== 0) return undefined;
  const queues = new Map<string, Queue>(
    QUEUES.map((name) => [name, { messages: 0, bytes: 0, oldest: Infinity }]),
  );
  for (const line of stdout.split("\n")) {
    if (line === "") continue;
    const message = JSON.parse(line);
    const queue = queues.get(message["queue_name"]);
    if (queue === undefined) continue;
    queue.messages++;
    queue.bytes += Number(message["message_size"]);
    queue.oldest = Math.min(queue.oldest, Number(message["arrival_time"]));
  }
  return queues;
}
