import assert from "node:assert/strict";
import { dirname } from "node:path";
import { connect } from "../../src/db/connect.ts";
import { leaveUidsOut } from "../../src/storage/frozen_mail.ts";
import { messageIdOf } from "../../src/storage/maildir_names.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { freezeAll } from "../../src/vaultbox/freeze.ts";
import { finishDeliveries } from "../../src/vaultbox/leftovers.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { sealVaultbox } from "../../src/vaultbox/seal.ts";
import { Sightings } from "../../src/vaultbox/sightings.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { octets } from "../helpers/mail.ts";

/** Says whether something was frozen and is there. */
async function isFrozen(world: TestWorld): Promise<boolean> {
  return await Deno.lstat(`${world.directory}/mail/.backup`)
    .then(() => true, () => false);
}

Deno.test("what was frozen for a backup that was killed goes with the next sweep, and what is needed stays", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await mail(world, cat, "cat");
  const app = { ...world.intake };
  await freezeAll(app, {
    exported: () => {},
    progress: () => {},
    async dumped() {
      await finishDeliveries(world.intake, new Sightings());
      assert.ok(await isFrozen(world));
    },
  });
  // The script that makes the backup holds it from then on.
  {
    using held = await Deno.open(`${world.directory}/mail/.backup`);
    assert.ok(held.tryLockSync(false));
    await finishDeliveries(world.intake, new Sightings());
    assert.ok(await isFrozen(world));
  }
  await finishDeliveries(world.intake, new Sightings());
  assert.ok(!await isFrozen(world));
});

const BOXES = ["cat", "fox", "owl"];

async function mail(
  world: TestWorld,
  id: string,
  alias: string,
): Promise<string> {
  const { messageId } = await deliver(world.intake, {
    route: id,
    recipient: `${alias}@pets.example`,
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets(`Subject: ${crypto.randomUUID()}\n\nx\n`)),
  });
  return messageId;
}

/** Paths of all messages below a folder, from there on. */
async function messagesBelow(base: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(base)) {
    if (isDirectory) {
      const below = await messagesBelow(`${base}/${name}`);
      paths.push(...below.map((path) => `${name}/${path}`));
    } else if (messageIdOf(name) !== undefined) paths.push(name);
  }
  return paths;
}

function idOf(path: string): string {
  return messageIdOf(path.split("/").at(-1)!)!;
}

/** Leaves time to others, and what there is does not grow without end. */
function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** What clients do to the mail of a vaultbox: they flag, move and expunge. */
async function act(
  home: string,
  expunged: Set<string>,
  isOver: () => boolean,
): Promise<number> {
  const folders = ["new", "cur", ".Archive/cur", ".Trash/cur"]
    .map((folder) => `${home}/Maildir/${folder}`);
  for (const folder of folders) await Deno.mkdir(folder, { recursive: true });
  let acts = 0;
  while (!isOver()) {
    for (const folder of folders) {
      const names = await Array.fromAsync(Deno.readDir(folder));
      for (const { name } of names.slice(acts % 7, acts % 7 + 20)) {
        const to = folders[1 + acts % 3]!;
        const base = name.split(":")[0]!;
        const id = messageIdOf(name)!;
        if (acts % 50 === 49) {
          expunged.add(id);
          await Deno.remove(`${folder}/${name}`);
        } else {
          const flags = ["", "S", "FS", "RS"][acts % 4];
          await Deno.rename(`${folder}/${name}`, `${to}/${base}:2,${flags}`);
        }
        acts++;
      }
    }
    await rest();
  }
  return acts;
}

