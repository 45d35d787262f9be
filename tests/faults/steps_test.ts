import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { isMissing } from "../helpers/openssl.ts";
import { until } from "../helpers/until.ts";
import { pause } from "./sender.ts";
import { Summary } from "./summary.ts";
import { type Box, type FaultWorld, faultWorld } from "./world.ts";

/** What a kill has left of the mail that was under way. */
type Left = "nothing" | "staged" | "row" | "shown";

/** A step of the table in docs/design.md, "Delivery". */
interface Step {
  readonly name: string;
  /** What the kill must leave: else it did not hit the step. */
  readonly left: Left;
  /** Arguments of strace, which kills the process itself. */
  readonly strace?: (paths: { base: string; home: string }) => string[];
  /** Octets of the mail. */
  readonly size?: number;
  /** Whether the vaultbox's folders are there. */
  readonly isFirst?: boolean;
  /** Prepares a stop at the step; the kill comes when it is reached. */
  readonly hold?: (faults: FaultWorld, box: Box) => Promise<Hold>;
}

/** What keeps a delivery at a step. */
interface Hold extends AsyncDisposable {
  /** Waits until the delivery is there. */
  reached(): Promise<void>;
}

/** For steps that take long enough by themselves. */
function watch(reached: () => Promise<void>): Promise<Hold> {
  return Promise.resolve({
    reached,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

const STEPS: Step[] = [
  {
    name: "the vaultbox's folder is made",
    left: "nothing",
    isFirst: true,
    strace: ({ home }) => ["-P", home, ...kill("mkdir,mkdirat", 1)],
  },
  {
    name: "a folder of the vaultbox is made and its name not durable",
    left: "nothing",
    isFirst: true,
    strace: ({ base }) => ["-P", base, ...kill("fsync,fdatasync", 1)],
  },
  {
    name: "the file is written and not synced",
    left: "staged",
    strace: () => kill("fsync,fdatasync", 1),
  },
  {
    name: "the file is written in part",
    left: "staged",
    size: 12_000_000,
    hold: (faults, box) => watch(() => untilStaged(faults, box)),
  },
  {
    name: "the file is staged, the row waits",
    left: "staged",
    hold: lockMessages,
  },
  {
    // PostgreSQL goes on with it.
    name: "the commit is under way",
    left: "row",
    hold: slowCommit,
  },
  {
    name: "the row is committed",
    left: "row",
    strace: () => kill("rename,renameat,renameat2", 1),
  },
  {
    name: "the file is shown, the program does not know it",
    left: "shown",
    strace: () => [
      ...["-e", "trace=rename,renameat,renameat2"],
      ...["-e", "inject=rename,renameat,renameat2:delay_exit=5s"],
    ],
    hold: (faults, box) =>
      watch(() =>
        until("the file is shown", async () => await shown(faults, box) > 1)
      ),
  },
];

Deno.test({
  name: "an intake killed at each step of a delivery stores the mail once",
  ignore: isMissing("strace"),
}, async (t) => {
  await using faults = await faultWorld();
  const summary = new Summary("kill -9 at each step of the table");
  for (const [number, step] of STEPS.entries()) {
    await t.step(`killed when ${step.name}`, async () => {
      assert.equal(await killAt(faults, step, number), step.left);
      await summary.round(faults);
    });
  }
  summary.end(`${STEPS.length} steps, each proved by what it left`);
});

async function killAt(
  faults: FaultWorld,
  step: Step,
  number: number,
): Promise<Left> {
  const { intake, queue, state } = faults;
  const box = await faults.makeBox(`box${number}`);
  if (!step.isFirst) {
    await intake.start();
    await queue.deliver([faults.mail(box)]);
    await intake.stop("SIGTERM");
  }
  const before = await look(faults, box);
  const paths = { base: `${state}/mail`, home: `${state}/mail/${box.id}` };
  const under = step.strace === undefined ? [] : [
    ...["strace", "-D", "-f", "-qq", "-o", "/dev/null"],
    ...step.strace(paths),
  ];
  await intake.start(under.length > 0 ? { under } : {});
  const pid = intake.pid;
  const acknowledged = queue.stored.size;
  const hold = await step.hold?.(faults, box);
  const delivered = queue.deliver([faults.mail(box, step.size)], 1);
  try {
    if (hold === undefined) {
      await until("it is killed", () => hasEnded(pid));
    } else {
      await hold.reached();
    }
    await intake.stop("SIGKILL");
  } finally {
    await hold?.[Symbol.asyncDispose]();
    await intake.stop("SIGKILL");
  }
  assert.equal(queue.stored.size, acknowledged, "it came to its end");
  const after = await look(faults, box);
  const left = (["shown", "row", "staged"] as const)
    .find((name) => after[name] > before[name]) ?? "nothing";
  await intake.start();
  await delivered;
  await intake.stop("SIGTERM");
  return left;
}

/** Arguments of strace that kill at the call with a number, of any thread. */
function kill(calls: string, when: number): string[] {
  return [
    ...["-e", `trace=${calls}`],
    ...["-e", `inject=${calls}:signal=KILL:when=${when}`],
  ];
}

async function look(
  faults: FaultWorld,
  box: Box,
): Promise<Record<Exclude<Left, "nothing">, number>> {
  const { withRow, withoutRow } = await faults.census.staged();
  return {
    staged: withoutRow.length,
    row: withRow.length,
    shown: await shown(faults, box),
  };
}

async function shown(faults: FaultWorld, box: Box): Promise<number> {
  const path = `${faults.state}/mail/${box.id}/Maildir/new`;
  try {
    return (await Array.fromAsync(Deno.readDir(path))).length;
  } catch {
    return 0;
  }
}

function hasEnded(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return true;
  }
}

async function untilStaged(faults: FaultWorld, box: Box): Promise<void> {
  const tmp = `${faults.state}/mail/${box.id}/tmp`;
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    for await (const { name } of Deno.readDir(tmp)) {
      const { size } = await Deno.stat(`${tmp}/${name}`);
      if (size > 0) return;
    }
    await pause(1);
  }
  throw new Error("Nothing was staged");
}

/** Whether a session of the intake waits for a lock. */
async function waits(faults: FaultWorld, lock: string): Promise<boolean> {
  // Others than the superuser do not see what the sessions of a role wait for.
  const sql = connect(faults.world.database.url("postgres"), { max: 1 });
  const rows = await sql`
    select from pg_stat_activity
    where datname = current_database() and wait_event = ${lock}
  `;
  await sql.end();
  return rows.length > 0;
}

async function lockMessages(faults: FaultWorld): Promise<Hold> {
  const owner = faults.world.database.url("encimap_owner");
  const tx = connect(owner, { max: 1 });
  await tx`begin`;
  // Inserts wait, reads do not.
  await tx`lock table messages in share mode`;
  return {
    reached: () => until("the row waits", () => waits(faults, "relation")),
    async [Symbol.asyncDispose]() {
      await tx`rollback`;
      await tx.end();
    },
  };
}

/** Makes commits last. */
async function slowCommit(faults: FaultWorld): Promise<Hold> {
  const { sql } = faults.world.database;
  await sql.unsafe(`
    create function slow() returns trigger language plpgsql
      as $$ begin perform pg_sleep(2); return null; end $$;
    create constraint trigger slow after insert on messages
      deferrable initially deferred for each row execute function slow();
  `);
  return {
    reached: () =>
      until("the commit is under way", () => waits(faults, "PgSleep")),
    async [Symbol.asyncDispose]() {
      // Waits for the transaction of the one that was killed.
      await sql.unsafe("drop trigger slow on messages; drop function slow");
    },
  };
}
