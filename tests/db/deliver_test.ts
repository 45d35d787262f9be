import assert from "node:assert/strict";
import type { IntakeApp } from "../../src/app.ts";
import { MessageBatches } from "../../src/db/message_batches.ts";
import { AppError, type ErrorCode } from "../../src/errors.ts";
import { vaultboxPfx } from "../../src/vaultbox/bundle.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import {
  deliver,
  type Delivery,
  TRACE_BYTES,
} from "../../src/vaultbox/deliver.ts";
import { finishDeliveries } from "../../src/vaultbox/leftovers.ts";
import {
  countStuckRemovals,
  listRemovals,
  markMailRemoved,
} from "../../src/db/removals.ts";
import { endSessions } from "../../src/vaultbox/sessions.ts";
import { createImapCredential } from "../../src/vaultbox/credentials.ts";
import {
  removeDeletedMail,
  removeVaultbox,
} from "../../src/vaultbox/remove.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { Sightings } from "../../src/vaultbox/sightings.ts";
import {
  ALICE,
  makeBox,
  SERVICE,
  type TestWorld,
  testWorld,
  user,
} from "../helpers/app.ts";
import { run } from "../helpers/openssl.ts";
import { contentOf, decrypt, latin1, octets } from "../helpers/mail.ts";

const PASSWORD = "correct horse battery";
const MAIL = octets(
  "Return-Path: <bob@sender.example>\nFrom: Bob <bob@sender.example>\n" +
    "Subject: Hello\nMessage-ID: <1@sender.example>\n" +
    "Content-Type: text/plain; charset=utf-8\n\nGrüße\n",
);
const INNER = "Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n";

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === expected;
}

function delivery(route: string, changes: Partial<Delivery> = {}): Delivery {
  return {
    route,
    recipient: "cat@pets.example",
    sender: "bob@sender.example",
    queueId: "4ABCdef1234zz",
    message: received(MAIL),
    ...changes,
  };
}

async function filesIn(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map((e) => e.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function store(
  world: TestWorld,
  id: string,
): Promise<{ staged: string[]; shown: string[] }> {
  const home = `${world.directory}/mail/${id}`;
  return {
    staged: await filesIn(`${home}/tmp`),
    shown: await filesIn(`${home}/Maildir/new`),
  };
}

async function readOne(world: TestWorld, id: string): Promise<Uint8Array> {
  const { shown } = await store(world, id);
  assert.equal(shown.length, 1);
  return Deno.readFile(`${world.directory}/mail/${id}/Maildir/new/${shown[0]}`);
}

Deno.test("deliver() stores one encrypted file that openssl opens, a row and counters", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  const stored = await readOne(world, id);
  assert.equal(latin1(stored).includes(latin1(octets("Grüße"))), false);
  const request = { vaultboxId: id, password: PASSWORD };
  const p12 = await vaultboxPfx(world.app, user(ALICE), request, "modern");
  const opened = await decrypt(stored, p12, PASSWORD);
  assert.deepEqual(contentOf(latin1(opened)), latin1(octets(INNER)));
  const [row] = await world.app.sql`
    select m.message_id, m.from_domain, m.to_alias, m.size_bytes, m.storage,
      v.message_count, v.total_bytes
    from messages m join vaultboxes v on v.id = m.vaultbox_id
  `;
  assert.equal(row!["messageId"], "<1@sender.example>");
  assert.equal(row!["fromDomain"], "sender.example");
  assert.equal(row!["toAlias"], "cat");
  assert.equal(row!["sizeBytes"], stored.length);
  assert.equal(row!["messageCount"], 1);
  assert.equal(row!["totalBytes"], stored.length);
  assert.equal(row!["storage"].encrypted_by, "appliance");
  assert.match(row!["storage"].hmac, /^[0-9a-f]{64}$/);
});

Deno.test("deliver() twice of the same delivery stores one file", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  const again = await deliver(world.intake, delivery(id));
  assert.equal(again.repeated, true);
  assert.equal((await store(world, id)).shown.length, 1);
});

Deno.test("deliver() of the same delivery by many at once stores one file", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await Promise.all(
    Array.from({ length: 8 }, () => deliver(world.intake, delivery(id))),
  );
  assert.deepEqual((await store(world, id)).staged, []);
  assert.equal((await store(world, id)).shown.length, 1);
});

