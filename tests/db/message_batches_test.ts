import assert from "node:assert/strict";
import { connect, isRefusal } from "../../src/db/connect.ts";
import { findCustomer } from "../../src/db/customers.ts";
import { MessageBatches } from "../../src/db/message_batches.ts";
import type { MessageRow } from "../../src/db/message_rows.ts";
import type { IntakeApp } from "../../src/app.ts";
import { AppError, toAppError } from "../../src/errors.ts";
import { openIntakeApp } from "../../src/open.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { changeCustomer, changeVaultbox } from "../../src/vaultbox/limits.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";
import { until } from "../helpers/until.ts";

interface Box {
  id: string;
  version: number;
}

async function box(
  world: TestWorld,
  alias: string,
  userId = ALICE,
): Promise<Box> {
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId,
    domain: userId === ALICE ? "pets.example" : "bobs.example",
    alias,
    name: alias,
    mayClaimDomain: true,
  });
  return await known(world, id);
}

async function known(world: TestWorld, id: string): Promise<Box> {
  const [row] = await world.app.sql<[Box]>`
    select id, version from vaultboxes where id = ${id}
  `;
  return { ...row };
}

function row(box: Box, id: string = crypto.randomUUID()): MessageRow {
  return {
    id,
    vaultboxId: box.id,
    version: box.version,
    messageId: '<"\\1"@sender.example>',
    fromDomain: null,
    toAlias: "cat",
    sizeBytes: 100,
    storage: { file: crypto.randomUUID(), hmac: "0", encryptedBy: "appliance" },
  };
}

/** The counters, and what they must be. */
async function checkCounters(world: TestWorld): Promise<void> {
  const rows = await world.app.sql`
    select v.message_count, v.total_bytes, v.used_messages, v.used_bytes,
      count(m.id) as messages, coalesce(sum(m.size_bytes), 0)::bigint as bytes
    from vaultboxes v left join messages m on m.vaultbox_id = v.id group by v.id
  `;
  for (const each of rows) {
    const { messages, bytes } = each;
    assert.deepEqual({ ...each }, {
      messages,
      bytes,
      messageCount: messages,
      usedMessages: messages,
      totalBytes: bytes,
      usedBytes: bytes,
    });
  }
}

/** Gives `full` for a refusal for lack of room. */
function outcome(result: PromiseSettledResult<{ kind: string }>): string {
  if (result.status === "fulfilled") return result.value.kind;
  const { reason } = result;
  if (reason instanceof AppError && reason.code === "vaultbox_full") {
    return "full";
  }
  throw reason;
}

/** Waits until so many queries wait for a lock; gives their processes. */
async function untilWaiting(
  world: TestWorld,
  count: number,
): Promise<number[]> {
  let pids: number[] = [];
  await until(`${count} wait`, async () => {
    const found = await world.app.sql<{ pid: number }[]>`
      select distinct pid from pg_locks join pg_stat_activity using (pid)
      where not granted and datname = current_database()
    `;
    pids = found.map(({ pid }) => pid);
    return pids.length === count;
  });
  return pids;
}

Deno.test("rows that come at the same time are one transaction, behind the first one", async () => {
  await using world = await testWorld();
  const boxes = [await box(world, "cat"), await box(world, "dog", BOB)];
  const results = await Promise.all(
    Array.from(
      { length: 65 },
      (_, i) => world.intake.rows.insert(row(boxes[i % 2]!)),
    ),
  );
  assert.ok(results.every(({ kind }) => kind === "inserted"));
  const [found] = await world.app.sql`
    select count(*), count(distinct xmin::text) as transactions from messages
  `;
  assert.deepEqual({ ...found }, { count: 65, transactions: 2 });
  await checkCounters(world);
});

Deno.test("of a batch each row has its own end: stored, repeated, stale, gone, full", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const fox = await box(world, "fox");
  const owl = await box(world, "owl", BOB);
  const dog = await box(world, "dog", BOB);
  await changeVaultbox(world.app, SERVICE, fox.id, { maxMessages: 2 });
  await removeVaultbox(world.app, SERVICE, dog.id);
  const earlier = row(cat);
  await world.intake.rows.insert(earlier);
  const twice = row(owl);
  const batch = [
    row(cat),
    row(owl),
    row(cat, earlier.id),
    row({ ...cat, version: cat.version - 1 }),
    row(dog),
    twice,
    row(owl, twice.id),
    // Too many for one vaultbox together; as many are stored as fit.
    row(fox),
    row(fox),
    row(fox),
  ];
  // The first one is alone in its batch.
  const first = world.intake.rows.insert(row(cat));
  const settled = await Promise.allSettled(
    batch.map((each) => world.intake.rows.insert(each)),
  );
  await first;
  const results = settled.map(outcome);
  assert.deepEqual(results.slice(0, 7), [
    "inserted",
    "inserted",
    "repeated",
    "stale",
    "stale",
    "inserted",
    "repeated",
  ]);
  assert.deepEqual(results.slice(7).sort(), ["full", "inserted", "inserted"]);
  const winner = settled[2] as PromiseFulfilledResult<unknown>;
  assert.deepEqual(winner.value, {
    kind: "repeated",
    file: earlier.storage.file,
  });
  await checkCounters(world);
});

