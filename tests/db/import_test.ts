import assert from "node:assert/strict";
import { importMessages } from "../../src/vaultbox/import.ts";
import {
  maildirSource,
  mboxSource,
} from "../../src/vaultbox/import_sources.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { findings } from "../helpers/findings.ts";
import { octets } from "../helpers/mail.ts";
import { openedIn } from "../helpers/opened.ts";
import { run } from "../helpers/openssl.ts";

const WATCHER = { looked: () => {}, leftOut: () => {} };

/** Makes a Maildir with Python's mailbox module. */
const MAKE_MAILDIR = `
import mailbox, os
box = mailbox.Maildir('source', create=True)
def add(folder, text, flags, date, subdir='cur'):
    m = mailbox.MaildirMessage(('From: bob@sender.example\\nSubject: s\\n\\n' + text + '\\n').encode())
    m.set_subdir(subdir)
    m.set_flags(flags)
    m.set_date(date)
    folder.add(m)
add(box, 'secret-one', 'S', 1000000000)
add(box, 'secret-two', 'FRS', 1100000000)
add(box, 'secret-new', '', 1200000000, 'new')
sent = box.add_folder('Sent.2019')
add(sent, 'secret-sent', 'S', 1300000000)
add(sent, 'secret-big' + 'x' * 3000000, 'S', 1300000001)
os.makedirs('source/Plain/cur')
`;

async function importMaildir(
  world: TestWorld,
  id: string,
  options: { dryRun: boolean } = { dryRun: false },
) {
  const source = maildirSource(`${world.directory}/source`, () => {});
  const box = { id, alias: "cat" };
  return await importMessages(world.intake, box, source, options, WATCHER);
}

async function listing(world: TestWorld, id: string): Promise<string[]> {
  const cwd = `${world.directory}/mail/${id}/Maildir`;
  const out = await run("find", [".", "-type", "f", "-printf", "%P %Ts\n"], {
    cwd,
  });
  return new TextDecoder().decode(out).trimEnd().split("\n")
    .map((line) => line.replace(/\d+\.M[^: ]*/, "NAME")).sort();
}

Deno.test("importMessages() keeps folders, flags and dates of a Maildir, encrypts all of it, and imports nothing twice", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await run("python3", ["-c", MAKE_MAILDIR], { cwd: world.directory });
  const dry = await importMaildir(world, id, { dryRun: true });
  assert.deepEqual([dry.messages, dry.stored], [5, 5]);
  const [none] = await world.app.sql`select count(*) from messages`;
  assert.equal(none!["count"], 0);

  const tally = await importMaildir(world, id);
  assert.deepEqual([tally.stored, tally.already], [5, 0]);
  const expected = [
    ".Sent.2019/cur/NAME:2,S 1300000000",
    ".Sent.2019/cur/NAME:2,S 1300000001",
    "cur/NAME:2,FRS 1100000000",
    "cur/NAME:2,S 1000000000",
    "new/NAME 1200000000",
  ];
  assert.deepEqual(await listing(world, id), expected);
  const grep = await run("grep", ["-rc", "secret-", "."], {
    cwd: `${world.directory}/mail/${id}`,
    statuses: [0, 1],
  });
  assert.doesNotMatch(new TextDecoder().decode(grep), /:[1-9]\d*$/m);
  assert.deepEqual(await findings(world, id), []);
  const [box] = await world.app.sql`
    select message_count, used_messages, last_received from vaultboxes
  `;
  assert.equal(box!["messageCount"], 5);
  assert.equal(box!["usedMessages"], 5);
  assert.equal(box!["lastReceived"].getTime(), 1_300_000_001_000);

  const again = await importMaildir(world, id);
  assert.deepEqual([again.stored, again.already], [0, 5]);
  assert.deepEqual(await listing(world, id), expected);
});

