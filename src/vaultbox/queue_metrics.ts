/**
 * Postfix's queue in numbers, by postqueue(1).
 *
 * @module
 */

import type { LineHeads } from "../system/line_heads.ts";
import { gauge, gauges, type Metric, readSamples } from "../metrics/metric.ts";
import { METRICS } from "../metrics/table.ts";

const POSTQUEUE = "/usr/sbin/postqueue";

/** Names of the queues that postqueue(1) lists. */
export const QUEUES = [
  "maildrop",
  "incoming",
  "active",
  "deferred",
  "hold",
] as const;

/** What waits in one of them. */
export interface QueueState {
  /** Its name. */
  readonly name: typeof QUEUES[number];
  /** Messages. */
  readonly messages: number;
  /** Their octets. */
  readonly bytes: number;
  /** Age of the oldest in seconds; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** One queue, while it is counted. */
interface Queue {
  messages: number;
  bytes: number;
  /** Seconds since 1970; Infinity for none. */
  oldest: number;
}

/**
 * Counts what waits in Postfix's queue, in constant memory. Nothing of a message
 * is in the answer.
 *
 * @param run Runs postqueue; whoever calls may read the queue.
 * @param now The time.
 * @returns Text for Prometheus; it says so if the queue could not be read.
 */
export async function queueMetrics(run: LineHeads, now: Date): Promise<string> {
  const queues = await countQueues(run);
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

async function countQueues(
  run: LineHeads,
): Promise<Map<string, Queue> | undefined> {
  const queues = new Map<string, Queue>(
    QUEUES.map((name) => [name, { messages: 0, bytes: 0, oldest: Infinity }]),
  );
  try {
    for await (const line of run([POSTQUEUE, "-j"])) count(queues, line);
  } catch {
    return undefined;
  }
  return queues;
}

/** A line is an object of JSON; its sender and recipients may be very long. */
function count(queues: ReadonlyMap<string, Queue>, line: string): void {
  const [facts] = line.split('"sender"', 1);
  const name = /"queue_name": ?"(\w+)"/.exec(facts!)?.[1];
  const time = /"arrival_time": ?(\d{1,12})/.exec(facts!)?.[1];
  const size = /"message_size": ?(\d{1,15})/.exec(facts!)?.[1];
  if (name === undefined || time === undefined || size === undefined) {
    throw new Error("this is no line of postqueue -j");
  }
  const queue = queues.get(name);
  if (queue === undefined) return;
  queue.messages++;
  queue.bytes += Number(size);
  queue.oldest = Math.min(queue.oldest, Number(time));
}

/**
 * Reads the queues.
 *
 * @param text What {@linkcode queueMetrics} has written.
 * @returns All queues; undefined if they could not be read.
 */
export function readQueues(text: string): QueueState[] | undefined {
  if (readSamples(text, METRICS.queueUp)[0]?.value !== 1) return undefined;
  const of = (metric: Metric<"queue">, name: string): number | undefined =>
    readSamples(text, metric).find(({ labels }) => labels.queue === name)
      ?.value;
  const queues = QUEUES.flatMap((name): QueueState[] => {
    const messages = of(METRICS.queueMessages, name);
    const bytes = of(METRICS.queueBytes, name);
    const oldestSeconds = of(METRICS.queueOldestSeconds, name);
    if (
      messages === undefined || bytes === undefined ||
      oldestSeconds === undefined
    ) return [];
    return [{ name, messages, bytes, oldestSeconds }];
  });
  return queues.length === QUEUES.length ? queues : undefined;
}