Deno.test("a row of a former version that an earlier attempt has stored is repeated and not stale", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  await changeVaultbox(world.app, SERVICE, cat.id, { maxMessages: 1 });
  const stored = row(cat);
  await world.intake.rows.insert(stored);
  await changeVaultbox(world.app, SERVICE, cat.id, { status: "suspended" });
  const again = await world.intake.rows.insert(row(cat, stored.id));
  assert.equal(again.kind, "repeated");
});

Deno.test("a row whose vaultbox somebody is changing waits, those of others do not, and then it is stale", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const dog = await box(world, "dog");
  let waiting: Promise<{ kind: string }> | undefined;
  await world.app.sql.begin(async (tx) => {
    await tx`update vaultboxes set status = 'suspended' where id = ${cat.id}`;
    const first = world.intake.rows.insert(row(dog));
    waiting = world.intake.rows.insert(row(cat));
    const other = world.intake.rows.insert(row(dog));
    assert.equal((await first).kind, "inserted");
    assert.equal((await other).kind, "inserted");
    await untilWaiting(world, 1);
  });
  assert.equal((await waiting)?.kind, "stale");
  await checkCounters(world);
});

Deno.test("a row whose customer somebody is changing waits, those of others do not", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const dog = await box(world, "dog", BOB);
  await changeCustomer(world.app, SERVICE, ALICE, { maxMessages: 70 });
  // As setLimits() does, and as the deletion of a vaultbox with much mail.
  for (
    const lock of [
      "select from customers where user_id = $1 for update",
      "update customers set vaultbox_count = vaultbox_count where user_id = $1",
    ]
  ) {
    let waiting: Promise<{ kind: string }> | undefined;
    await world.app.sql.begin(async (tx) => {
      await tx.unsafe(lock, [ALICE]);
      const begun = performance.now();
      const first = world.intake.rows.insert(row(dog));
      waiting = world.intake.rows.insert(row(cat));
      const other = world.intake.rows.insert(row(dog));
      assert.equal((await first).kind, "inserted");
      assert.equal((await other).kind, "inserted");
      // Not only when the database ends the statement, after 15 s.
      assert.ok(performance.now() - begun < 7000);
      await untilWaiting(world, 1);
    });
    assert.equal((await waiting)?.kind, "inserted");
  }
  await checkCounters(world);
  const alice = await findCustomer(world.app.sql, ALICE);
  assert.deepEqual([alice.usedMessages, alice.usedBytes], [2, 200]);
});

/** Rows as the intake inserts them. */
async function intakeOf(
  world: TestWorld,
): Promise<IntakeApp & AsyncDisposable> {
  const hmacKeyFile = await Deno.makeTempFile();
  await Deno.writeTextFile(hmacKeyFile, "00".repeat(32));
  const { config, log } = world.intake;
  const databaseUrl = world.database.url("vaultmail");
  const intake = await openIntakeApp(
    { ...config, hmacKeyFile, databaseUrl },
    log,
  );
  await Deno.remove(hmacKeyFile);
  return intake;
}

Deno.test("many rows of a vaultbox that is locked do not keep one of another waiting behind all of them", async () => {
  await using world = await testWorld();
  await using intake = await intakeOf(world);
  const cat = await box(world, "cat");
  const dog = await box(world, "dog", BOB);
  const earlier = row(dog);
  await intake.rows.insert(earlier);
  const ends: string[] = [];
  const insert = (each: MessageRow, name: string) =>
    intake.rows.insert(each).then(() => ends.push(name));
  let all: Promise<number>[] = [];
  await world.app.sql.begin(async (tx) => {
    await tx`select from vaultboxes where id = ${cat.id} for update`;
    all = Array.from({ length: 40 }, () => insert(row(cat), "cat"));
    await untilWaiting(world, 1);
    // Has a row already, which it finds out alone.
    await insert(row(dog, earlier.id), "dog");
    await insert(row(dog), "other");
  });
  await Promise.all(all);
  assert.deepEqual(ends.slice(0, 2), ["dog", "other"]);
  await checkCounters(world);
});

