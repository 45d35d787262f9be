import assert from "node:assert/strict";
import type { Actor } from "../../src/app.ts";
import { findCustomer } from "../../src/db/customers.ts";
import { MIGRATIONS } from "../../src/db/migrations.ts";
import { insertMessages } from "../../src/db/message_rows.ts";
import { getVaultbox, type VaultboxChanges } from "../../src/db/vaultboxes.ts";
import { AppError, type ErrorCode } from "../../src/errors.ts";
import { createAlias, setCatchAll } from "../../src/vaultbox/addresses.ts";
import {
  createOperatorVaultbox,
  createVaultbox,
} from "../../src/vaultbox/create.ts";
import { createSmtpCredential } from "../../src/vaultbox/credentials.ts";
import { deliver, type Delivered } from "../../src/vaultbox/deliver.ts";
import {
  changeCustomer,
  changeVaultbox,
  watchFull,
} from "../../src/vaultbox/limits.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { recount, recountFull } from "../../src/vaultbox/recount.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { received } from "../../src/vaultbox/receive.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
  user,
} from "../helpers/app.ts";
import { testDatabase } from "../helpers/database.ts";
import { octets } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

const DOMAIN = "pets.example";

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === expected;
}

async function box(
  world: TestWorld,
  alias: string,
  userId = ALICE,
  domain = DOMAIN,
): Promise<string> {
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId,
    domain,
    alias,
    name: alias,
    mayClaimDomain: true,
  });
  return id;
}

function send(world: TestWorld, id: string, to = "cat"): Promise<Delivered> {
  return deliver(world.intake, {
    route: id,
    recipient: `${to}@${DOMAIN}`,
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets("From: bob@sender.example\n\nx\n")),
  });
}

async function files(world: TestWorld, id: string): Promise<string[]> {
  const path = `${world.directory}/mail/${id}/Maildir/new`;
  return (await Array.fromAsync(Deno.readDir(path)))
    .map(({ name }) => `${path}/${name}`);
}

async function versionOf(world: TestWorld, id: string): Promise<number> {
  const [row] = await world.app.sql`
    select version from vaultboxes where id = ${id}
  `;
  return row!["version"];
}

/** Lets the next recount happen at once. */
async function forgetRecounts(world: TestWorld): Promise<void> {
  await world.app.sql`update vaultboxes set counted_at = null`;
}

Deno.test("changeVaultbox() to suspended ends sessions, takes the sender away and refuses mail; active restores all", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  const alice = user(ALICE);
  const { username } = await createSmtpCredential(world.app, alice, id, {});
  const kitty = { domain: DOMAIN, alias: "kitty" };
  await createAlias(world.app, alice, id, kitty);
  await setCatchAll(world.app, alice, DOMAIN, id);
  const before = [...world.mta.transport];
  await changeVaultbox(world.app, SERVICE, id, { status: "suspended" });
  assert.deepEqual(world.ended, [username]);
  assert.deepEqual([...world.mta.senders], []);
  assert.deepEqual(Object.fromEntries(world.mta.refusals), {
    "cat@pets.example": "450 4.2.1 Mailbox is suspended",
    "kitty@pets.example": "450 4.2.1 Mailbox is suspended",
  });
  assert.deepEqual([...world.mta.transport], before);
  const credentials = await world.app.sql`select from dovecot_credentials`;
  assert.equal(credentials.length, 0);
  for (const to of ["cat", "kitty", "whoever"]) {
    await assert.rejects(send(world, id, to), code("vaultbox_suspended"));
  }
  await changeVaultbox(world.app, SERVICE, id, { status: "active" });
  assert.deepEqual([...world.mta.senders], [["cat@pets.example", username]]);
  assert.equal(world.mta.refusals.size, 0);
  await send(world, id);
});

for (
  const [status, refusal] of [
    ["suspended", "550 5.7.1 Mailbox is suspended"],
    ["full", "552 5.2.2 Mailbox is full"],
  ]
) {
  Deno.test(`by setting, mail for a ${status} vaultbox is refused for good at RCPT, and deferred at delivery`, async () => {
    await using world = await testWorld({
      ENCIMAP_SUSPENDED_MAIL: "reject",
      ENCIMAP_OVER_QUOTA_MAIL: "reject",
    });
    const id = await box(world, "cat");
    await send(world, id);
    await changeVaultbox(world.app, SERVICE, id, {
      ...status === "full" ? { maxMessages: 1 } : { status: "suspended" },
    });
    assert.equal(world.mta.refusals.get("cat@pets.example"), refusal);
    await assert.rejects(
      send(world, id),
      code(`vaultbox_${status}` as "vaultbox_full"),
    );
  });
}

