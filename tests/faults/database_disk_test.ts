import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { run } from "../helpers/openssl.ts";
import { Cluster } from "./cluster.ts";
import { pause } from "./sender.ts";
import { roundsOf, Summary } from "./summary.ts";
import { faultWorld } from "./world.ts";

/** Rounds of each fault. */
const ROUNDS = roundsOf(1);

/** Mails that are sent at once, second by second, until one is deferred. */
const MAILS = 40;

/** Seconds that this may take. */
const BATCHES_MAX = 20;

/** Milliseconds after there is space again in which all mail must be in. */
const RECOVERY_MS = 12_000;

/** Segments of the WAL that are tried, at most. */
const SEGMENTS_MAX = 20;

for (
  const [name, isWal] of [
    ["no room for PostgreSQL's tables", false],
    ["no room for PostgreSQL's WAL", true],
  ] as const
) {
  Deno.test({
    name: `${name}: mail waits, and goes on when there is space`,
    ignore: Deno.uid() !== 0,
  }, async () => {
    await using stack = new AsyncDisposableStack();
    const disk = await Deno.makeTempDir({
      dir: "/tmp",
      prefix: "encimap-disk-",
    });
    await Deno.chmod(disk, 0o755);
    stack.defer(() => Deno.remove(disk));
    await run("mount", ["-t", "tmpfs", "-o", "size=220m", "none", disk], {
      cwd: "/",
    });
    stack.defer(async () => {
      await run("umount", ["-l", disk], { cwd: "/" });
    });
    const directory = `${disk}/pg`;
    await Deno.mkdir(directory);
    const cluster = stack.use(
      await Cluster.make({
        directory,
        settings: ["min_wal_size=32MB", "max_wal_size=32MB"],
      }),
    );
    const faults = stack.use(await faultWorld({ pgHost: directory }));
    const { intake, queue, boxes, world } = faults;
    const database = new URL(world.database.url()).pathname.slice(1);
    const summary = new Summary(name);
    await intake.start();
    let crashes = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const before = queue.deferrals;
      await fill(disk);
      if (isWal) crashes += await useUpWal(cluster.url(database));
      const delivering: Promise<void>[] = [];
      // Until what the tables had left is used up.
      while (queue.deferrals === before) {
        assert.ok(
          delivering.length < BATCHES_MAX,
          "there is room all the time",
        );
        delivering.push(queue.deliver(
          Array.from(
            { length: MAILS },
            (_, i) => faults.mail(boxes[i % boxes.length]!),
          ),
        ));
        await pause(1000);
      }
      await Deno.remove(`${disk}/filler`);
      // An operator's act, where it has given up for want of space.
      if (isWal) {
        await cluster.stop("SIGQUIT");
        await cluster.start();
      }
      const over = performance.now();
      await Promise.all(delivering);
      const tookMs = performance.now() - over;
      assert.ok(tookMs < RECOVERY_MS, `mail waited ${tookMs} ms more`);
      await summary.round(faults, {
        places: [`${directory}/data`, `${directory}/log`],
      });
    }
    const log = await Deno.readTextFile(`${directory}/log`);
    assert.match(log, /No space left on device/);
    if (isWal) assert.equal(crashes, ROUNDS);
    summary.end(
      `deferred ${queue.deferrals} times, restarted ${intake.failures} times`,
    );
  });
}

async function fill(disk: string): Promise<void> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", `cat /dev/zero >'${disk}/filler' 2>/dev/null`],
  }).output();
  assert.ok(!success, "the disk is not full");
}

/** Begins segments of the WAL until there is none, and says whether it crashed. */
async function useUpWal(url: string): Promise<number> {
  const sql = connect(url, { max: 1 });
  try {
    for (let i = 0; i < SEGMENTS_MAX; i++) {
      await sql`select pg_switch_wal()`;
      await sql`select pg_logical_emit_message(false, 'fill', repeat('x', 1000))`;
    }
    return 0;
  } catch {
    return 1;
  } finally {
    await sql.end({ timeout: 1 });
  }
}
