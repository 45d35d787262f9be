import assert from "node:assert/strict";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import type { Finding } from "../../src/vaultbox/verify.ts";
import { verifyVaultbox } from "../../src/vaultbox/verify.ts";
import { verifyAll } from "../../src/vaultbox/verify_all.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { makeBox, SERVICE, type TestWorld, testWorld } from "../helpers/app.ts";
import { octets } from "../helpers/mail.ts";
import { run } from "../helpers/openssl.ts";

const DOMAIN = "pets.example";

/** Delivers a message; gives the path of its file. */
async function send(
  world: TestWorld,
  id: string,
  alias = "cat",
): Promise<string> {
  const { messageId } = await deliver(world.intake, {
    route: id,
    recipient: `${alias}@${DOMAIN}`,
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(octets("From: bob@sender.example\n\nx\n")),
  });
  const [row] = await world.app.sql`
    select storage->>'file' as file from messages where id = ${messageId}
  `;
  return `${maildir(world, id)}/new/${row!["file"]}`;
}

function maildir(world: TestWorld, id: string): string {
  return `${world.directory}/mail/${id}/Maildir`;
}

/** Makes a folder as Dovecot does. */
async function folder(
  world: TestWorld,
  id: string,
  name: string,
): Promise<string> {
  const path = `${maildir(world, id)}/.${name}`;
  for (const part of ["cur", "new", "tmp"]) {
    await Deno.mkdir(`${path}/${part}`, { recursive: true });
  }
  return path;
}

/** Findings as `kind path-in-the-Maildir`. */
async function verify(world: TestWorld, id: string): Promise<string[]> {
  const found: string[] = [];
  await verifyVaultbox(world.intake, id, {
    found: ({ kind, path }: Finding) => {
      found.push(`${kind} ${path.replace(`${id}/`, "")}`);
    },
    mended: () => {
      throw new Error("The counters were right");
    },
    looked: () => {},
  });
  return found.sort();
}

/** Changes one octet of a file and leaves its length. */
async function alter(path: string): Promise<void> {
  const stored = await Deno.readFile(path);
  stored[stored.length - 100]! ^= 1;
  await Deno.writeFile(path, stored);
}

function baseOf(path: string): string {
  return path.split("/").at(-1)!;
}

const WATCHER = {
  found: () => {},
  mended: () => {},
  looked: () => {},
  resumed: () => {},
  begun: () => {},
};

Deno.test("verifyVaultbox() finds nothing in mail that was read, flagged, moved, copied and expunged", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const paths: string[] = [];
  for (let i = 0; i < 5; i++) paths.push(await send(world, id));
  const archive = await folder(world, id, "Archive");
  const [read, moved, copied, expunged] = paths.map(baseOf);
  const inbox = maildir(world, id);
  await Deno.rename(paths[0]!, `${inbox}/cur/${read}:2,RS`);
  await Deno.rename(paths[1]!, `${archive}/cur/${moved}:2,`);
  // As Dovecot copies: a hard link under a name of its own.
  await Deno.link(paths[2]!, `${archive}/cur/1.M2P3.mail,S=9,W=9:2,S`);
  await Deno.copyFile(paths[2]!, `${archive}/new/1.M3P3.mail`);
  await Deno.remove(paths[3]!);
  assert.ok(copied !== undefined && expunged !== undefined);
  assert.deepEqual(await verify(world, id), []);
});

Deno.test("verifyVaultbox() names a message of which one octet was changed, cut or appended", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const paths = [];
  for (let i = 0; i < 5; i++) paths.push(await send(world, id));
  const read = `${maildir(world, id)}/cur/${baseOf(paths[0]!)}:2,S`;
  await Deno.rename(paths[0]!, read);
  await alter(read);
  await Deno.truncate(paths[1]!, 100);
  await Deno.writeFile(paths[2]!, octets("x"), { append: true });
  await Deno.writeFile(paths[3]!, new Uint8Array(0));
  const altered = [read, paths[1]!, paths[2]!, paths[3]!];
  assert.deepEqual(
    await verify(world, id),
    altered.map((path) => `altered ${path.split(`${id}/`)[1]}`).sort(),
  );
});

Deno.test("verifyVaultbox() names an altered message in any folder that has its name", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const path = await send(world, id);
  const sent = await folder(world, id, "Sent");
  const there = `${sent}/cur/${baseOf(path)}:2,S`;
  await Deno.rename(path, there);
  await alter(there);
  const [found] = await verify(world, id);
  assert.equal(found, `altered Maildir/.Sent/cur/${baseOf(path)}:2,S`);
});