Deno.test("changeVaultbox() does what it can, throws, and may be asked again if Postfix or Dovecot cannot be told", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await createSmtpCredential(world.app, user(ALICE), id, {});
  const suspended = { status: "suspended" } as const;
  world.mta.refusal = new AppError("unavailable", "No");
  await assert.rejects(
    changeVaultbox(world.app, SERVICE, id, suspended),
    world.mta.refusal,
  );
  assert.equal(world.ended.length, 1);
  world.mta.refusal = undefined;
  await changeVaultbox(world.app, SERVICE, id, suspended);
  assert.equal(world.mta.refusals.size, 1);
});

Deno.test("the operator's vaultbox is neither suspended nor limited, but renamed", async () => {
  await using world = await testWorld();
  const { id } = await createOperatorVaultbox(world.app, SERVICE, {
    userId: BOB,
    domain: "mail.example.test",
    alias: "postmaster",
    name: "Operator",
    mayClaimDomain: true,
  });
  for (const change of [{ status: "suspended" }, { maxMessages: 1 }] as const) {
    await assert.rejects(
      changeVaultbox(world.app, SERVICE, id, change),
      code("conflict"),
    );
  }
  const { name } = await changeVaultbox(world.app, SERVICE, id, {
    name: "Ops",
  });
  assert.equal(name, "Ops");
});

for (
  const [actor, change, expected] of [
    [user(ALICE), { maxBytes: null }, "forbidden"],
    [user(ALICE), { maxMessages: 5, name: "x" }, "forbidden"],
    [user(ALICE), { status: "active" }, "forbidden"],
    [{ ...SERVICE, isAdmin: false }, { maxBytes: null }, "forbidden"],
    [user(BOB), { maxMessages: 5 }, "not_found"],
    [user(BOB), { name: "x" }, "not_found"],
    [user(BOB), { status: "active" }, "not_found"],
  ] as [Actor, VaultboxChanges, ErrorCode][]
) {
  Deno.test(`changeVaultbox() throws ${expected} for ${JSON.stringify(change)} by ${actor.name}, and changes nothing`, async () => {
    await using world = await testWorld();
    const id = await box(world, "cat");
    await changeVaultbox(world.app, SERVICE, id, { maxMessages: 3 });
    await assert.rejects(
      changeVaultbox(world.app, actor, id, change),
      code(expected),
    );
    const vaultbox = await getVaultbox(world.app.sql, id, SERVICE);
    assert.equal(vaultbox.maxMessages, 3);
    assert.equal(vaultbox.name, "cat");
  });
}

Deno.test("a delivery over max_messages is deferred until mail is removed, and the counters follow the disk", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await changeVaultbox(world.app, SERVICE, id, { maxMessages: 2 });
  await send(world, id);
  await send(world, id);
  await assert.rejects(send(world, id), code("vaultbox_full"));
  const stored = await files(world, id);
  assert.equal(stored.length, 2);
  await Deno.remove(stored[0]!);
  // One recount in some seconds: the next attempt comes too early.
  await assert.rejects(send(world, id), code("vaultbox_full"));
  await forgetRecounts(world);
  await send(world, id);
  const vaultbox = await getVaultbox(world.app.sql, id, SERVICE);
  assert.equal(vaultbox.usedMessages, 2);
  assert.equal(vaultbox.messageCount, 3);
  const sizes = await Promise.all(
    (await files(world, id)).map(async (path) => (await Deno.stat(path)).size),
  );
  assert.equal(vaultbox.usedBytes, sizes[0]! + sizes[1]!);
});

Deno.test("a delivery over max_bytes is deferred, and stores nothing", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await changeVaultbox(world.app, SERVICE, id, { maxBytes: 65_536 });
  const large = {
    route: id,
    recipient: "cat@pets.example",
    sender: "",
    queueId: "q1",
    message: received(new Uint8Array(70_000).fill(120)),
  };
  await assert.rejects(deliver(world.intake, large), code("vaultbox_full"));
  const rows = await world.app.sql`select from messages`;
  assert.equal(rows.length, 0);
  const { isFull, messageCount } = (await world.app.sql`
    select is_full, message_count from vaultboxes
  `)[0] as unknown as { isFull: boolean; messageCount: number };
  // What is small still fits.
  assert.equal(isFull, false);
  assert.equal(messageCount, 0);
  await send(world, id);
});