Deno.test("deliver() does not bring back what a client has moved away", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  const { shown } = await store(world, id);
  await Deno.remove(`${world.directory}/mail/${id}/Maildir/new/${shown[0]}`);
  await deliver(world.intake, delivery(id));
  assert.deepEqual((await store(world, id)).shown, []);
});

Deno.test("deliver() of equal octets under another queue id stores a second file", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  await deliver(world.intake, delivery(id, { queueId: "4ABCdef9999zz" }));
  assert.equal((await store(world, id)).shown.length, 2);
});

Deno.test("deliver() finds the vaultbox of an address without a route", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const recipient = "CAT@Pets.Example";
  await deliver(world.intake, delivery("unrouted", { recipient }));
  assert.equal((await store(world, id)).shown.length, 1);
});

const REFUSALS: [string, ErrorCode, Partial<Delivery>][] = [
  ["an id that is gone", "unknown_vaultbox", { route: crypto.randomUUID() }],
  ["an address that nobody has", "unknown_vaultbox", {
    route: "unrouted",
    recipient: "owl@pets.example",
  }],
  ["a recipient that is another's", "unavailable", {
    recipient: "fox@pets.example",
  }],
  ["a route that is no id", "invalid_request", { route: "../../etc" }],
  ["a recipient without @", "invalid_request", { recipient: "cat" }],
  ["a message that was delivered there before", "mail_loop", {
    message: received(octets("Delivered-To: Cat@pets.example\nA: b\n\nx\n")),
  }],
  ["a message over the limit", "message_too_large", {
    message: received(new Uint8Array(65_536 + TRACE_BYTES + 1)),
  }],
];
for (const [name, expected, changes] of REFUSALS) {
  Deno.test(`deliver() throws ${expected} for ${name}, and stores nothing`, async () => {
    await using world = await testWorld({ ENCIMAP_MAX_MESSAGE_BYTES: "65536" });
    const id = await makeBox(world);
    await assert.rejects(
      deliver(world.intake, delivery(id, changes)),
      code(expected),
    );
    assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
  });
}

Deno.test("deliver() throws vaultbox_suspended for a suspended vaultbox", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await world.app.sql`update vaultboxes set status = 'suspended'`;
  await assert.rejects(
    deliver(world.intake, delivery(id)),
    code("vaultbox_suspended"),
  );
});

Deno.test("deliver() never stores plaintext if there is no certificate", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await world.app.sql`delete from vaultbox_certs`;
  await assert.rejects(deliver(world.intake, delivery(id)));
  assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
});

Deno.test("deliver() never stores plaintext if a certificate is damaged", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await world.app.sql`
    update vaultbox_certs
    set public_cert_pem = replace(public_cert_pem, 'A', 'B')
  `;
  await assert.rejects(deliver(world.intake, delivery(id)));
  assert.deepEqual((await store(world, id)).shown, []);
});

Deno.test("deliver() encrypts to every generation that was handed out and the newest", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const request = { vaultboxId: id, password: PASSWORD };
  const address = { domain: "pets.example", alias: "cat" };
  const first = await vaultboxPfx(world.app, user(ALICE), request, "modern");
  // Never handed out, so nobody can have it: it drops out.
  await generateCertificate(world.app, user(ALICE), { address });
  await generateCertificate(world.app, user(ALICE), { address });
  await deliver(world.intake, delivery(id));
  const stored = await readOne(world, id);
  const opened = await decrypt(stored, first, PASSWORD);
  assert.equal(contentOf(latin1(opened)), latin1(octets(INNER)));
  const newest = await vaultboxPfx(world.app, user(ALICE), request, "modern");
  assert.deepEqual(await decrypt(stored, newest, PASSWORD), opened);
});

/** An intake whose process dies before the row is inserted. */
function dying(world: TestWorld): IntakeApp {
  const rows = new MessageBatches(world.intake.sql, (task) => task());
  rows.insert = () => Promise.reject(new Error("killed"));
  return { ...world.intake, rows };
}

Deno.test("a crash before the row leaves a staged file that IMAP does not see, and the retry stores one", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await assert.rejects(deliver(dying(world), delivery(id)));
  assert.equal((await store(world, id)).staged.length, 1);
  assert.equal((await store(world, id)).shown.length, 0);
  await deliver(world.intake, delivery(id));
  assert.equal((await store(world, id)).shown.length, 1);
});