Deno.test("a backup that is frozen under load has the file of each of its rows once, and none that the sweep removes", async () => {
  await using world = await testWorld();
  const base = `${world.directory}/mail`;
  const ids = new Map<string, string>();
  for (const alias of BOXES) ids.set(alias, await makeBox(world, alias));
  for (const [alias, id] of ids) {
    for (let n = 0; n < 40; n++) await mail(world, id, alias);
  }
  const expunged = new Set<string>();
  let isOver = false;
  const clients = [...ids.values()].map((id) =>
    act(`${base}/${id}`, expunged, () => isOver)
  );
  const senders = [...ids].map(async ([alias, id]) => {
    let sent = 0;
    for (; !isOver; sent++) {
      await mail(world, id, alias);
      await rest();
    }
    return sent;
  });
  const rows: { id: string; vaultboxId: string }[] = [];
  let dump: Promise<void> = Promise.resolve();
  const reader = connect(world.database.url(), { max: 1 });
  try {
    for (let round = 0; round < 3; round++) {
      rows.length = 0;
      const frozen = await freezeAll(world.intake, {
        exported({ id }) {
          // As pg_dump does it.
          dump = reader.begin("isolation level repeatable read", async (tx) => {
            await tx.unsafe(`set transaction snapshot '${id}'`);
            rows.push(
              ...await tx<{ id: string; vaultboxId: string }[]>`
                select id, vaultbox_id from messages
              `,
            );
          }) as Promise<void>;
        },
        progress() {},
        dumped: () => dump,
      });
      const found = await messagesBelow(`${base}/.backup`);
      const places = Map.groupBy(found, idOf);
      const missing = rows.filter(({ id }) =>
        !places.has(id) && !expunged.has(id)
      );
      assert.deepEqual(missing, [], `round ${round}`);
      const known = new Set(rows.map(({ id }) => id));
      const newer = found.filter((path) => !known.has(idOf(path)));
      assert.deepEqual(newer, [], `round ${round}`);
      const twice = [...places.values()].filter(({ length }) => length > 1);
      // A vaultbox that never comes to rest may have some twice, as it says.
      if (frozen.restless === 0) assert.deepEqual(twice, [], `round ${round}`);
      assert.equal(frozen.vaultboxes, 3);
    }
  } finally {
    isOver = true;
    await Promise.allSettled([...clients, ...senders]);
    await reader.end();
  }
  const acts = await Promise.all(clients);
  const sent = await Promise.all(senders);
  assert.ok(Math.min(...acts) > 100, `${acts} acts`);
  assert.ok(Math.min(...sent) > 5, `${sent} mails`);

  // Restored elsewhere: whatever is staged there, the sweep must only show.
  const restored = `${world.directory}/restored`;
  await Deno.rename(`${base}/.backup`, restored);
  const before = await messagesBelow(restored);
  let clock = 0;
  const sightings = new Sightings(() => clock);
  const config = { ...world.intake.config, maildirBasePath: restored };
  for (let hour = 0; hour < 3; hour++) {
    await finishDeliveries({ ...world.intake, config }, sightings);
    clock += 3_700_000;
  }
  const after = await messagesBelow(restored);
  assert.deepEqual(after.map(idOf).sort(), before.map(idOf).sort());
});

Deno.test("a backup has what is staged with a row, which the sweep then shows, and not what is staged without one", async () => {
  await using world = await testWorld();
  const base = `${world.directory}/mail`;
  const id = await makeBox(world, "cat");
  const message = await mail(world, id, "cat");
  const home = `${base}/${id}`;
  const [shown] = await Array.fromAsync(Deno.readDir(`${home}/Maildir/new`));
  // The intake died between row and rename, and in the middle of another mail.
  await Deno.rename(
    `${home}/Maildir/new/${shown!.name}`,
    `${home}/tmp/${shown!.name}`,
  );
  const other = shown!.name.replace(message, crypto.randomUUID());
  await Deno.writeTextFile(`${home}/tmp/${other}`, "x");
  // What the database does not know, and may be genuine all the same.
  const foreign = shown!.name.replace(message, crypto.randomUUID());
  await Deno.writeTextFile(`${home}/Maildir/new/${foreign}`, "x");
  await freezeAll(world.intake, {
    exported() {},
    progress() {},
    dumped: () => Promise.resolve(),
  });
  assert.deepEqual((await messagesBelow(`${base}/.backup/${id}`)).sort(), [
    `Maildir/new/${foreign}`,
    `tmp/${shown!.name}`,
  ]);
});

