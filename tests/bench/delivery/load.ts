/**
 * Runs load.pl: clients in processes of their own.
 *
 * @module
 */

import { median } from "../measure.ts";

/** What the clients do. */
export interface Load {
  /** Which loop; see load.pl. */
  readonly mode: "bare" | "openssl" | "http" | "lmtp" | "smtp";
  /** Clients at once. */
  readonly clients: number;
  /** How long they begin messages, in seconds; or how many they give in all. */
  readonly until: { readonly seconds: number } | { readonly count: number };
  /** File with the message. */
  readonly message: string;
  /** File with the mailboxes. */
  readonly boxes: string;
  /** What the mode needs else. */
  readonly more: Readonly<Record<string, string>>;
}

/** What came of one run. */
export interface Run {
  /** Messages that were answered. */
  readonly messages: number;
  /** Seconds from the first begin to the last answer. */
  readonly seconds: number;
  /** Milliseconds of each message, in ascending order. */
  readonly latencies: readonly number[];
  /** CPU seconds of the clients. */
  readonly clientCpu: number;
  /** Temporary refusals, after each of which the client has tried again. */
  readonly deferred: number;
}

const SCRIPT = new URL("load.pl", import.meta.url).pathname;

/**
 * Runs clients to their end.
 *
 * @param load What they do.
 * @returns What came of it.
 * @throws {Error} If a client was refused.
 */
export async function runLoad(load: Load): Promise<Run> {
  const { mode, clients, until, message, boxes, more } = load;
  const run = crypto.randomUUID();
  const options = { clients, ...until, message, boxes, run, ...more };
  const { success, stdout, stderr } = await new Deno.Command("perl", {
    args: [
      SCRIPT,
      mode,
      ...Object.entries(options).map(([name, value]) => `${name}=${value}`),
    ],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stderr).slice(0, 2000));
  const [seconds, clientCpu, ...answers] = decoder.decode(stdout).trim()
    .split("\n");
  const latencies = answers.filter((each) => each !== "deferred").map(Number);
  return {
    messages: latencies.length,
    seconds: Number(seconds),
    clientCpu: Number(clientCpu),
    deferred: answers.length - latencies.length,
    latencies: latencies.sort((a, b) => a - b),
  };
}

/** What is not above so many of a hundred. */
export function percentile(sorted: readonly number[], percent: number): number {
  if (percent === 50) return median(sorted);
  const index = Math.ceil(sorted.length * percent / 100) - 1;
  return sorted[Math.max(0, index)]!;
}
