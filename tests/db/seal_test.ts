import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { cutProxy } from "../helpers/cut_proxy.ts";
import { openedIn } from "../helpers/opened.ts";
import {
  type SealOptions,
  type SealTally,
  sealVaultbox,
} from "../../src/vaultbox/seal.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { findings } from "../helpers/findings.ts";
import { octets } from "../helpers/mail.ts";
import { run } from "../helpers/openssl.ts";

const OPTIONS: SealOptions = { dryRun: false, drafts: false };
const WATCHER = { looked: () => {}, leftOut: () => {} };
const CLEAR = "From: cat@pets.example\nSubject: s\n\nsecret-words\n";

function maildir(world: TestWorld, id: string): string {
  return `${world.directory}/mail/${id}/Maildir`;
}

/** Stores a message as Dovecot does for a client; gives its path. */
async function store(
  world: TestWorld,
  id: string,
  path: string,
  text = CLEAR,
): Promise<string> {
  const full = `${maildir(world, id)}/${path}`;
  await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
  await Deno.writeFile(full, octets(text));
  await Deno.utime(full, 1_000_000_000, 1_000_000_000);
  return full;
}

async function seal(
  world: TestWorld,
  id: string,
  options = OPTIONS,
): Promise<SealTally> {
  const box = { id, alias: "cat" };
  const tally = await sealVaultbox(world.intake, box, options, WATCHER);
  assert.ok(tally !== undefined, "another process is at it");
  return tally;
}

/** Paths below the Maildir, with the date of each. */
async function listing(
  world: TestWorld,
  id: string,
  told = (line: string) => line.replace(/\d+\.M\d+R[^: ]*/, "SEALED"),
): Promise<string[]> {
  const out = await run("find", [".", "-type", "f", "-printf", "%P %Ts\n"], {
    cwd: maildir(world, id),
  });
  return new TextDecoder().decode(out).trimEnd().split("\n").map(told).sort();
}

Deno.test("sealVaultbox() encrypts what is in clear in all folders, keeps flags and dates, and leaves drafts alone", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await store(world, id, ".Sent/cur/1.M1P1.mail,S=49,W=53:2,Sab");
  await store(world, id, "cur/1.M2P2.mail:2,FRS");
  await store(world, id, "new/1.M3P3.mail");
  await store(world, id, ".Drafts/cur/1.M4P4.mail:2,S");
  await store(world, id, ".Trash/cur/1.M5P5.mail:2,DS");
  const dry = await seal(world, id, { ...OPTIONS, dryRun: true });
  assert.deepEqual([dry.sealed, dry.drafts], [3, 2]);
  const tally = await seal(world, id);
  assert.deepEqual([tally.sealed, tally.drafts, tally.leftOut], [3, 2, 0]);
  assert.deepEqual(await listing(world, id), [
    ".Drafts/cur/1.M4P4.mail:2,S 1000000000",
    ".Sent/cur/SEALED:2,Sab 1000000000",
    ".Trash/cur/1.M5P5.mail:2,DS 1000000000",
    "cur/SEALED:2,FRS 1000000000",
    "new/SEALED 1000000000",
  ]);
  await Deno.remove(`${maildir(world, id)}/.Drafts`, { recursive: true });
  assert.equal((await seal(world, id, { ...OPTIONS, drafts: true })).sealed, 1);
  const opened = [...(await openedIn(world, id)).values()];
  assert.deepEqual(new Set(opened), new Set(["secret-words\r\n"]));
  assert.equal(opened.length, 4);
  assert.deepEqual(await findings(world, id), []);
  const again = await seal(world, id);
  assert.deepEqual([again.looked, again.sealed], [0, 0]);
});

Deno.test("sealVaultbox() keeps the order in which a client has stored messages in one second", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const micros = [5, 95_000, 102_000, 1_000];
  for (const each of micros) {
    const path = await store(
      world,
      id,
      `.Sent/cur/1.M${each}P1.mail:2,S`,
      `Subject: ${each}\n\nsecret-words\n`,
    );
    await Deno.utime(path, each, each);
  }
  await seal(world, id);
  const names = (await listing(world, id, (line) => line)).sort();
  assert.deepEqual(
    names.map((name) => Number(name.split(" ")[1])),
    [5, 1_000, 95_000, 102_000],
  );
});

Deno.test("sealVaultbox() leaves alone what the intake has stored and what others have encrypted, to the last octet", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, {
    route: id,
    recipient: "cat@pets.example",
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets(CLEAR)),
  });
  const [file] = await Array.fromAsync(
    Deno.readDir(`${maildir(world, id)}/new`),
  );
  const stored = await Deno.readTextFile(
    `${maildir(world, id)}/new/${file!.name}`,
  );
  const copy = await store(world, id, ".Sent/cur/1.M1P1.mail:2,S", stored);
  const tally = await seal(world, id);
  assert.deepEqual([tally.sealed, tally.encrypted], [0, 1]);
  assert.equal(await Deno.readTextFile(copy), stored);
});

