/**
 * End to end through Postfix: from the first SMTP connection to the last file in
 * a vaultbox, by each way of handing mail over.
 *
 * @module
 */

import { type Appliance, startAppliance } from "../../helpers/appliance.ts";
import { openGuideWay } from "../guide_way/guide_way.ts";
import { median, print, report, SCALE } from "../measure.ts";
import { runLoad } from "./load.ts";
import { messageOf } from "./messages.ts";

/** Vaultboxes that the messages go to in turn. */
const BOXES = 40;

const ROUNDS = SCALE >= 1 ? 3 : 1;

const MESSAGES = Math.max(80, Math.round(800 * Math.min(1, SCALE)));

/** Messages in a second by the name of the way. */
export type Ways = Readonly<Record<string, number>>;

interface Way extends AsyncDisposable {
  readonly port: number;
  /** File with the vaultboxes. */
  readonly boxes: string;
  /** Counts what is in new/. */
  stored(): Promise<number>;
}

/**
 * Prints how many messages in a second go each way.
 *
 * @returns The same.
 */
export async function benchPostfix(): Promise<Ways> {
  print(`\nThrough Postfix: ${MESSAGES} messages of 4 KB from 8 clients`);
  await using stack = new AsyncDisposableStack();
  const ways: Record<string, Way> = {
    "the guide's way": stack.use(await openWay("guide")),
    pipe: stack.use(await openWay("pipe")),
    lmtp: stack.use(await openWay("lmtp")),
  };
  const message = await Deno.makeTempFile({ prefix: "encimap-" });
  stack.defer(() => Deno.remove(message));
  await Deno.writeFile(message, messageOf(4096));
  for (const way of Object.values(ways)) await send(way, message, BOXES);
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      (rates[name] ??= []).push(await send(way, message, MESSAGES));
    }
  }
  const result = Object.fromEntries(
    Object.entries(rates).map((
      [name, each],
    ) => [name, median(each.sort((a, b) => a - b))]),
  );
  const guide = result["the guide's way"]!;
  for (const [name, rate] of Object.entries(result)) {
    report(name, rate, " messages/s");
    report(`${name} / the guide's way`, rate / guide, " x");
  }
  return result;
}

async function openWay(kind: "guide" | "pipe" | "lmtp"): Promise<Way> {
  await using stack = new AsyncDisposableStack();
  const transport = kind === "lmtp" ? "lmtp" : "pipe";
  const appliance = stack.use(
    await startAppliance({ ENCIMAP_TRANSPORT: transport }),
  );
  const userId = crypto.randomUUID();
  const ids: string[] = [];
  let list = "";
  for (let i = 0; i < BOXES; i++) {
    const address = { alias: `box${i}`, domain: "bench.example" };
    const { data } = await appliance.api("POST", "/vaultboxes", {
      "user_id": userId,
      ...address,
    });
    ids.push(data["vaultbox_id"]);
    list += `${data["vaultbox_id"]} ${address.alias}%40${address.domain}\n`;
  }
  const boxes = `${appliance.directory}/boxes`;
  await Deno.writeTextFile(boxes, list);
  const stored = kind === "guide"
    ? stack.use(await openGuideWay(appliance, ids)).stored
    : () => storedBy(appliance, ids);
  const cleanup = stack.move();
  return {
    port: appliance.smtpPort,
    boxes,
    stored,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

async function storedBy(
  appliance: Appliance,
  ids: readonly string[],
): Promise<number> {
  const counts = await Promise.all(
    ids.map(async (id) => (await appliance.inbox(id)).length),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Messages in a second, until the last one is stored. */
async function send(
  way: Way,
  message: string,
  count: number,
): Promise<number> {
  const wanted = await way.stored() + count;
  const begin = performance.now();
  await runLoad({
    mode: "smtp",
    clients: 8,
    until: { count },
    message,
    boxes: way.boxes,
    more: { port: String(way.port) },
  });
  // Looking costs little beside what is measured, but not nothing.
  while (await way.stored() < wanted) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return count * 1000 / (performance.now() - begin);
}
