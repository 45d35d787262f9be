import assert from "node:assert/strict";
import { SERVICE } from "../helpers/app.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { changeVaultbox } from "../../src/vaultbox/limits.ts";
import { setRetired } from "../../src/vaultbox/generations.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { until } from "../helpers/until.ts";
import { keyOf, pause } from "./sender.ts";
import { Summary } from "./summary.ts";
import { faultWorld } from "./world.ts";

const GARBAGE =
  "-----BEGIN CERTIFICATE-----\nZ2FyYmFnZQ==\n-----END CERTIFICATE-----\n";

/** What a hand may do to the certificates of a vaultbox. */
const CORRUPTIONS: [string, string][] = [
  ["no certificate", "delete from vaultbox_certs where vaultbox_id = $1"],
  [
    "garbage in PEM",
    `update vaultbox_certs set public_cert_pem = '${GARBAGE}' where vaultbox_id = $1`,
  ],
  [
    "no PEM",
    "update vaultbox_certs set public_cert_pem = 'x' where vaultbox_id = $1",
  ],
  [
    "a certificate cut short",
    "update vaultbox_certs set public_cert_pem = left(public_cert_pem, 500) where vaultbox_id = $1",
  ],
  [
    "a certificate with another octet",
    "update vaultbox_certs set public_cert_pem = overlay(public_cert_pem placing 'AAAAAAAA' from 60) where vaultbox_id = $1",
  ],
];

Deno.test("mail for a vaultbox with broken certificates waits, and others go on", async () => {
  await using faults = await faultWorld();
  const { intake, queue, boxes, world } = faults;
  const [cat, hen] = boxes;
  await intake.start();
  const summary = new Summary("certificate rows corrupted by hand");
  for (const [name, statement] of CORRUPTIONS) {
    await world.database.sql`create table kept as select * from vaultbox_certs`;
    // It is in the intake's memory by now.
    await queue.deliver([faults.mail(cat!), faults.mail(hen!)]);
    await world.database.sql.unsafe(statement, [cat!.id]);
    const before = queue.stored.size;
    const waiting = faults.mail(cat!);
    const delivered = queue.deliver([waiting]);
    await queue.deliver([faults.mail(hen!), faults.mail(hen!)]);
    await pause(300);
    assert.ok(!queue.stored.has(keyOf(waiting)), `${name}: stored`);
    assert.equal(queue.stored.size, before + 2, name);
    await world.database.sql.begin(async (tx) => {
      await tx`delete from vaultbox_certs where vaultbox_id = ${cat!.id}`;
      const columns = (await tx<{ name: string }[]>`
        select attname as name from pg_attribute
        where attrelid = 'vaultbox_certs'::regclass and attnum > 0
          and attgenerated = '' and not attisdropped
      `).map(({ name }) => name);
      await tx`
        insert into vaultbox_certs (${tx(columns)})
        select ${tx(columns)} from kept where vaultbox_id = ${cat!.id}
      `;
    });
    await delivered;
    await world.database.sql`drop table kept`;
    await summary.round(faults);
  }
  summary.end(CORRUPTIONS.map(([name]) => name).join(", "));
});

Deno.test("a vaultbox suspended under load takes its mail afterwards", async () => {
  await using faults = await faultWorld();
  const { intake, queue, boxes, world: { app } } = faults;
  const [cat, hen] = boxes;
  await intake.start();
  const summary = new Summary("vaultbox suspended under load");
  const mails = Array.from(
    { length: 40 },
    (_, i) => faults.mail(i % 2 ? cat! : hen!),
  );
  const delivered = queue.deliver(mails);
  await changeVaultbox(app, SERVICE, cat!.id, { status: "suspended" });
  const late = faults.mail(cat!);
  const waiting = queue.deliver([late]);
  await pause(1000);
  assert.ok(!queue.stored.has(keyOf(late)));
  await changeVaultbox(app, SERVICE, cat!.id, { status: "active" });
  await Promise.all([delivered, waiting]);
  await summary.round(faults);
  summary.end();
});

Deno.test("certificates renewed and retired under load: each mail opens with a key of its time", async () => {
  await using faults = await faultWorld();
  const { intake, queue, boxes, world: { app } } = faults;
  const [cat] = boxes;
  await intake.start();
  const summary = new Summary("certificates renewed and retired under load");
  const mails = Array.from({ length: 60 }, () => faults.mail(cat!));
  const delivered = queue.deliver(mails);
  for (let i = 0; i < 3; i++) {
    const [domain, alias] = ["pets.example", "cat"];
    await generateCertificate(app, SERVICE, { address: { domain, alias } });
    const rows = await app.sql<{ id: string }[]>`
      select id from vaultbox_certs where vaultbox_id = ${cat!.id}
        and retired_at is null order by created_at
    `;
    const ids = { vaultboxId: cat!.id, certificateId: rows[0]!.id };
    await setRetired(app, SERVICE, ids, true);
    // What comes after the retirement is not for the retired key.
    await faults.readKeys();
    const after = faults.mail(cat!);
    await queue.deliver([after]);
  }
  await delivered;
  await faults.readKeys();
  await summary.round(faults);
  summary.end();
});

Deno.test("a vaultbox deleted under load leaves no mail, and its address' next holder gets none of it", async () => {
  await using faults = await faultWorld();
  const { intake, queue, boxes, world: { app }, state } = faults;
  const [cat, hen] = boxes;
  await intake.start();
  const summary = new Summary("vaultbox deleted, its address given away");
  const mails = Array.from(
    { length: 60 },
    (_, i) => faults.mail(i % 2 ? cat! : hen!),
  );
  const delivered = queue.deliver(mails);
  await pause(Math.random() * 300);
  await removeVaultbox(app, SERVICE, cat!.id);
  const gone = boxes.findIndex(({ id }) => id === cat!.id);
  boxes.splice(gone, 1);
  const next = await faults.makeBox("cat");
  const late = faults.mail(next);
  await queue.deliver([late]);
  await delivered;
  // The former holder's mail is bounced or was stored and is gone with it.
  const former = mails.filter(({ route }) => route === cat!.id);
  for (const mail of former) queue.offered.delete(keyOf(mail));
  for (const mail of former) {
    const key = keyOf(mail);
    assert.ok(queue.stored.delete(key) || queue.bounced.delete(key), key);
  }
  await until("the mail is removed", async () => {
    const names = await Array.fromAsync(Deno.readDir(`${state}/mail`));
    return !names.some(({ name }) => name === cat!.id);
  });
  await summary.round(faults);
  summary.end(`${former.length} of the former holder`);
});
