/**
 * The API: what docs/design.md says of its speed, measured.
 *
 * @module
 */

import { exec } from "../../src/system/exec.ts";
import { bearer } from "../helpers/http.ts";
import {
  interleaved,
  median,
  print,
  report,
  SCALE,
  verdict,
} from "./measure.ts";
import { clients } from "./parallel.ts";
import {
  type BenchWorld,
  benchWorld,
  boxOf,
  domainOf,
  userOf,
  usersOf,
  warm,
} from "./world.ts";

const ROUNDS = Math.max(8, Math.round(60 * SCALE));

/** Sends a request and wants success, or another status where it is said. */
async function ask(
  world: BenchWorld,
  method: string,
  path: string,
  body?: unknown,
  wanted = 2,
): Promise<string> {
  const init = body === undefined
    ? { method }
    : { method, body: JSON.stringify(body) };
  const { status, text } = await world.api.fetch(path, world.service, init);
  if (Math.floor(status / 100) === wanted) return text;
  throw new Error(`${method} ${path}: ${status} ${text}`);
}

let made = 0;

/** Creates a vaultbox of the first user. */
async function create(world: BenchWorld): Promise<string> {
  const text = await ask(world, "POST", "/vaultboxes", {
    "user_id": userOf(1),
    domain: domainOf(1),
    alias: `new${made++}`,
  });
  return JSON.parse(text).data["vaultbox_id"];
}

/** A creation beside the least that it must do. */
async function benchCreate(world: BenchWorld): Promise<void> {
  const { sql } = world.app;
  await sql`create table bench (id uuid primary key)`;
  const isWarm = await warm(world.app, ROUNDS + 10);
  print(
    `\nCreate ${
      isWarm ? "with a warm pool of keys" : "WITHOUT a pool of keys"
    }, ${ROUNDS} rounds`,
  );
  const times = await interleaved({
    create: () => create(world),
    floor: async () => {
      await ask(
        world,
        "GET",
        `/vaultboxes/${crypto.randomUUID()}`,
        undefined,
        4,
      );
      await sql.begin((tx) =>
        tx`insert into bench (id) values (${crypto.randomUUID()})`
      );
      const map = `lmdb:${world.directory}/maps/bench`;
      await exec(["/usr/sbin/postmap", "-i", "-r", map], `x${made} y\n`);
    },
  }, ROUNDS);
  const floor = median(times.floor);
  report("no-op + durable transaction + map change", floor, " ms");
  verdict("create, median", median(times.create), 25, " ms");
  verdict(
    "create / (no-op + transaction + map change)",
    median(times.create) / floor,
    3,
    "x",
  );
}

/** The same requests in a small and in a large world. */
async function benchFlatness(
  small: BenchWorld,
  large: BenchWorld,
  boxes: number,
): Promise<void> {
  const pages: Readonly<Record<string, string>> = {
    "list page": "/vaultboxes?limit=100",
    "list page, newest first": "/vaultboxes?limit=100&sort=-created_at",
    "list page, by address": "/vaultboxes?limit=100&sort=address",
    "list page of a user": `/vaultboxes?limit=100&user_id=${userOf(3)}`,
    "list page of a user, by address":
      `/vaultboxes?limit=100&sort=-address&user_id=${userOf(3)}`,
    "list page of a domain": `/vaultboxes?limit=100&domain=${domainOf(3)}`,
    "list page of a local part": `/vaultboxes?limit=100&alias=a7`,
    "list page of suspended ones": "/vaultboxes?limit=10&status=suspended",
    "usage page": "/usage?limit=100",
    "usage page of a user": `/usage?limit=100&user_id=${userOf(3)}`,
    "audit page": "/audit?limit=10",
  };
  print(
    `\n1,000 vaultboxes against ${
      boxes.toLocaleString("en")
    }, ${ROUNDS} rounds`,
  );
  for (const [name, path] of Object.entries(pages)) {
    const times = await interleaved({
      small: () => ask(small, "GET", path),
      large: () => ask(large, "GET", path),
    }, ROUNDS);
    flat(name, times);
  }
  for (const world of [small, large]) await warm(world.app, ROUNDS + 5);
  const ids: Record<"small" | "large", string[]> = { small: [], large: [] };
  flat(
    "create",
    await interleaved({
      small: async () => ids.small.push(await create(small)),
      large: async () => ids.large.push(await create(large)),
    }, ROUNDS),
  );
  const remove = (world: BenchWorld, id: string): Promise<string> =>
    ask(world, "DELETE", `/vaultboxes/${id}`);
  flat(
    "delete",
    await interleaved({
      small: () => remove(small, ids.small.pop()!),
      large: () => remove(large, ids.large.pop()!),
    }, ROUNDS),
  );
}

function flat(name: string, times: Record<"small" | "large", number[]>): void {
  const [small, large] = [median(times.small), median(times.large)];
  verdict(
    `${name} (${small.toFixed(1)} ms, ${large.toFixed(1)} ms)`,
    large / small,
    1.5,
    "x",
  );
}

/** Many clients at once; what is answered, and what memory it takes. */
async function benchParallel(world: BenchWorld, boxes: number): Promise<void> {
  const count = Math.max(50, Math.round(500 * Math.min(1, SCALE * 5)));
  const seconds = Math.max(3, Math.round(10 * SCALE));
  await warm(world.app, 400);
  const users = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const number = i % usersOf(boxes) + 1;
      const user = userOf(number);
      // Vaultbox n belongs to user n modulo users, plus 1.
      const box = boxOf(number === 1 ? usersOf(boxes) : number - 1);
      return { token: await bearer(user), domain: domainOf(number), box };
    }),
  );
  print(`\n${count} clients for ${seconds} seconds`);
  const megabytes = (): number => Deno.memoryUsage().rss / 2 ** 20;
  const before = megabytes();
  let peak = before;
  const timer = setInterval(() => peak = Math.max(peak, megabytes()), 50);
  const result = await clients({ url: world.api.url, seconds, users });
  clearInterval(timer);
  report("resident memory before", before, " MB");
  report("resident memory, peak", peak, " MB");
  report("resident memory after", megabytes(), " MB");
  report("requests per second", result.total / seconds, "");
  report("median", result.medianMs, " ms");
  report("slowest", result.slowestMs, " ms");
  for (const [what, times] of Object.entries(result.answers)) {
    print(`  ${what}: ${times}`);
  }
  verdict("answers that should not be", result.wrong, 0, "");
  for (const line of world.lines) {
    if (line.startsWith("<3>")) print(`  ${line}`);
  }
}

/** Measures creation, flatness and many clients at once. */
export async function benchApi(): Promise<void> {
  const boxes = Math.max(2000, Math.round(200_000 * SCALE));
  print(`Loading ${boxes} vaultboxes and ${boxes * 10} messages`);
  await using small = await benchWorld(1000, 10_000);
  await using large = await benchWorld(boxes, boxes * 10);
  await benchCreate(small);
  await benchFlatness(small, large, boxes);
  await benchParallel(large, boxes);
}