Deno.test("finishDeliveries() goes on where a backup's folder cannot be removed", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await assert.rejects(deliver(dying(world), delivery(id)));
  await Deno.symlink(".backup", `${world.directory}/mail/.backup`);
  let now = 0;
  const sightings = new Sightings(() => now);
  await finishDeliveries(world.intake, sightings);
  now = 3_700_000;
  await finishDeliveries(world.intake, sightings);
  assert.deepEqual((await store(world, id)).staged, []);
});

Deno.test("finishDeliveries() removes a staged file without a row that it has seen for an hour", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await assert.rejects(deliver(dying(world), delivery(id)));
  let now = 0;
  const sightings = new Sightings(() => now);
  await finishDeliveries(world.intake, sightings);
  now = 3_500_000;
  await finishDeliveries(world.intake, sightings);
  assert.equal((await store(world, id)).staged.length, 1);
  now = 3_700_000;
  await finishDeliveries(world.intake, sightings);
  assert.deepEqual((await store(world, id)).staged, []);
});

Deno.test("finishDeliveries() leaves what another process has staged, whatever the clock says", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await assert.rejects(deliver(dying(world), delivery(id)));
  const { staged } = await store(world, id);
  const path = `${world.directory}/mail/${id}/tmp/${staged[0]}`;
  const later = new Date(Date.now() + 90_000_000);
  for (const time of [new Date(0), later]) {
    await Deno.utime(path, time, time);
    const intake = { ...world.intake, now: () => later };
    await finishDeliveries(intake, new Sightings());
    assert.deepEqual((await store(world, id)).staged, staged);
  }
});

/** Where a delivery stands still between its file and its row. */
function frozen(
  world: TestWorld,
): { intake: IntakeApp; staged: Promise<void>; thaw: () => void } {
  const { sql, rows } = world.intake;
  const staged = Promise.withResolvers<void>();
  const thawed = Promise.withResolvers<void>();
  const batches = new MessageBatches(sql, (task) => task());
  batches.insert = async (row) => {
    staged.resolve();
    await thawed.promise;
    return await rows.insert(row);
  };
  const intake = { ...world.intake, rows: batches };
  return { intake, staged: staged.promise, thaw: thawed.resolve };
}

Deno.test("a message whose intake stands still for hours between file and row is not lost to the sweep of another one", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const { intake, staged, thaw } = frozen(world);
  const delivered = deliver(intake, delivery(id));
  await staged;
  let now = 0;
  const sightings = new Sightings(() => now);
  for (now of [0, 3_700_000, 9_000_000]) {
    await finishDeliveries(world.intake, sightings);
  }
  thaw();
  assert.equal((await delivered).repeated, false);
  const { staged: left, shown } = await store(world, id);
  assert.deepEqual([left.length, shown.length], [0, 1]);
  const [row] = await world.app
    .sql`select storage->>'file' as file from messages`;
  assert.deepEqual(shown, [row!["file"]]);
});

Deno.test("a staged file is locked for other programs until its row is committed", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const { intake, staged, thaw } = frozen(world);
  const delivered = deliver(intake, delivery(id));
  await staged;
  const [file] = (await store(world, id)).staged;
  const path = `${world.directory}/mail/${id}/tmp/${file}`;
  const flock = new Deno.Command("flock", { args: ["-n", path, "true"] });
  assert.equal((await flock.output()).code, 1);
  thaw();
  await delivered;
  await Deno.writeTextFile(path, "");
  assert.equal((await flock.output()).code, 0);
});

Deno.test("finishDeliveries() counts the hour of an abandoned file from when nobody has it any more", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await assert.rejects(deliver(dying(world), delivery(id)));
  const { staged } = await store(world, id);
  const path = `${world.directory}/mail/${id}/tmp/${staged[0]}`;
  let now = 0;
  const sightings = new Sightings(() => now);
  {
    using file = await Deno.open(path);
    await file.lock(true);
    for (now of [0, 3_700_000]) {
      await finishDeliveries(world.intake, sightings);
    }
  }
  for (now of [3_800_000, 7_300_000]) {
    await finishDeliveries(world.intake, sightings);
    assert.deepEqual((await store(world, id)).staged, staged);
  }
  now = 7_500_000;
  await finishDeliveries(world.intake, sightings);
  assert.deepEqual((await store(world, id)).staged, []);
});