Deno.test("sealVaultbox() seals a full and a suspended vaultbox, and counts anew what is used", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  await world.app.sql`
    update vaultboxes set status = 'suspended', max_messages = 1,
      used_messages = 1
  `;
  assert.equal((await seal(world, id)).sealed, 1);
  const [box] = await world.app.sql`
    select used_messages, used_bytes, message_count from vaultboxes
  `;
  assert.equal(box!["usedMessages"], 1);
  assert.ok(box!["usedBytes"] > 500);
  assert.equal(box!["messageCount"], 1);
});

Deno.test("what Dovecot has cached of texts goes when they are sealed", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  await store(world, id, ".Sent/dovecot.index.cache", "secret-words");
  await seal(world, id);
  assert.deepEqual(await listing(world, id), [
    ".Sent/cur/SEALED:2,S 1000000000",
  ]);
});

Deno.test("links, fifos and files of others are left out and said", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  const cur = `${maildir(world, id)}/.Sent/cur`;
  await Deno.writeTextFile(`${world.directory}/outside`, CLEAR);
  await Deno.symlink(`${world.directory}/outside`, `${cur}/2.M2P2.mail:2,S`);
  await run("mkfifo", ["3.M3P3.mail:2,S"], { cwd: cur });
  const tally = await seal(world, id);
  assert.deepEqual([tally.sealed, tally.leftOut], [1, 2]);
  assert.equal(await Deno.readTextFile(`${world.directory}/outside`), CLEAR);
});

Deno.test("the sweep puts a message whose sealing was interrupted behind its row into its folder, and the next run removes the one in clear", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const clear = await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  await seal(world, id);
  // As a crash between row and rename leaves it.
  const [sealed] = await Array.fromAsync(
    Deno.readDir(`${maildir(world, id)}/.Sent/cur`),
  );
  const tmp = `${world.directory}/mail/${id}/tmp`;
  await Deno.mkdir(tmp, { recursive: true });
  await Deno.rename(
    `${maildir(world, id)}/.Sent/cur/${sealed!.name}`,
    `${tmp}/${sealed!.name.split(":")[0]}`,
  );
  await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  const { finishDeliveries } = await import(
    "../../src/vaultbox/leftovers.ts"
  );
  const { Sightings } = await import("../../src/vaultbox/sightings.ts");
  await finishDeliveries(world.intake, new Sightings());
  assert.deepEqual(await listing(world, id), [
    ".Sent/cur/1.M1P1.mail:2,S 1000000000",
    ".Sent/cur/SEALED:2,S 1000000000",
  ]);
  assert.equal((await seal(world, id)).sealed, 1);
  assert.deepEqual(await listing(world, id), [
    ".Sent/cur/SEALED:2,S 1000000000",
  ]);
  await assert.rejects(Deno.lstat(clear), Deno.errors.NotFound);
  // Its owner has removed the sealed one of the two: the other is sealed again.
  const [one] = await Array.fromAsync(
    Deno.readDir(`${maildir(world, id)}/.Sent/cur`),
  );
  await Deno.remove(`${maildir(world, id)}/.Sent/cur/${one!.name}`);
  await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  assert.equal((await seal(world, id)).sealed, 1);
  assert.equal((await openedIn(world, id)).size, 1);
});

Deno.test("sealVaultbox() does not take what another process has sealed, as the lock was lost, for expunged", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const clear = await store(world, id, ".Sent/cur/1.M1P1.mail:2,S");
  await using proxy = await cutProxy(world.database, "vaultmail");
  const sql = connect(proxy.url, { max: 2 });
  try {
    let isSealed = false;
    const app = {
      ...world.intake,
      sql,
      now: () => {
        // It has been read by now; here the other process removes it.
        if (!isSealed) Deno.removeSync(clear);
        isSealed = true;
        return new Date();
      },
    };
    const options: SealOptions = {
      ...OPTIONS,
      isOver() {
        proxy.cut();
        return false;
      },
    };
    await assert.rejects(
      sealVaultbox(app, { id, alias: "cat" }, options, WATCHER),
      { code: "unavailable" },
    );
    assert.ok(isSealed);
  } finally {
    await sql.end({ timeout: 1 });
  }
  assert.deepEqual(await listing(world, id), [
    ".Sent/cur/SEALED:2,S 1000000000",
  ]);
});