Deno.test("of many deliveries at once only as many are stored as fit", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await changeVaultbox(world.app, SERVICE, id, { maxMessages: 3 });
  const results = await Promise.allSettled(
    Array.from({ length: 8 }, () => send(world, id)),
  );
  const stored = results.filter(({ status }) => status === "fulfilled");
  assert.equal(stored.length, 3);
  assert.equal((await files(world, id)).length, 3);
  const staged = await Array.fromAsync(
    Deno.readDir(`${world.directory}/mail/${id}/tmp`),
  );
  assert.deepEqual(staged, []);
});

Deno.test("a repeated delivery into a vaultbox that is full by now is a success", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await changeVaultbox(world.app, SERVICE, id, { maxMessages: 1 });
  const mail = {
    route: id,
    recipient: "cat@pets.example",
    sender: "",
    queueId: "q1",
    message: received(octets("From: a@b\n\nx\n")),
  };
  await deliver(world.intake, mail);
  assert.equal((await deliver(world.intake, mail)).repeated, true);
});

Deno.test("a recount counts all folders, what clients stored, and staged files once", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await send(world, id);
  const home = `${world.directory}/mail/${id}`;
  const [path] = await files(world, id);
  const name = path!.split("/").at(-1)!;
  await Deno.mkdir(`${home}/Maildir/.Sent/cur`, { recursive: true });
  await Deno.writeTextFile(`${home}/Maildir/.Sent/cur/1.x,S=1000:2,S`, "");
  await Deno.writeTextFile(`${home}/Maildir/.Sent/cur/2.x:2,S`, "12345");
  await Deno.copyFile(path!, `${home}/tmp/${name}`);
  await Deno.writeTextFile(`${home}/Maildir/subscriptions`, "Sent");
  const { size } = await Deno.stat(path!);
  assert.equal(await recount(world.intake, id), true);
  const vaultbox = await getVaultbox(world.app.sql, id, SERVICE);
  assert.equal(vaultbox.usedMessages, 3);
  assert.equal(vaultbox.usedBytes, size + 1000 + 5);
  assert.equal(await recount(world.intake, id), false);
});

Deno.test("a vaultbox that becomes full is told to Postfix, and so is its room after a recount", async () => {
  await using world = await testWorld();
  const stop = await watchFull(world.app);
  try {
    const id = await box(world, "cat");
    await changeVaultbox(world.app, SERVICE, id, { maxMessages: 1 });
    await send(world, id);
    const refusals = world.mta.refusals;
    await until("the refusal is there", () =>
      Promise.resolve(
        refusals.get("cat@pets.example") === "452 4.2.2 Mailbox is full",
      ));
    assert.deepEqual(
      (await reconcile(world.app, { dryRun: true })).routes,
      { set: [], drop: [] },
    );
    await Deno.remove((await files(world, id))[0]!);
    await recountFull(world.intake);
    await until(
      "the refusal is gone",
      () => Promise.resolve(refusals.size === 0),
    );
  } finally {
    await stop();
  }
});

Deno.test("of many creations at once a customer gets as many vaultboxes as it may have; a deletion makes room", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  await changeCustomer(world.app, SERVICE, ALICE, { maxVaultboxes: 3 });
  const results = await Promise.allSettled(
    ["a", "b", "c", "d"].map((alias) => box(world, alias)),
  );
  const refused = results.filter((each) => each.status === "rejected");
  assert.equal(refused.length, 2);
  for (const { reason } of refused) assert.equal(reason.code, "quota_exceeded");
  const keys = await Array.fromAsync(Deno.readDir(`${world.directory}/keys`));
  assert.equal(keys.length, 3);
  await removeVaultbox(world.app, user(ALICE), cat);
  await box(world, "e");
  await assert.rejects(box(world, "f"), code("quota_exceeded"));
  await box(world, "dog", BOB, "bobs.example");
  const customer = await findCustomer(world.app.sql, ALICE);
  assert.equal(customer.vaultboxCount, 3);
});

Deno.test("a creation that is taken back is not counted", async () => {
  await using world = await testWorld();
  world.mta.refusal = new AppError("unavailable", "No");
  await assert.rejects(box(world, "cat"));
  assert.equal((await findCustomer(world.app.sql, ALICE)).vaultboxCount, 0);
});