Deno.test("what no row knows is foreign in INBOX, and a client's elsewhere", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await send(world, id);
  const sent = await folder(world, id, "Sent");
  await Deno.writeTextFile(`${sent}/cur/1.M1P1.mail:2,S`, "To: bob\n\nHi\n");
  await Deno.writeTextFile(`${maildir(world, id)}/cur/1.M2P2.mail`, "Hi");
  // Dovecot neither shows nor counts these.
  await Deno.writeTextFile(`${maildir(world, id)}/tmp/1.M3P3.mail`, "Hi");
  await Deno.writeTextFile(`${maildir(world, id)}/cur/.nfs1`, "Hi");
  await Deno.writeTextFile(`${maildir(world, id)}/dovecot-uidlist`, "3 V1");
  assert.deepEqual(await verify(world, id), [
    "client Maildir/.Sent/cur/1.M1P1.mail:2,S",
    "foreign Maildir/cur/1.M2P2.mail",
  ]);
});

Deno.test("the message of another vaultbox is foreign, whatever its name", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world);
  const dog = await makeBox(world, "dog");
  await send(world, cat);
  const path = await send(world, dog, "dog");
  await Deno.link(path, `${maildir(world, cat)}/new/${baseOf(path)}`);
  assert.deepEqual(await verify(world, cat), [
    `foreign Maildir/new/${baseOf(path)}`,
  ]);
  assert.deepEqual(await verify(world, dog), []);
});

Deno.test("links, fifos, directories and names that are not UTF-8 are strange, are not followed and block nothing", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const path = await send(world, id);
  const inbox = maildir(world, id);
  const other = await send(world, await makeBox(world, "dog"), "dog");
  await Deno.symlink(path, `${inbox}/cur/link`);
  await Deno.symlink("/dev/zero", `${inbox}/cur/zero`);
  await Deno.symlink("/nowhere", `${inbox}/cur/dangling`);
  await Deno.mkdir(`${inbox}/cur/directory`);
  const script = `mkfifo fifo && : >"$(printf 'a\\377b')"`;
  await run("sh", ["-c", script], { cwd: `${inbox}/cur` });
  // Folders that lead elsewhere.
  await Deno.symlink(other.split("/new/")[0]!, `${inbox}/.Linked`);
  await Deno.mkdir(`${inbox}/.Half`);
  await Deno.symlink("/etc", `${inbox}/.Half/cur`);
  await Deno.symlink("/etc", `${world.directory}/mail/${id}/tmp2`);
  assert.deepEqual(await verify(world, id), [
    "strange Maildir/.Half/cur",
    "strange Maildir/.Linked",
    "strange Maildir/cur/a\ufffdb",
    "strange Maildir/cur/dangling",
    "strange Maildir/cur/directory",
    "strange Maildir/cur/fifo",
    "strange Maildir/cur/link",
    "strange Maildir/cur/zero",
  ]);
});

Deno.test("a vaultbox whose folder is a link is strange, and one without a folder is fine", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world);
  const dog = await makeBox(world, "dog");
  await Deno.symlink("/etc", `${world.directory}/mail/${cat}`);
  assert.deepEqual(await verify(world, cat), [`strange ${cat}`]);
  assert.deepEqual(await verify(world, dog), []);
});

Deno.test("a file larger than any message is judged without being read", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await send(world, id);
  const path = `${maildir(world, id)}/cur/1.M1P1.mail`;
  await Deno.writeFile(path, new Uint8Array(0));
  await Deno.truncate(path, 8 * 2 ** 40);
  assert.deepEqual(await verify(world, id), [
    "foreign Maildir/cur/1.M1P1.mail",
  ]);
});

Deno.test("a staged message is fine with and without a row, and named if it has one and was altered", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const paths = [await send(world, id), await send(world, id)];
  const tmp = `${world.directory}/mail/${id}/tmp`;
  for (const path of paths) await Deno.rename(path, `${tmp}/${baseOf(path)}`);
  await Deno.writeTextFile(`${tmp}/1.M1R${crypto.randomUUID()}-1.mail`, "part");
  assert.deepEqual(await verify(world, id), []);
  await alter(`${tmp}/${baseOf(paths[1]!)}`);
  assert.deepEqual(await verify(world, id), [
    `altered tmp/${baseOf(paths[1]!)}`,
  ]);
});