Deno.test("a backup has a message that was sealed after its moment, and not one that came then", async () => {
  await using world = await testWorld();
  const base = `${world.directory}/mail`;
  const id = await makeBox(world, "cat");
  await mail(world, id, "cat");
  const sent = `${base}/${id}/Maildir/.Sent/cur`;
  await Deno.mkdir(sent, { recursive: true });
  await Deno.writeFile(`${sent}/1.M1P1.mail:2,S`, octets("Subject: s\n\nx\n"));
  await freezeAll(world.intake, {
    async exported() {
      const tally = await sealVaultbox(
        world.intake,
        { id, alias: "cat" },
        { dryRun: false, drafts: false },
        { looked() {}, leftOut() {} },
      );
      assert.equal(tally?.sealed, 1);
      await mail(world, id, "cat");
    },
    progress() {},
    dumped: () => Promise.resolve(),
  });
  const frozen = await messagesBelow(`${base}/.backup/${id}`);
  assert.deepEqual(frozen.map((path) => dirname(path)).sort(), [
    "Maildir/.Sent/cur",
    "Maildir/new",
  ]);
});

Deno.test("mail that is not of the HMAC key makes a backup fail, and one altered message does not", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  for (const alias of ["fox", "owl"]) {
    await mail(world, await makeBox(world, alias), alias);
  }
  await mail(world, id, "cat");
  const watcher = {
    exported() {},
    progress() {},
    dumped: () => Promise.resolve(),
  };
  const other = { ...world.intake, hmacKey: new Uint8Array(32).fill(1) };
  await assert.rejects(freezeAll(other, watcher), /HMAC key is not the one/);
  const [path] = await messagesBelow(`${world.directory}/mail/${id}`);
  await Deno.writeTextFile(`${world.directory}/mail/${id}/${path}`, "altered");
  assert.equal((await freezeAll(world.intake, watcher)).files, 3);
});

Deno.test("folders, subscriptions and UIDs are in a backup, Dovecot's indexes are not", async () => {
  await using world = await testWorld();
  const base = `${world.directory}/mail`;
  const id = await makeBox(world, "cat");
  await mail(world, id, "cat");
  const maildir = `${base}/${id}/Maildir`;
  const files = {
    "dovecot-uidlist": "3 V1700000000 N7 Gabc\n6 :a\n7 :broke",
    "dovecot-keywords": "0 cat-food\n",
    "subscriptions": "V\t2\n\nArchive\n",
    "dovecot.index": "x",
    "dovecot.index.log": "x",
    "dovecot-uidlist.lock": "x",
    ".Archive/maildirfolder": "",
    ".Archive/dovecot-uidlist": "3 V1700000001 N1 Gabd\n",
  };
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(`${maildir}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${maildir}/${path}`, text);
  }
  await freezeAll(world.intake, {
    exported() {},
    progress() {},
    dumped: () => Promise.resolve(),
  });
  const frozen = `${base}/.backup/${id}/Maildir`;
  const names = (await Array.fromAsync(Deno.readDir(frozen))).map((e) =>
    e.name
  );
  assert.deepEqual(names.sort(), [
    ".Archive",
    "cur",
    "dovecot-keywords",
    "dovecot-uidlist",
    "new",
    "subscriptions",
    "tmp",
  ]);
  assert.equal(
    await Deno.readTextFile(`${frozen}/dovecot-uidlist`),
    "3 V1700000000 N1000007 Gabc\n6 :a\n",
  );
  assert.equal(
    await Deno.readTextFile(`${frozen}/.Archive/dovecot-uidlist`),
    "3 V1700000001 N1000001 Gabd\n",
  );
});

Deno.test("leaveUidsOut() keeps octets that are no UTF-8, and what it does not know", () => {
  const content = Uint8Array.from([0x33, 0x20, 0x4e, 0x31, 0x0a, 0xff, 0x0a]);
  const raised = leaveUidsOut(content);
  assert.equal(
    Array.from(raised, (o) => String.fromCharCode(o)).join(""),
    "3 N1000001\n\xff\n",
  );
  const old = new TextEncoder().encode("1 5 6\n");
  assert.deepEqual(leaveUidsOut(old), old);
});
