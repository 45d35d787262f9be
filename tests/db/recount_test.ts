import assert from "node:assert/strict";
import { findCustomer } from "../../src/db/customers.ts";
import { toAppError } from "../../src/errors.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { changeCustomer, changeVaultbox } from "../../src/vaultbox/limits.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { recountInTurn } from "../../src/vaultbox/recount.ts";
import {
  ALICE,
  makeBox,
  SERVICE,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";
import { octets } from "../helpers/mail.ts";

async function send(world: TestWorld, id: string): Promise<void> {
  const [row] = await world.app.sql`
    select alias from vaultboxes where id = ${id}
  `;
  await deliver(world.intake, {
    route: id,
    recipient: `${row!["alias"]}@pets.example`,
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets("From: bob@sender.example\n\nx\n")),
  });
}

/** What is on disk. */
async function onDisk(
  world: TestWorld,
  id: string,
): Promise<{ usedMessages: number; usedBytes: number }> {
  const folder = `${world.directory}/mail/${id}/Maildir/new`;
  let usedMessages = 0;
  let usedBytes = 0;
  for await (const { name } of Deno.readDir(folder)) {
    usedMessages++;
    usedBytes += (await Deno.stat(`${folder}/${name}`)).size;
  }
  return { usedMessages, usedBytes };
}

/** What was counted. */
async function counted(
  world: TestWorld,
  id: string,
): Promise<{ usedMessages: number; usedBytes: number }> {
  const [row] = await world.app.sql<
    [{ usedMessages: number; usedBytes: number }]
  >`
    select used_messages, used_bytes from vaultboxes where id = ${id}
  `;
  return { ...row };
}

/** Lets the next recount happen at once. */
async function anHourLater(world: TestWorld): Promise<void> {
  for (const table of ["vaultboxes", "customers"]) {
    await world.app.sql`
      update ${
      world.app.sql(table)
    } set counted_at = now() - interval '61 minutes'
    `;
  }
}

for (
  const drift of [
    "used_bytes = 0",
    "used_messages = 0",
    "used_bytes = used_bytes + 1000, used_messages = used_messages + 3",
  ]
) {
  Deno.test(`recountInTurn() mends ${drift} of a vaultbox, and its customer follows`, async () => {
    await using world = await testWorld();
    const id = await makeBox(world, "cat");
    await changeCustomer(world.app, SERVICE, ALICE, { maxMessages: 100 });
    await send(world, id);
    await send(world, id);
    await world.app.sql`
      update vaultboxes set ${world.app.sql.unsafe(drift)}
    `;
    await world.app.sql`update customers set ${world.app.sql.unsafe(drift)}`;
    await anHourLater(world);
    await recountInTurn(world.intake);
    const right = await onDisk(world, id);
    assert.equal(right.usedMessages, 2);
    assert.deepEqual(await counted(world, id), right);
    const { usedMessages, usedBytes } = await findCustomer(
      world.app.sql,
      ALICE,
    );
    assert.deepEqual({ usedMessages, usedBytes }, right);
  });
}

Deno.test("recountInTurn() learns what a client has expunged, of every vaultbox, and looks at none twice within the hour", async () => {
  await using world = await testWorld();
  const ids: string[] = [];
  for (const alias of ["cat", "dog", "fox"]) {
    const id = await makeBox(world, alias);
    await send(world, id);
    ids.push(id);
  }
  const expunge = async (): Promise<void> => {
    for (const id of ids) {
      await Deno.remove(`${world.directory}/mail/${id}`, { recursive: true });
    }
  };
  await expunge();
  const messages = async (): Promise<number[]> =>
    await Promise.all(
      ids.map(async (id) => (await counted(world, id)).usedMessages),
    );
  await recountInTurn(world.intake);
  assert.deepEqual(await messages(), [0, 0, 0]);
  for (const id of ids) await send(world, id);
  await expunge();
  await recountInTurn(world.intake);
  assert.deepEqual(await messages(), [1, 1, 1]);
  await anHourLater(world);
  await recountInTurn(world.intake);
  assert.deepEqual(await messages(), [0, 0, 0]);
});

