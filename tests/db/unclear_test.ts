import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { deliver, type Delivered } from "../../src/vaultbox/deliver.ts";
import { finishDeliveries } from "../../src/vaultbox/leftovers.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { Sightings } from "../../src/vaultbox/sightings.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { octets } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

function send(
  world: TestWorld,
  id: string,
  queueId: string,
): Promise<Delivered> {
  return deliver(world.intake, {
    route: id,
    recipient: "cat@pets.example",
    sender: "",
    queueId,
    message: received(octets("From: bob@sender.example\n\nx\n")),
  });
}

async function files(world: TestWorld, id: string, folder: string) {
  const path = `${world.directory}/mail/${id}/${folder}`;
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

/** Repeats what postgres.js answers with a former connection's error. */
async function retry(
  world: TestWorld,
  id: string,
  queueId: string,
): Promise<Delivered> {
  for (let attempt = 0;; attempt++) {
    try {
      return await send(world, id, queueId);
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

/** Makes the commit of each row wait for a lock. */
const SLOW_COMMIT = `
  create or replace function slow() returns trigger language plpgsql
  security definer as $$
  begin
    perform pg_advisory_xact_lock_shared(4711);
    return null;
  end
  $$;
  create constraint trigger slow after insert on messages
    deferrable initially deferred for each row execute function slow();
`;

/** Ends the connection that inserts a delivery's row during its commit. */
async function breakCommit(
  world: TestWorld,
  id: string,
  queueId: string,
): Promise<void> {
  const admin = connect(world.database.url("postgres"), { max: 2 });
  try {
    await admin.unsafe(SLOW_COMMIT);
    await admin.begin(async (tx) => {
      // What the trigger of the test waits for.
      await tx`select pg_advisory_xact_lock(4711)`;
      const running = Promise.allSettled([send(world, id, queueId)]);
      let pids: number[] = [];
      await until("the delivery waits", async () => {
        const found = await admin<{ pid: number }[]>`
          select distinct pid from pg_locks
          where not granted and locktype = 'advisory'
        `;
        pids = found.map(({ pid }) => pid);
        return pids.length === 1;
      });
      await admin`select pg_terminate_backend(${pids[0]!})`;
      const [result] = await running;
      assert.equal(result.status, "rejected");
    });
    await admin`drop trigger slow on messages`;
  } finally {
    await admin.end();
  }
}

Deno.test("a connection that is lost in the middle of the commit leaves the staged file, and the retry stores one", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await breakCommit(world, id, "q1");
  assert.equal((await files(world, id, "tmp")).length, 1);
  assert.equal((await files(world, id, "Maildir/new")).length, 0);
  const { repeated } = await retry(world, id, "q1");
  assert.equal(repeated, false);
  assert.equal((await files(world, id, "Maildir/new")).length, 1);
  const [row] = await world.app.sql`
    select message_count, (select count(*) from messages) as rows
    from vaultboxes
  `;
  assert.deepEqual({ ...row }, { messageCount: 1, rows: 1 });
});

for (const healer of ["the sweep", "the retry"]) {
  Deno.test(`a commit whose answer is lost is found by ${healer}: the message is there once`, async () => {
    await using world = await testWorld();
    const id = await makeBox(world);
    const { rows } = world.intake;
    const insert = rows.insert.bind(rows);
    rows.insert = async (row) => {
      await insert(row);
      throw new Error("CONNECTION_CLOSED");
    };
    await assert.rejects(send(world, id, "q1"));
    rows.insert = insert;
    assert.equal((await files(world, id, "tmp")).length, 1);
    const staged = await files(world, id, "tmp");
    if (healer === "the sweep") {
      await finishDeliveries(world.intake, new Sightings());
    }
    assert.equal((await send(world, id, "q1")).repeated, true);
    assert.deepEqual(await files(world, id, "tmp"), []);
    assert.deepEqual(await files(world, id, "Maildir/new"), staged);
  });
}