Deno.test("a customer's limit counts all of its vaultboxes, and refuses mail for each", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const fox = await box(world, "fox");
  await send(world, cat);
  await send(world, fox, "fox");
  const customer = await changeCustomer(world.app, SERVICE, ALICE, {
    maxMessages: 3,
  });
  assert.equal(customer.usedMessages, 2);
  await send(world, cat);
  await assert.rejects(send(world, fox, "fox"), code("vaultbox_full"));
  await reconcile(world.app, { dryRun: false });
  assert.deepEqual([...world.mta.refusals.keys()].sort(), [
    "cat@pets.example",
    "fox@pets.example",
  ]);
  // A new vaultbox of a full customer is refused from the start.
  await box(world, "owl");
  assert.equal(
    world.mta.refusals.get("owl@pets.example"),
    "452 4.2.2 Mailbox is full",
  );
  for (const path of await files(world, cat)) await Deno.remove(path);
  await forgetRecounts(world);
  await recountFull(world.intake);
  assert.equal((await findCustomer(world.app.sql, ALICE)).usedMessages, 1);
  await send(world, fox, "fox");
  await removeVaultbox(world.app, user(ALICE), fox);
  assert.equal((await findCustomer(world.app.sql, ALICE)).usedMessages, 0);
  const { maxMessages, usedMessages } = await changeCustomer(
    world.app,
    SERVICE,
    ALICE,
    { maxMessages: null },
  );
  assert.deepEqual({ maxMessages, usedMessages }, {
    maxMessages: null,
    usedMessages: null,
  });
  assert.equal(world.mta.refusals.size, 0);
});

Deno.test("a limit that is set while a message is being stored counts it", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  const row = {
    id: crypto.randomUUID(),
    vaultboxId: id,
    version: await versionOf(world, id),
    messageId: null,
    fromDomain: null,
    toAlias: "cat",
    sizeBytes: 100,
    storage: { file: "x", hmac: "y", encryptedBy: "appliance" },
  } as const;
  let setting: Promise<unknown> | undefined;
  await world.intake.sql.begin(async (tx) => {
    assert.equal((await insertMessages(tx, [row], { waits: false })).size, 1);
    setting = changeCustomer(world.app, SERVICE, ALICE, { maxMessages: 9 });
    await until("the limit waits", async () => {
      const [waiting] = await world.app.sql`
        select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
      `;
      return waiting!["count"] === 1;
    });
  });
  await setting;
  assert.equal((await findCustomer(world.app.sql, ALICE)).usedMessages, 1);
});

Deno.test("a vaultbox that is deleted during deliveries leaves no count behind", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await changeCustomer(world.app, SERVICE, ALICE, { maxMessages: 1000 });
  const sent = Promise.allSettled(
    Array.from({ length: 6 }, () => send(world, id)),
  );
  await until("some mail is stored", async () => {
    const [row] = await world.app.sql`select count(*) from messages`;
    return row!["count"] > 0;
  });
  await removeVaultbox(world.app, user(ALICE), id);
  for (const each of await sent) {
    if (each.status === "rejected") {
      assert.equal(each.reason.code, "unknown_vaultbox");
    }
  }
  const { usedMessages, vaultboxCount } = await findCustomer(
    world.app.sql,
    ALICE,
  );
  assert.deepEqual([usedMessages, vaultboxCount], [0, 0]);
});

Deno.test("the migration fills the counters of what is there", async () => {
  await using database = await testDatabase({ migrated: false });
  const { sql } = database;
  const index = MIGRATIONS.findIndex(({ name }) => name.endsWith("limits"));
  for (const { text } of MIGRATIONS.slice(0, index)) await sql.unsafe(text);
  await sql`insert into domains values (${DOMAIN}, ${ALICE})`;
  await sql`
    insert into vaultboxes (
      user_id, domain, alias, name, message_count, total_bytes
    )
    values (${ALICE}, ${DOMAIN}, 'cat', 'Cat', 2, 300),
      (${ALICE}, ${DOMAIN}, 'fox', 'Fox', 0, 0)
  `;
  await sql.unsafe(MIGRATIONS[index]!.text);
  assert.equal((await findCustomer(sql, ALICE)).vaultboxCount, 2);
  const rows = await sql`
    select used_messages, used_bytes from vaultboxes order by alias
  `;
  assert.deepEqual(rows.map((row) => Object.values(row)), [[2, 300], [0, 0]]);
});
