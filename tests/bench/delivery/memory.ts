/**
 * Memory of the intake: at rest, with large messages at once, over many.
 *
 * @module
 */

import { print, SCALE, verdict } from "../measure.ts";
import { runLoad } from "./load.ts";
import { messageOf } from "./messages.ts";
import { memory, resetPeak } from "../../helpers/processes.ts";
import { openStore, type Store } from "./store.ts";

/** MiB. */
export interface MemoryFigures {
  /** When it has listened for two seconds. */
  readonly idle: number;
  /** Peak over idle with 8 messages of 25 MB at once. */
  readonly over25: number;
  /** The same with 50 MB. */
  readonly over50: number;
  /** After so many small messages, less after a tenth of them. */
  readonly growth: number;
  /** The small messages. */
  readonly messages: number;
}

/**
 * Prints what memory the intake takes.
 *
 * @returns The same.
 */
export async function benchMemory(): Promise<MemoryFigures> {
  print("\nMemory of the intake");
  await using store = await openStore({ boxes: 200 });
  const message = await Deno.makeTempFile({ prefix: "encimap-" });
  try {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const idle = (await memory(store.pid)).now;
    verdict("idle", idle, 90, " MB");
    const over25 = await peakOf(store, message, 25) - idle;
    verdict("8 x 25 MB at once, over idle", over25, 150, " MB");
    const over50 = await peakOf(store, message, 50) - idle;
    verdict("8 x 50 MB at once, over idle", over50, 150, " MB");
    const messages = Math.round(50_000 * Math.min(1, SCALE));
    await Deno.writeFile(message, messageOf(4096));
    const after = [];
    for (let tenth = 0; tenth < 10; tenth++) {
      await deliver(store, message, messages / 10);
      after.push((await memory(store.pid)).now);
    }
    // The first tenth fills what is kept; noise of a garbage collector remains.
    const growth = after.at(-1)! - after[0]!;
    verdict(`growth over ${messages} messages`, growth, 10, " MB");
    print(
      `  after each tenth: ${after.map((each) => each.toFixed(0)).join(" ")}`,
    );
    return { idle, over25, over50, growth, messages };
  } finally {
    await Deno.remove(message);
  }
}

async function peakOf(
  store: Store,
  message: string,
  megabytes: number,
): Promise<number> {
  await Deno.writeFile(message, messageOf(megabytes * 2 ** 20));
  await resetPeak(store.pid);
  await deliver(store, message, 16);
  await store.empty();
  return (await memory(store.pid)).peak;
}

async function deliver(
  store: Store,
  message: string,
  count: number,
): Promise<void> {
  await runLoad({
    mode: "http",
    clients: 8,
    until: { count: Math.round(count) },
    message,
    boxes: store.boxes[1],
    more: { socket: store.socket },
  });
}
