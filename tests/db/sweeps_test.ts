import assert from "node:assert/strict";
import { startSweeps } from "../../src/cli/sweeps.ts";
import { insertRemoval } from "../../src/db/removals.ts";
import { connect } from "../../src/db/connect.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { makeBox, SERVICE, type TestWorld, testWorld } from "../helpers/app.ts";
import { octets } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

async function box(world: TestWorld, alias: string): Promise<string> {
  const id = await makeBox(world, alias);
  await deliver(world.intake, {
    route: id,
    recipient: `${alias}@pets.example`,
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets("From: bob@sender.example\n\nx\n")),
  });
  return id;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function untilGone(world: TestWorld, id: string): Promise<void> {
  const home = `${world.directory}/mail/${id}`;
  await until("the mail is removed", async () => !(await isThere(home)));
}

Deno.test("an intake that starts finishes deliveries and removes the mail of vaultboxes deleted before", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const fox = await box(world, "fox");
  const home = `${world.directory}/mail/${cat}`;
  const [shown] = await Array.fromAsync(Deno.readDir(`${home}/Maildir/new`));
  const after = `${home}/Maildir/new/${shown!.name}`;
  await Deno.rename(after, `${home}/tmp/${shown!.name}`);
  await removeVaultbox(world.app, SERVICE, fox);
  assert.equal(await isThere(`${world.directory}/mail/${fox}`), true);
  const stop = startSweeps(world.intake);
  try {
    await until("the message is shown", () => isThere(after));
    await untilGone(world, fox);
  } finally {
    await stop();
  }
});

Deno.test("mail of a vaultbox that is deleted while the listening connection is lost is removed", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const fox = await box(world, "fox");
  const stop = startSweeps(world.intake);
  const admin = connect(world.database.url("postgres"), { max: 1 });
  try {
    await removeVaultbox(world.app, SERVICE, fox);
    await untilGone(world, fox);
    await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query ilike 'listen%'
    `;
    await removeVaultbox(world.app, SERVICE, cat);
    await untilGone(world, cat);
  } finally {
    await admin.end();
    await stop();
  }
});

Deno.test("a look at all vaultboxes that takes long holds up no removal, and goes on when it can", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const home = `${world.directory}/mail/${cat}`;
  const [shown] = await Array.fromAsync(Deno.readDir(`${home}/Maildir/new`));
  const after = `${home}/Maildir/new/${shown!.name}`;
  await Deno.rename(after, `${home}/tmp/${shown!.name}`);
  const gone = crypto.randomUUID();
  await Deno.mkdir(`${world.directory}/mail/${gone}`);
  let stop: (() => Promise<void>) | undefined;
  await world.database.sql.begin(async (tx) => {
    // What the look asks waits for this.
    await tx`lock table messages in access exclusive mode`;
    stop = startSweeps(world.intake);
    await until("the look waits", async () => {
      const [row] = await world.app.sql`
        select count(*) from pg_locks where not granted
      `;
      return row!["count"] > 0;
    });
    await insertRemoval(world.app.sql, gone);
    await untilGone(world, gone);
    assert.equal(await isThere(after), false);
  });
  await until("the message is shown", () => isThere(after));
  await stop!();
});