Deno.test("counters agree with the disk when deliveries and recounts at once are over", async () => {
  await using world = await testWorld();
  const ids = [await makeBox(world, "cat"), await makeBox(world, "dog")];
  await changeCustomer(world.app, SERVICE, ALICE, { maxMessages: 1000 });
  await world.app.sql`update customers set used_bytes = 0, used_messages = 500`;
  let isOver = false;
  const recounts = (async () => {
    while (!isOver) {
      await anHourLater(world);
      await recountInTurn(world.intake);
    }
  })();
  await Promise.all(
    Array.from({ length: 60 }, (_, n) => send(world, ids[n % 2]!)),
  );
  isOver = true;
  await recounts;
  await anHourLater(world);
  await recountInTurn(world.intake);
  let sum = 0;
  for (const id of ids) {
    const right = await onDisk(world, id);
    assert.equal(right.usedMessages, 30);
    assert.deepEqual(await counted(world, id), right);
    sum += right.usedBytes;
  }
  const customer = await findCustomer(world.app.sql, ALICE);
  assert.deepEqual([customer.usedMessages, customer.usedBytes], [60, sum]);
});

Deno.test("reconcile() mends the number of a customer's vaultboxes, and leaves right ones", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  const { sql } = world.app;
  const count = async (): Promise<number> =>
    (await findCustomer(sql, ALICE)).vaultboxCount;
  for (const wrong of [0, 7]) {
    await sql`update customers set vaultbox_count = ${wrong}`;
    await reconcile(world.app, { dryRun: false });
    assert.equal(await count(), 1);
  }
  const before = world.lines.length;
  await Promise.all([
    ...["dog", "fox", "owl"].map((alias) => makeBox(world, alias)),
    reconcile(world.app, { dryRun: false }),
  ]);
  await reconcile(world.app, { dryRun: false });
  assert.equal(await count(), 4);
  const said = world.lines.slice(before).filter((line) =>
    line.includes("counted wrong")
  );
  assert.deepEqual(said, []);
});

Deno.test("recountInTurn() does not wait for a vaultbox that another intake has", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  await send(world, id);
  await anHourLater(world);
  const { sql } = world.app;
  await sql.begin(async (tx) => {
    // Another intake has just begun.
    await tx`update vaultboxes set counted_at = now()`;
    await recountInTurn(world.intake);
  });
});

Deno.test("recountInTurn() goes on with the next vaultbox if one cannot be counted", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const dog = await makeBox(world, "dog");
  await send(world, dog);
  await Deno.remove(`${world.directory}/mail/${dog}`, { recursive: true });
  // Too deep a link to be read.
  await Deno.mkdir(`${world.directory}/mail/${cat}`, { recursive: true });
  await Deno.symlink("Maildir", `${world.directory}/mail/${cat}/Maildir`);
  await recountInTurn(world.intake);
  assert.equal((await counted(world, dog)).usedMessages, 0);
  assert.ok(world.lines.some((line) => line.includes("could not be counted")));
});

Deno.test("mail for a full vaultbox that somebody is changing is refused and takes no connection from others", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const dog = await makeBox(world, "dog");
  await send(world, cat);
  await changeVaultbox(world.app, SERVICE, cat, { maxMessages: 1 });
  world.intake.memory.clear();
  let refused: PromiseSettledResult<void>[] = [];
  await world.app.sql.begin(async (tx) => {
    // As the deletion of a vaultbox with much mail does.
    await tx`select from vaultboxes where id = ${cat} for update`;
    const begun = performance.now();
    const full = Array.from({ length: 20 }, () => send(world, cat));
    const all = Promise.allSettled(full);
    await send(world, dog);
    refused = await all;
    // Not only when the database ends the statements, after 15 s.
    assert.ok(performance.now() - begun < 7000);
  });
  for (const each of refused) {
    assert.ok(each.status === "rejected");
    assert.equal(toAppError(each.reason).code, "vaultbox_full");
  }
});
