import assert from "node:assert/strict";
import {
  Admission,
  LARGE_MAX,
  MESSAGES_MAX,
} from "../../src/vaultbox/admission.ts";
import { lmtpEngine } from "../../src/lmtp/engine.ts";
import { lmtpServer } from "../../src/lmtp/server.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import {
  ALICE,
  makeBox,
  SERVICE,
  testConfig,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";
import { type LmtpClient, lmtpClient, sendByLmtp } from "../helpers/lmtp.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { octets } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

const IDENT = "4dXQ000001zB";
const MAIL =
  "Return-Path: <bob@sender.example>\r\nFrom: bob@sender.example\r\n" +
  "Subject: x\r\n\r\ntext\r\n";

interface Door extends AsyncDisposable {
  path: string;
  close(): Promise<void>;
}

async function openDoor(world: TestWorld): Promise<Door> {
  const path = `${world.directory}/lmtp.sock`;
  const admission = new Admission(world.intake);
  const { server, close } = lmtpServer(
    lmtpEngine(world.intake, admission),
    admission,
    world.intake.log,
  );
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  return {
    path,
    close: () => close(new AbortController().signal),
    [Symbol.asyncDispose]: () => close(AbortSignal.abort()),
  };
}

async function stored(world: TestWorld, id?: string): Promise<number> {
  const [row] = await world.app.sql`
    select count(*) from messages where vaultbox_id = coalesce(${
    id ?? null
  }, vaultbox_id)
  `;
  return row!["count"];
}

Deno.test("LMTP replies for each recipient what became of its delivery", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const dog = await makeBox(world, "dog");
  const owl = await makeBox(world, "owl");
  await world.app.sql`
    update vaultboxes set status = 'suspended' where id = ${dog}
  `;
  await using door = await openDoor(world);
  const replies = await sendByLmtp(door.path, {
    from: "bob@sender.example",
    to: ["cat", "dog", "nobody", "owl"].map((each) => `${each}@pets.example`),
    ident: IDENT,
    message: MAIL,
  });
  assert.deepEqual(replies, [
    "250 2.0.0 Stored",
    "450 4.2.1 Vaultbox is suspended",
    "550 5.1.1 No such vaultbox",
    "250 2.0.0 Stored",
  ]);
  assert.equal(await stored(world, cat), 1);
  assert.equal(await stored(world, owl), 1);
  assert.equal(await stored(world), 2);
});

Deno.test("two addresses of one vaultbox give one copy and two 250", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await world.app.sql`
    insert into addresses (vaultbox_id, domain, alias, kind)
    values (${cat}, 'pets.example', 'kitty', 'alias')
  `;
  await using door = await openDoor(world);
  const replies = await sendByLmtp(door.path, {
    to: ["cat@pets.example", "kitty@pets.example", "Cat@Pets.example"],
    ident: IDENT,
    message: MAIL,
  });
  assert.deepEqual(replies, Array(3).fill("250 2.0.0 Stored"));
  assert.equal(await stored(world), 1);
});

Deno.test("the same mail by pipe and by LMTP is one mail", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await using door = await openDoor(world);
  await deliver(world.intake, {
    route: cat,
    recipient: "cat@pets.example",
    sender: "bob@sender.example",
    queueId: IDENT,
    // As pipe(8) gives it.
    message: received(octets(MAIL.replaceAll("\r\n", "\n"))),
  });
  const replies = await sendByLmtp(door.path, {
    from: "bob@sender.example",
    to: ["cat@pets.example"],
    ident: IDENT,
    message: MAIL,
  });
  assert.deepEqual(replies, ["250 2.0.0 Stored"]);
  assert.equal(await stored(world), 1);
});

Deno.test("a repeated LMTP delivery stores nothing, one with another IDENT does", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  const mail = { to: ["cat@pets.example"], ident: IDENT, message: MAIL };
  await sendByLmtp(door.path, mail);
  await sendByLmtp(door.path, mail);
  assert.equal(await stored(world), 1);
  await sendByLmtp(door.path, { ...mail, ident: "4dXQ000002zB" });
  assert.equal(await stored(world), 2);
});