Deno.test("importMessages() stops at the limit of the vaultbox, and goes on where it was when there is room", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await run("python3", ["-c", MAKE_MAILDIR], { cwd: world.directory });
  await world.app.sql`update vaultboxes set max_messages = 2`;
  await assert.rejects(importMaildir(world, id), { code: "vaultbox_full" });
  assert.equal((await listing(world, id)).length, 2);
  await world.app.sql`update vaultboxes set max_messages = null`;
  const tally = await importMaildir(world, id);
  assert.deepEqual([tally.stored, tally.already], [3, 2]);
  assert.equal((await listing(world, id)).length, 5);
  assert.deepEqual(await findings(world, id), []);
});

Deno.test("an import leaves what is encrypted already as it is, and goes into a suspended vaultbox", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await run("python3", ["-c", MAKE_MAILDIR], { cwd: world.directory });
  await importMaildir(world, id);
  const dog = await makeBox(world, "dog");
  await world.app.sql`update vaultboxes set status = 'suspended'`;
  const source = maildirSource(
    `${world.directory}/mail/${id}/Maildir`,
    () => {},
  );
  const box = { id: dog, alias: "dog" };
  const tally = await importMessages(
    world.intake,
    box,
    source,
    { dryRun: false },
    WATCHER,
  );
  assert.equal(tally.stored, 5);
  const rows = await world.app.sql`
    select storage->>'encrypted_by' as by from messages
    where vaultbox_id = ${dog}
  `;
  assert.deepEqual(new Set(rows.map((row) => row["by"])), new Set(["sender"]));
});

const MBOX = `From bob@sender.example Thu Nov  5 10:20:30 2015
From: bob@sender.example
Status: RO
X-Status: AF

first
>From here it goes on
>>From there

From - Fri Nov 06 10:20:30 2015
X-Mozilla-Status: 0003
From: bob@sender.example

second
From no empty line before

From - Fri Nov 06 10:20:30 2015
X-Mozilla-Status: 0009
From: bob@sender.example

expunged

`;

Deno.test("importMessages() reads flags, dates and bodies of an mbox, and passes over what was expunged", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const source = mboxSource(
    new Blob([MBOX]).stream(),
    ".Old",
    new Date(),
  );
  const box = { id, alias: "cat" };
  const tally = await importMessages(
    world.intake,
    box,
    source,
    { dryRun: false },
    WATCHER,
  );
  assert.deepEqual([tally.stored, tally.removed], [2, 1]);
  assert.deepEqual(await listing(world, id), [
    ".Old/cur/NAME:2,FRS 1446718830",
    ".Old/cur/NAME:2,RS 1446805230",
  ]);
  const bodies = [...(await openedIn(world, id)).values()];
  assert.deepEqual(bodies.sort(), [
    "first\r\nFrom here it goes on\r\n>From there\r\n",
    "second\r\nFrom no empty line before\r\n",
  ]);
});

Deno.test("a message of an mbox that is too large to be read to its end is left out alone", async () => {
  await using world = await testWorld({ ENCIMAP_MAX_MESSAGE_BYTES: "65536" });
  const id = await makeBox(world);
  const letter = (body: string): string =>
    `From bob@sender.example Thu Nov  5 10:20:30 2015\nSubject: s\n\n${body}\n\n`;
  const large = `${"x".repeat(70)}\n`.repeat(20_000);
  const source = mboxSource(
    new Blob([letter("one"), letter(large), letter("two")]).stream(),
    "INBOX",
    new Date(),
  );
  const tally = await importMessages(
    world.intake,
    { id, alias: "cat" },
    source,
    { dryRun: false },
    WATCHER,
  );
  assert.deepEqual([tally.messages, tally.stored, tally.leftOut], [3, 2, 1]);
  const bodies = [...(await openedIn(world, id)).values()];
  assert.deepEqual(bodies.sort(), ["one\r\n", "two\r\n"]);
});

Deno.test("what is no mbox is refused", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const source = mboxSource(
    new Blob([octets("Hello\n")]).stream(),
    "INBOX",
    new Date(),
  );
  await assert.rejects(
    importMessages(world.intake, { id, alias: "cat" }, source, {
      dryRun: false,
    }, WATCHER),
    SyntaxError,
  );
});
