import assert from "node:assert/strict";
import { connect, type Pool } from "../../src/db/connect.ts";
import { Cluster } from "./cluster.ts";
import { pause } from "./sender.ts";
import { roundsOf, Summary } from "./summary.ts";
import { type FaultWorld, faultWorld } from "./world.ts";

/** Rounds of each fault. */
const ROUNDS = roundsOf(2);

/** Mails in each round. */
const MAILS = 40;

/** Milliseconds after a fault in which all mail that waited must be in. */
const RECOVERY_MS = 8000;

/** What a fault may do. */
interface Stage {
  readonly cluster: Cluster;
  readonly faults: FaultWorld;
  /** Superuser in the world's database. */
  readonly sql: Pool;
}

/** Ids of the sessions that the intake has. */
const SESSIONS = `select pid from pg_stat_activity
  where usename = 'vaultmail' and backend_type = 'client backend'`;

const FAULTS: [string, (stage: Stage) => Promise<void>][] = [
  ["PostgreSQL stopped for a second", async ({ cluster }) => {
    await cluster.stop("SIGINT");
    await pause(1000);
    await cluster.start();
  }],
  ["PostgreSQL stopped at once", async ({ cluster }) => {
    await cluster.stop("SIGQUIT");
    await cluster.start();
  }],
  ["kill -9 of PostgreSQL", async ({ cluster }) => {
    await cluster.stop("SIGKILL");
    await cluster.start();
  }],
  ["kill -9 of one session", async ({ sql }) => {
    const rows = await sql.unsafe<{ pid: number }[]>(SESSIONS);
    const one = rows[Math.floor(Math.random() * rows.length)];
    if (one !== undefined) Deno.kill(one.pid, "SIGKILL");
  }],
  ["pg_terminate_backend of all sessions", async ({ sql }) => {
    for (let i = 0; i < 10; i++) {
      await sql.unsafe(`select pg_terminate_backend(pid) from (${SESSIONS}) s`);
      await pause(Math.random() * 60);
    }
  }],
  ["pg_cancel_backend of all queries", async ({ sql }) => {
    for (let i = 0; i < 20; i++) {
      await sql.unsafe(`select pg_cancel_backend(pid) from (${SESSIONS}) s`);
      await pause(Math.random() * 30);
    }
  }],
  ["all connections of PostgreSQL taken", async ({ cluster, sql }) => {
    const others = [];
    await sql.unsafe("alter role vaultmail connection limit 1");
    await sql.unsafe(`select pg_terminate_backend(pid) from (${SESSIONS}) s`);
    for (let i = 0; i < 2; i++) {
      const url = new URL(cluster.url("postgres"));
      url.username = "vaultmail";
      const other = connect(url.href, { max: 1 });
      others.push(other);
      await other`select 1`.catch(() => {});
    }
    await pause(1000);
    for (const other of others) await other.end({ timeout: 1 });
    await sql.unsafe("alter role vaultmail connection limit -1");
  }],
  ["messages locked for two seconds", async ({ sql }) => {
    await sql.begin(async (tx) => {
      await tx`lock table messages in access exclusive mode`;
      await pause(2000);
    });
  }],
  ["PostgreSQL takes no writes for a second", async ({ sql }) => {
    await sql.unsafe(
      "alter role vaultmail set default_transaction_read_only = on",
    );
    await sql.unsafe(`select pg_terminate_backend(pid) from (${SESSIONS}) s`);
    await pause(1000);
    await sql.unsafe(
      "alter role vaultmail reset default_transaction_read_only",
    );
    await sql.unsafe(`select pg_terminate_backend(pid) from (${SESSIONS}) s`);
  }],
];

Deno.test("faults of the database lose, double, bounce and expose nothing", async (t) => {
  await using cluster = await Cluster.make();
  for (const [name, fault] of FAULTS) {
    await t.step(name, async () => {
      await using faults = await faultWorld({ pgHost: cluster.directory });
      const { intake, queue, boxes, world } = faults;
      const database = new URL(world.database.url()).pathname.slice(1);
      const sql = connect(cluster.url(database), { max: 2 });
      const summary = new Summary(name);
      await intake.start();
      for (let round = 0; round < ROUNDS; round++) {
        const mails = Array.from(
          { length: MAILS },
          (_, i) => faults.mail(boxes[i % boxes.length]!),
        );
        const delivered = queue.deliver(mails);
        await pause(Math.random() * 300);
        await fault({ cluster, faults, sql });
        const over = performance.now();
        await delivered;
        const tookMs = performance.now() - over;
        assert.ok(tookMs < RECOVERY_MS, `mail waited ${tookMs} ms more`);
        await summary.round(faults, {
          places: [`${cluster.directory}/data`, `${cluster.directory}/log`],
        });
      }
      await sql.end({ timeout: 1 });
      summary.end(
        `deferred ${queue.deferrals} times, restarted ${intake.failures} times`,
      );
    });
  }
});
