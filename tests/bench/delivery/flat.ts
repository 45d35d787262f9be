/**
 * Delivery into an empty store beside delivery into a large one.
 *
 * @module
 */

import { print, SCALE, verdict } from "../measure.ts";
import { compare, type Figures } from "./contender.ts";
import { messageOf } from "./messages.ts";
import { openStore, type Store, warmStore } from "./store.ts";

/**
 * Prints how much slower the large store is.
 *
 * @returns The figures of both.
 */
export async function benchFlat(): Promise<Figures[]> {
  const boxes = Math.round(200_000 * Math.min(1, SCALE));
  const files = Math.round(1_000_000 * Math.min(1, SCALE));
  print(
    `\nDelivery beside ${boxes} other vaultboxes, ${
      boxes * 5
    } rows of messages and ${files} files`,
  );
  await using empty = await openStore({ boxes: 200 });
  await using large = await openStore({
    boxes: 200,
    elsewhere: { boxes, files },
  });
  const message = await Deno.makeTempFile({ prefix: "encimap-" });
  try {
    await Deno.writeFile(message, messageOf(4096));
    const contender = (name: string, store: Store) => ({
      name,
      certificates: 1,
      load: {
        mode: "http" as const,
        clients: 8,
        until: { seconds: 3 },
        message,
        boxes: store.boxes[1],
        more: { socket: store.socket },
      },
      pid: store.pid,
    });
    for (const store of [empty, large]) await warmStore(store, message);
    const figures = await compare(
      [contender("empty store", empty), contender("large store", large)],
      5,
      4096,
    );
    const [first, second] = figures.map((each) => each.messagesPerSecond);
    verdict(
      "empty / large store, messages per second",
      first! / second!,
      1.2,
      "x",
    );
    return figures;
  } finally {
    await Deno.remove(message);
  }
}