Deno.test("what an attempt has staged that was killed before its row is no altered message of the attempt after it", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const path = await send(world, id);
  const earlier = baseOf(path).replace(/-[0-9a-f]{8}\./, "-00000000.");
  const tmp = `${world.directory}/mail/${id}/tmp`;
  await Deno.copyFile(path, `${tmp}/${earlier}`);
  await alter(`${tmp}/${earlier}`);
  assert.deepEqual(await verify(world, id), []);
});

Deno.test("verifyVaultbox() finds nothing in a store of thousands of files while mail comes and clients rename", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const path = await send(world, id);
  const stored = await Deno.readFile(path);
  const [row] = await world.app.sql`select * from messages`;
  // Copies of one message as if it had been delivered often: the HMAC is the same.
  await world.database.sql`
    insert into messages (id, vaultbox_id, to_alias, size_bytes, storage)
    select md5(n::text)::uuid, ${id}, 'cat', ${stored.length},
      ${world.app.sql.json(row!["storage"])}
    from generate_series(1, 3000) n
  `;
  await world.app.sql`
    update vaultboxes set message_count = message_count + 3000,
      total_bytes = total_bytes + 3000 * ${stored.length}::bigint
  `;
  const ids = await world.app.sql`select id from messages`;
  const cur = `${maildir(world, id)}/cur`;
  for (const [n, { id: message }] of ids.entries()) {
    await Deno.writeFile(`${cur}/${n}.M1R${message}-1.mail,S=1:2,`, stored);
  }
  const verifying = verify(world, id);
  let isOver = false;
  verifying.then(() => isOver = true, () => isOver = true);
  let changed = 0;
  while (!isOver) {
    await send(world, id);
    for await (const { name } of Deno.readDir(cur)) {
      if (isOver || changed % 50 === 49) break;
      const to = name.endsWith("S") ? name.slice(0, -1) : `${name}S`;
      await Deno.rename(`${cur}/${name}`, `${cur}/${to}`);
      changed++;
    }
    changed++;
  }
  assert.deepEqual(await verifying, []);
  assert.ok(changed > 50);
});

Deno.test("verifyVaultbox() sets counters right that do not agree with the rows, also while mail comes", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await send(world, id);
  await world.app.sql`
    update vaultboxes set message_count = 7, total_bytes = 1
  `;
  const mended: unknown[] = [];
  await Promise.all([
    ...Array.from({ length: 10 }, () => send(world, id)),
    verifyVaultbox(world.intake, id, {
      ...WATCHER,
      mended: (each) => mended.push(each),
    }),
    ...Array.from({ length: 10 }, () => send(world, id)),
  ]);
  assert.equal(mended.length, 1);
  const [row] = await world.app.sql`
    select message_count, total_bytes,
      (select count(*) from messages) as messages,
      (select sum(size_bytes)::bigint from messages) as bytes
    from vaultboxes
  `;
  assert.equal(row!["messageCount"], 21);
  assert.equal(row!["messages"], 21);
  assert.equal(row!["totalBytes"], row!["bytes"]);
});

Deno.test("verifyAll() names folders of no vaultbox, but not those that are being removed", async () => {
  await using world = await testWorld();
  await send(world, await makeBox(world));
  const dog = await makeBox(world, "dog");
  await send(world, dog, "dog");
  const gone = crypto.randomUUID();
  await Deno.mkdir(`${world.directory}/mail/${gone}/Maildir/new`, {
    recursive: true,
  });
  await Deno.mkdir(`${world.directory}/mail/lost+found`);
  await removeVaultbox(world.app, SERVICE, dog);
  const found: Finding[] = [];
  const report = await verifyAll(world.intake, { restart: false }, {
    ...WATCHER,
    found: (each) => found.push(each),
  });
  assert.deepEqual(found, [
    { kind: "ownerless", vaultboxId: gone, path: gone },
  ]);
  assert.equal(report!.ownerless, 1);
  assert.equal(report!.vaultboxes, 1);
});

Deno.test("verifyVaultbox() finds nothing in what a vaultbox that was deleted meanwhile has left", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await send(world, id);
  await removeVaultbox(world.app, SERVICE, id);
  assert.deepEqual(await verify(world, id), []);
});

Deno.test("of two runs at once one does nothing", async () => {
  await using world = await testWorld();
  await send(world, await makeBox(world));
  const reports = await Promise.all(
    [1, 2].map(() => verifyAll(world.intake, { restart: false }, WATCHER)),
  );
  assert.equal(reports.filter((each) => each === undefined).length, 1);
});