Deno.test("rows of a vaultbox that stays locked fail together after three seconds, later ones at once, and none when it is free", async () => {
  await using world = await testWorld();
  await using intake = await intakeOf(world);
  const cat = await box(world, "cat");
  const dog = await box(world, "dog", BOB);
  await intake.rows.insert(row(cat));
  const timed = async (rows: readonly MessageRow[]): Promise<number> => {
    const begun = performance.now();
    const ends = await Promise.allSettled(
      rows.map((each) => intake.rows.insert(each)),
    );
    for (const end of ends) {
      assert.ok(end.status === "rejected" && isRefusal(end.reason));
      assert.equal(toAppError(end.reason).code, "unavailable");
    }
    return performance.now() - begun;
  };
  await world.app.sql.begin(async (tx) => {
    await tx`select from vaultboxes where id = ${cat.id} for update`;
    const together = await timed(Array.from({ length: 30 }, () => row(cat)));
    assert.ok(together > 2500 && together < 6000, `${together} ms`);
    assert.ok(await timed([row(cat)]) < 1500);
    assert.equal((await intake.rows.insert(row(dog))).kind, "inserted");
  });
  assert.equal((await intake.rows.insert(row(cat))).kind, "inserted");
  await checkCounters(world);
});

Deno.test("a row whose vaultbox is deleted meanwhile is stale", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  let waiting: Promise<{ kind: string }> | undefined;
  await world.app.sql.begin(async (tx) => {
    await tx`delete from vaultboxes where id = ${cat.id}`;
    waiting = world.intake.rows.insert(row(cat));
    await untilWaiting(world, 1);
  });
  assert.equal((await waiting)?.kind, "stale");
});

Deno.test("two processes at once store as many as fit into vaultboxes and customers, and count exactly", async () => {
  await using world = await testWorld();
  const boxes: Box[] = [];
  for (const alias of ["a", "b", "c", "d", "e", "f"]) {
    const made = await box(world, alias, "ab".includes(alias) ? BOB : ALICE);
    await changeVaultbox(world.app, SERVICE, made.id, { maxMessages: 30 });
    boxes.push(made);
  }
  await changeCustomer(world.app, SERVICE, ALICE, { maxMessages: 70 });
  const other = connect(world.database.url("vaultmail"), { max: 4 });
  try {
    const processes = [
      world.intake.rows,
      new MessageBatches(other, (task) => task()),
    ];
    // Each delivery comes to both, as a retry during the first attempt would.
    const deliveries = Array.from(
      { length: 240 },
      (_, i) => row(boxes[i % 6]!),
    );
    const settled = await Promise.allSettled(
      deliveries.flatMap((each) =>
        processes.map((rows) =>
          rows.insert(row(
            { id: each.vaultboxId, version: each.version },
            each.id,
          ))
        )
      ),
    );
    const results = settled.map(outcome);
    const count = (kind: string): number =>
      results.filter((each) => each === kind).length;
    // BOB: two of 30. ALICE: four of 30, and 70 in all.
    assert.equal(count("inserted"), 130);
    const [found] = await world.app.sql`select count(*) from messages`;
    assert.equal(found!["count"], 130);
    await checkCounters(world);
    const alice = await findCustomer(world.app.sql, ALICE);
    assert.deepEqual([alice.usedMessages, alice.usedBytes], [70, 7000]);
  } finally {
    await other.end();
  }
});

/** Holds a lock that a batch waits for, and interrupts the batch. */
async function interrupted(
  world: TestWorld,
  how: "pg_cancel_backend" | "pg_terminate_backend",
  rows: readonly MessageRow[],
): Promise<PromiseSettledResult<{ kind: string }>[]> {
  let results: Promise<PromiseSettledResult<{ kind: string }>[]> | undefined;
  const admin = connect(world.database.url("postgres"), { max: 1 });
  let alone = 0;
  const batches = new MessageBatches(world.intake.sql, (task) => {
    alone++;
    return task();
  });
  try {
    await world.database.sql.begin(async (tx) => {
      await tx`lock table messages in share mode`;
      results = Promise.allSettled(
        rows.map((each) => batches.insert(each)),
      );
      const [pid] = await untilWaiting(world, 1);
      await admin`select ${admin(how)}(${pid!})`;
      // It would get the lock if it were free before that.
      if (how === "pg_terminate_backend") await untilWaiting(world, 0);
      else await until("rows go alone", () => alone === rows.length);
    });
  } finally {
    await admin.end();
  }
  return await results!;
}

Deno.test("of a batch that the database refuses each row is stored alone", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const settled = await interrupted(world, "pg_cancel_backend", [
    row(cat),
  ]);
  assert.deepEqual(settled.map(outcome), ["inserted"]);
  await checkCounters(world);
});

Deno.test("a connection that is lost during a batch is no refusal, and later batches go on", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const [result] = await interrupted(world, "pg_terminate_backend", [row(cat)]);
  assert.ok(result?.status === "rejected" && !isRefusal(result.reason));
  for (let i = 0; i < 10; i++) {
    // postgres.js gives a former connection's error once more.
    const kinds = await Promise.allSettled([
      world.intake.rows.insert(row(cat)),
    ]);
    if (kinds[0].status === "rejected") assert.ok(isRefusal(kinds[0].reason));
  }
  assert.equal((await world.intake.rows.insert(row(cat))).kind, "inserted");
  await checkCounters(world);
});