Deno.test("what was accepted for an address's former holder is 5.1.1 over LMTP", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await removeVaultbox(world.app, SERVICE, cat);
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  // Of 2011.
  const replies = await sendByLmtp(door.path, {
    to: ["cat@pets.example"],
    ident: "3dXQ000001zB",
    message: MAIL,
  });
  assert.deepEqual(replies, ["550 5.1.1 No such vaultbox"]);
  assert.equal(await stored(world), 0);
});

Deno.test("LMTP answers 451 while the database is gone, and then stores the mail once", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  const mail = { to: ["cat@pets.example"], ident: IDENT, message: MAIL };
  await world.database.allowConnections(false);
  const [reply] = await sendByLmtp(door.path, mail);
  await world.database.allowConnections(true);
  assert.match(reply!, /^451 4\.3\.2 /);
  await until(
    "it is stored",
    async () => (await sendByLmtp(door.path, mail))[0]!.startsWith("250"),
  );
  assert.equal(await stored(world), 1);
});

Deno.test("addresses that are no UTF-8 are taken as by pipe(8), and nobody's is 5.1.1", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  const all = await makeBox(world, "all");
  await world.app.sql`
    insert into domains (domain, user_id) values ('catch.example', ${ALICE})
  `;
  await world.app.sql`
    insert into addresses (vaultbox_id, domain, alias, kind)
    values (${all}, 'catch.example', '*', 'catch_all')
  `;
  await using door = await openDoor(world);
  const replies = await sendByLmtp(door.path, {
    from: "b\x80\xff\xa0@sender\x85.example",
    to: [
      "cat@pets.example",
      "c\x80t@pets.example",
      "c\xc2\x80t@pets.example",
      "c\x80\xffx@catch.example",
    ],
    ident: IDENT,
    message: MAIL,
  });
  assert.deepEqual(replies, [
    "250 2.0.0 Stored",
    "550 5.1.1 No such vaultbox",
    "550 5.1.1 No such vaultbox",
    "250 2.0.0 Stored",
  ]);
  assert.equal(await stored(world), 2);
});

Deno.test("a message whose first line ends with LF alone keeps its other line ends over LMTP", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await using door = await openDoor(world);
  await sendByLmtp(door.path, {
    to: ["cat@pets.example"],
    ident: IDENT,
    message: "X-One: 1\nX-Two: 2\r\nX-Three: 3\n\r\ntext\r\n",
  });
  const folder = `${world.directory}/mail/${cat}/Maildir/new`;
  const [file] = await Array.fromAsync(Deno.readDir(folder));
  const text = await Deno.readTextFile(`${folder}/${file!.name}`);
  assert.match(text, /\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n/);
  assert.doesNotMatch(text, /\r\r/);
});

Deno.test("large messages leave places to small ones, however long they take", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  const clients: LmtpClient[] = [];
  const begin = (size: number): LmtpClient => {
    const client = lmtpClient(door.path);
    clients.push(client);
    client.send(
      `LHLO x\r\nMAIL FROM:<> SIZE=${size}\r\nRCPT TO:<cat@pets.example>\r\nDATA\r\n`,
    );
    return client;
  };
  try {
    for (let i = 0; i < MESSAGES_MAX; i++) {
      const client = begin(3_000_000);
      // The others wait for their turn.
      if (i >= LARGE_MAX) continue;
      assert.match((await client.replies(5))[4]!, /^354 /);
    }
    const begun = performance.now();
    assert.match((await begin(1000).replies(5))[4]!, /^354 /);
    assert.ok(performance.now() - begun < 10_000);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});

Deno.test("a client that hangs up in the middle of a message leaves nothing", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  for (const rest of ["", MAIL, `${MAIL}.`, `${MAIL}.\r`]) {
    using client = lmtpClient(door.path);
    client.send(
      "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<cat@pets.example>\r\nDATA\r\n" + rest,
    );
    await client.replies(5);
    client.socket.end();
    assert.equal(await client.line(), undefined);
  }
  assert.equal(await stored(world), 0);
});