Deno.test("finishDeliveries() removes the file of an attempt whose retry has stored another one", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await assert.rejects(deliver(dying(world), delivery(id)));
  await deliver(world.intake, delivery(id));
  const { staged, shown } = await store(world, id);
  assert.equal(staged.length, 1);
  let now = 0;
  const sightings = new Sightings(() => now);
  for (now of [0, 3_700_000]) await finishDeliveries(world.intake, sightings);
  assert.deepEqual(await store(world, id), { staged: [], shown });
});

Deno.test("finishDeliveries() goes on behind a folder that is damaged", async () => {
  await using world = await testWorld();
  const ids = [await makeBox(world), await makeBox(world, "fox")];
  const damaged =
    `${world.directory}/mail/00000000-0000-0000-0000-000000000000`;
  await Deno.mkdir(damaged);
  await Deno.writeTextFile(`${damaged}/tmp`, "no folder");
  for (const [index, id] of ids.entries()) {
    const recipient = `${["cat", "fox"][index]}@pets.example`;
    await deliver(world.intake, delivery(id, { recipient }));
    const home = `${world.directory}/mail/${id}`;
    const [file] = (await store(world, id)).shown;
    await Deno.rename(`${home}/Maildir/new/${file}`, `${home}/tmp/${file}`);
  }
  await finishDeliveries(world.intake, new Sightings());
  for (const id of ids) assert.equal((await store(world, id)).shown.length, 1);
});

Deno.test("deliver() folds case as Postfix does", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "sam");
  // U+017F and U+212A: Postfix finds sam@ for both.
  await deliver(
    world.intake,
    delivery(id, { recipient: "\u017fAM@pets.example" }),
  );
  assert.equal((await store(world, id)).shown.length, 1);
});

/** A long queue id of Postfix 3.7, made at 2026-11-22T14:27:04.948Z. */
const QUEUE_ID = "4jXWc86kcKzDZV4";

for (
  const [createdAt, expected] of [
    ["2026-11-22T14:27:04Z", "stored"],
    ["2026-11-22T14:27:05Z", "refused"],
  ] as const
) {
  for (const stale of [true, false]) {
    Deno.test(`mail for an address with a new holder since ${createdAt} is ${expected}, ${stale ? "by the old route" : "by the new one"}`, async () => {
      await using world = await testWorld();
      const first = await makeBox(world);
      await removeVaultbox(world.app, user(ALICE), first);
      const second = await makeBox(world);
      await world.app.sql`update addresses set created_at = ${createdAt}`;
      const mail = delivery(stale ? first : second, { queueId: QUEUE_ID });
      if (expected === "stored") await deliver(world.intake, mail);
      else {
        await assert.rejects(
          deliver(world.intake, mail),
          code("unknown_vaultbox"),
        );
      }
      const { shown } = await store(world, second);
      assert.equal(shown.length, expected === "stored" ? 1 : 0);
      assert.deepEqual((await store(world, first)).shown, []);
    });
  }
}

Deno.test("mail that is older than the only holder of an address is stored", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await world.app.sql`update addresses set created_at = '2100-01-01'`;
  await deliver(world.intake, delivery(id, { queueId: QUEUE_ID }));
  assert.equal((await store(world, id)).shown.length, 1);
});

Deno.test("finishDeliveries() shows a message behind a link and a name that is not UTF-8", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  const home = `${world.directory}/mail/${id}`;
  const [file] = (await store(world, id)).shown;
  await Deno.rename(`${home}/Maildir/new/${file}`, `${home}/tmp/${file}`);
  for (let n = 0; n < 20; n++) await Deno.symlink("no", `${home}/tmp/${n}`);
  const script = `: >"$(printf 'a\\377b')"`;
  await run("sh", ["-c", script], { cwd: `${home}/tmp` });
  await finishDeliveries(world.intake, new Sightings());
  assert.deepEqual((await store(world, id)).shown, [file]);
});

function mayMount(): boolean {
  const args = ["--mount", "true"];
  return new Deno.Command("unshare", { args, stderr: "null" }).outputSync()
    .success;
}

Deno.test({
  name:
    `removeDeletedMail() removes all that it can around what it cannot, says so, and tries again${
      mayMount() ? "" : " (needs the right to mount)"
    }`,
  ignore: !mayMount(),
}, async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const fox = await makeBox(world, "fox");
  for (let n = 0; n < 5; n++) {
    await deliver(world.intake, delivery(id, { queueId: `4ABCdef1234z${n}` }));
  }
  await deliver(world.intake, delivery(fox, { recipient: "fox@pets.example" }));
  await removeVaultbox(world.app, SERVICE, id);
  await removeVaultbox(world.app, SERVICE, fox);
  // A mount point cannot be removed, by nobody.
  const cwd = `${world.directory}/mail/${id}/Maildir/.Held`;
  await Deno.mkdir(cwd);
  await run("mount", ["-t", "tmpfs", "none", cwd], { cwd: "/" });
  try {
    await removeDeletedMail(world.intake);
    assert.deepEqual((await store(world, id)).shown, []);
    assert.deepEqual(await filesIn(`${world.directory}/mail`), [id]);
    assert.ok(
      world.lines.some((line) => line.includes("could not be removed")),
    );
    await world.app.sql`
      update removals set requested_at = now() - interval '2 hours'
    `;
    assert.equal(await countStuckRemovals(world.app.sql), 1);
  } finally {
    await run("umount", [cwd], { cwd: "/" });
  }
  await removeDeletedMail(world.intake);
  assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
  assert.equal(await countStuckRemovals(world.app.sql), 0);
});

Deno.test("a removal that is noted while the last session ends is repeated all the same", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  await createImapCredential(world.app, user(ALICE), id);
  await removeVaultbox(world.app, SERVICE, id);
  // Dovecot could not be asked for three days, and is now.
  const { sql } = world.app;
  await sql`
    update removals set requested_at = now() - interval '3 days',
      mail_removed_at = now() - interval '3 days'
  `;
  await sql`
    insert into ending_sessions (vaultbox_id, username, requested_at)
    values (${id}, 'cat', now() - interval '3 days')
  `;
  assert.deepEqual(await listRemovals(sql), []);
  await endSessions(world.app);
  // The intake was removing the folder, and says that it is done, but the session
  // has made it again.
  await markMailRemoved(sql, id);
  await removeDeletedMail(world.intake);
  assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
});

Deno.test("removeDeletedMail() leaves the mail of a vaultbox that exists", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  await world.app.sql`insert into removals (vaultbox_id) values (${id})`;
  await removeDeletedMail(world.intake);
  assert.equal((await store(world, id)).shown.length, 1);
});

for (const healer of ["finishDeliveries()", "the retry"]) {
  Deno.test(`a crash between row and rename is finished by ${healer}`, async () => {
    await using world = await testWorld();
    const id = await makeBox(world);
    await deliver(world.intake, delivery(id));
    const home = `${world.directory}/mail/${id}`;
    const [file] = (await store(world, id)).shown;
    await Deno.rename(`${home}/Maildir/new/${file}`, `${home}/tmp/${file}`);
    if (healer === "the retry") await deliver(world.intake, delivery(id));
    else await finishDeliveries(world.intake, new Sightings());
    assert.deepEqual(await store(world, id), { staged: [], shown: [file] });
  });
}

Deno.test("mail of a deleted vaultbox is removed, and its route is refused for good", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  await removeVaultbox(world.app, user(ALICE), id);
  await removeDeletedMail(world.intake);
  assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
  await assert.rejects(
    deliver(world.intake, delivery(id)),
    code("unknown_vaultbox"),
  );
});

Deno.test("removeDeletedMail() removes what a session that lived on has written", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await deliver(world.intake, delivery(id));
  await removeVaultbox(world.app, user(ALICE), id);
  await removeDeletedMail(world.intake);
  await Deno.mkdir(`${world.directory}/mail/${id}/Maildir`, {
    recursive: true,
  });
  await removeDeletedMail(world.intake);
  assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
});

Deno.test("deliver() to a vaultbox deleted in the middle stores nothing", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const racing: IntakeApp = {
    ...world.intake,
    // Read just before the file is written: the vaultbox goes away then.
    now: () => {
      removal ??= removeVaultbox(world.app, user(ALICE), id);
      return new Date();
    },
  };
  let removal: Promise<void> | undefined;
  await assert.rejects(
    async () => {
      await deliver(racing, delivery(id));
      throw new AppError("unknown_vaultbox", "Delivered before the removal");
    },
    code("unknown_vaultbox"),
  );
  await removal;
  await removeDeletedMail(world.intake);
  assert.deepEqual(await filesIn(`${world.directory}/mail`), []);
});