Deno.test("a client that closes its side behind the last dot gets its reply", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  using client = lmtpClient(door.path);
  client.send(
    "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<cat@pets.example>\r\nDATA\r\n" +
      `${MAIL}.\r\n`,
  );
  client.socket.end();
  assert.deepEqual((await client.replies(6)).at(-1), "250 2.0.0 Stored");
  assert.equal(await stored(world), 1);
});

Deno.test("a door that closes lets a message end, and ends sessions that are idle", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  using idle = lmtpClient(door.path);
  using busy = lmtpClient(door.path);
  const begin = "MAIL FROM:<>\r\nRCPT TO:<cat@pets.example>\r\nDATA\r\n";
  idle.send(`LHLO c\r\n${begin}${MAIL}.\r\n`);
  await idle.replies(6);
  busy.send(`LHLO c\r\n${begin}From: a@b.example\r\n`);
  await busy.replies(5);
  const closed = door.close();
  assert.match((await idle.replies(1))[0]!, /^421 4\.3\.2 /);
  busy.send("\r\ntext\r\n.\r\n");
  assert.deepEqual(await busy.replies(1), ["250 2.0.0 Stored"]);
  assert.match((await busy.replies(1))[0]!, /^421 4\.3\.2 /);
  await closed;
  assert.equal(await stored(world), 2);
});

Deno.test("a client that floods the door with commands, and reads nothing, is sent away", async () => {
  await using world = await testWorld();
  await using door = await openDoor(world);
  using client = lmtpClient(door.path);
  client.socket.pause();
  client.send("LHLO c\r\n");
  // Each NOOP is answered; a hundred of them end the session.
  client.send("NOOP\r\n".repeat(400_000));
  client.socket.resume();
  const said = await client.replies(200);
  assert.match(said.at(-1)!, /^421 4\.7\.0 /);
  assert.ok(said.length < 110, `${said.length} replies`);
});

Deno.test("no part of a message, and no address, is in the log of LMTP", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using door = await openDoor(world);
  await sendByLmtp(door.path, {
    from: "canary-1@b.example",
    to: ["cat@pets.example", "canary-2@pets.example"],
    message: "Subject: canary-3\r\n\r\ncanary-4\r\n",
  });
  assert.doesNotMatch(world.lines.join("\n"), /canary|@/);
});

Deno.test("reconcile() switches all routes to ENCIMAP_TRANSPORT, and back", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await makeBox(world, "dog");
  await world.app.sql`
    insert into addresses (vaultbox_id, domain, alias, kind)
    values (${cat}, 'pets.example', '*', 'catch_all')
  `;
  await reconcile(world.app, { dryRun: false });
  const before = new Map(world.mta.transport);
  const config = testConfig({
    ENCIMAP_TRANSPORT: "lmtp",
    ENCIMAP_LMTP_SOCKET: "/run/x.sock",
  });
  const byLmtp = { ...world.app, config };
  const { routes } = await reconcile(byLmtp, { dryRun: true });
  assert.deepEqual(
    new Map(routes.set.map(({ key, value }) => [key, value])),
    new Map([...before.keys()].map((key) => [
      key,
      "encimap-lmtp:unix:/run/x.sock",
    ])),
  );
  assert.deepEqual(routes.drop, []);
  assert.deepEqual(new Map(world.mta.transport), before);
  await reconcile(byLmtp, { dryRun: false });
  // What is changed before the next reconciliation has its own transport.
  await makeBox(world, "owl");
  const mixed = new Set(
    [...world.mta.transport.values()].map((route) => route.split(":")[0]),
  );
  assert.deepEqual(mixed, new Set(["encimap-lmtp", "encimap-pipe"]));
  await reconcile(world.app, { dryRun: false });
  for (const [address, route] of before) {
    assert.equal(world.mta.transport.get(address), route);
  }
});
