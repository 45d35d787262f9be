import assert from "node:assert/strict";
import type { IntakeApp } from "../../src/app.ts";
import { listRecipients } from "../../src/db/certificates.ts";
import { connect } from "../../src/db/connect.ts";
import { MessageBatches } from "../../src/db/message_batches.ts";
import { AppError } from "../../src/errors.ts";
import { splitEntity } from "../../src/mail/header.ts";
import {
  createAlias,
  removeAlias,
  setCatchAll,
} from "../../src/vaultbox/addresses.ts";
import { vaultboxPfx } from "../../src/vaultbox/bundle.ts";
import { generateCertificate } from "../../src/vaultbox/certificate.ts";
import { deliver, type Delivered } from "../../src/vaultbox/deliver.ts";
import { setRetired } from "../../src/vaultbox/generations.ts";
import { changeVaultbox } from "../../src/vaultbox/limits.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { followVaultboxes } from "../../src/vaultbox/recipients.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import {
  ALICE,
  makeBox,
  SERVICE,
  type TestWorld,
  testWorld,
  user,
} from "../helpers/app.ts";
import { latin1, octets } from "../helpers/mail.ts";
import { openssl } from "../helpers/openssl.ts";
import { until } from "../helpers/until.ts";

const DOMAIN = "pets.example";
const PASSWORD = "correct horse battery";

function send(
  intake: IntakeApp,
  route: string,
  recipient = `cat@${DOMAIN}`,
): Promise<Delivered> {
  return deliver(intake, {
    route,
    recipient,
    sender: "",
    queueId: crypto.randomUUID(),
    message: received(
      octets("From: bob@sender.example\nSubject: Hello\n\nx\n"),
    ),
  });
}

/** An intake in whose deliveries something happens just before the row. */
function interrupted(
  world: TestWorld,
  change: (attempt: number) => Promise<unknown>,
): IntakeApp {
  const rows = new MessageBatches(world.intake.sql, (task) => task());
  const insert = rows.insert.bind(rows);
  let attempts = 0;
  rows.insert = async (row) => {
    await change(attempts++);
    return await insert(row);
  };
  return { ...world.intake, rows };
}

/** An intake in whose first delivery something changes just before the row. */
function changedOnce(
  world: TestWorld,
  change: () => Promise<unknown>,
): IntakeApp {
  return interrupted(world, async (attempt) => {
    if (attempt === 0) await change();
  });
}

async function names(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map((e) => e.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Files that are shown; none is staged. */
async function shown(world: TestWorld, id: string): Promise<string[]> {
  const home = `${world.directory}/mail/${id}`;
  assert.deepEqual(await names(`${home}/tmp`), []);
  return (await names(`${home}/Maildir/new`))
    .map((name) => `${home}/Maildir/new/${name}`);
}

async function readOnly(world: TestWorld, id: string): Promise<string> {
  const paths = await shown(world, id);
  assert.equal(paths.length, 1);
  return latin1(await Deno.readFile(paths[0]!));
}

/** Serial numbers that the message is encrypted to, as openssl prints them. */
async function serialsOf(mail: string): Promise<string[]> {
  const printed = await openssl(
    { mail: octets(mail) },
    "cms -cmsout -print -in mail".split(" "),
  );
  return [...latin1(printed).matchAll(/serialNumber: (\S+)/g)]
    .map(([, serial]) => serial!).sort();
}

/** Serial numbers of the recipients of now, as openssl prints them. */
async function serialsWanted(world: TestWorld, id: string): Promise<string[]> {
  const serials = [];
  for (const each of await listRecipients(world.app.sql, id)) {
    const printed = await openssl(
      { pem: each.publicCertPem },
      "x509 -in pem -noout -serial".split(" "),
    );
    const hex = latin1(printed).trim().split("=")[1]!;
    serials.push(BigInt(`0x${hex}`).toString());
  }
  return serials.sort();
}

async function versionOf(world: TestWorld, id: string): Promise<number> {
  const [row] = await world.app.sql`
    select version from vaultboxes where id = ${id}
  `;
  return row!["version"];
}

const alice = user(ALICE);
const CAT = { domain: DOMAIN, alias: "cat" };
const KITTY = { domain: DOMAIN, alias: "kitty" };

const RECIPIENTS: [
  string,
  (world: TestWorld, id: string) => Promise<unknown>,
][] = [
  ["a renewal", async ({ app }) => {
    await generateCertificate(app, alice, { address: CAT });
  }],
  ["a hand-out of the newest", async ({ app }, id) => {
    const request = { vaultboxId: id, password: PASSWORD };
    await vaultboxPfx(app, alice, request, "modern");
  }],
  ["a retirement", async ({ app }, id) => {
    const [oldest] = await app.sql`
        select id from vaultbox_certs where vaultbox_id = ${id}
        order by created_at limit 1
      `;
    await setRetired(app, alice, {
      vaultboxId: id,
      certificateId: oldest!["id"],
    }, true);
  }],
  ["a certificate that is changed by hand", async ({ app }, id) => {
    await app.sql`
        update vaultbox_certs c set public_cert_pem = o.public_cert_pem,
          fingerprint_sha256 = o.fingerprint_sha256
        from vaultbox_certs o
        where c.vaultbox_id = ${id} and c.is_newest and o.vaultbox_id <> ${id}
      `;
  }],
  ["a generation that is deleted by hand", async ({ app }, id) => {
    await app.sql`
        delete from vaultbox_certs where vaultbox_id = ${id} and not is_newest
      `;
  }],
];
for (const [name, change] of RECIPIENTS) {
  Deno.test(`${name} during a delivery: the message is encrypted to the recipients of after it`, async () => {
    await using world = await testWorld();
    await makeBox(world, "fox");
    const id = await makeBox(world, "cat");
    const request = { vaultboxId: id, password: PASSWORD };
    await vaultboxPfx(world.app, alice, request, "modern");
    await generateCertificate(world.app, alice, { address: CAT });
    const intake = changedOnce(world, () => change(world, id));
    await send(intake, id);
    const mail = await readOnly(world, id);
    assert.deepEqual(await serialsOf(mail), await serialsWanted(world, id));
  });
}

Deno.test("a policy that is changed during a delivery is in force for it", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  const intake = changedOnce(
    world,
    () =>
      changeVaultbox(world.app, SERVICE, id, { headerProtection: "hide" }, {
        isExplicit: true,
      }),
  );
  await send(intake, id);
  const { header } = splitEntity(octets(await readOnly(world, id)));
  assert.doesNotMatch(latin1(header as unknown as Uint8Array), /Hello/);
});

const REFUSALS: [
  string,
  string,
  (w: TestWorld, id: string) => Promise<unknown>,
][] = [
  [
    "suspended",
    "vaultbox_suspended",
    (world, id) =>
      changeVaultbox(world.app, SERVICE, id, { status: "suspended" }),
  ],
  [
    "deleted",
    "unknown_vaultbox",
    (world, id) => removeVaultbox(world.app, alice, id),
  ],
  [
    "deleted, and its address given to another one",
    "unknown_vaultbox",
    async (world, id) => {
      await removeVaultbox(world.app, alice, id);
      await makeBox(world, "cat");
    },
  ],
  ["filled", "vaultbox_full", (world) =>
    // Counted a moment ago, so not counted again.
    world.app.sql`
      update vaultboxes
      set max_messages = 1, used_messages = 1, counted_at = now()
    `],
];
for (const [name, expected, change] of REFUSALS) {
  for (const isKnown of [false, true]) {
    Deno.test(`a vaultbox that is ${name} during a delivery gets nothing, ${isKnown ? "known from memory" : "looked up"}`, async () => {
      await using world = await testWorld();
      const id = await makeBox(world, "cat");
      if (isKnown) await send(world.intake, id);
      const before = (await shown(world, id)).length;
      const intake = changedOnce(world, () => change(world, id));
      await assert.rejects(send(intake, id), { code: expected });
      const after = name.startsWith("deleted") ? 0 : before;
      const [row] = await world.app.sql`select count(*) from messages`;
      assert.equal(row!["count"], after);
      // The intake removes it then.
      assert.equal((await shown(world, id)).length, before);
    });
  }
}

Deno.test("an alias that is taken away during a delivery, from memory, gets nothing", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  await createAlias(world.app, alice, id, KITTY);
  await send(world.intake, id, "kitty@pets.example");
  await removeAlias(world.app, alice, id, KITTY);
  // Nobody told the memory.
  await assert.rejects(
    send(world.intake, id, "kitty@pets.example"),
    { code: "unavailable" },
  );
  assert.equal((await shown(world, id)).length, 1);
});

Deno.test("an alias that has another vaultbox by then is no longer its former one's", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const fox = await makeBox(world, "fox");
  await createAlias(world.app, alice, cat, KITTY);
  const intake = changedOnce(world, async () => {
    await removeAlias(world.app, alice, cat, KITTY);
    await createAlias(world.app, alice, fox, KITTY);
  });
  await assert.rejects(
    send(intake, cat, "kitty@pets.example"),
    { code: "unavailable" },
  );
  assert.deepEqual(await shown(world, cat), []);
  await send(intake, fox, "kitty@pets.example");
  assert.equal((await shown(world, fox)).length, 1);
});

Deno.test("mail without a route goes to the vaultbox that its address has when the row is made", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const fox = await makeBox(world, "fox");
  await createAlias(world.app, alice, cat, KITTY);
  await send(world.intake, "unrouted", "kitty@pets.example");
  assert.equal((await shown(world, cat)).length, 1);
  // Known from memory until then.
  const intake = changedOnce(world, async () => {
    await removeAlias(world.app, alice, cat, KITTY);
    await createAlias(world.app, alice, fox, KITTY);
  });
  await send(intake, "unrouted", "kitty@pets.example");
  assert.equal((await shown(world, cat)).length, 1);
  assert.equal((await shown(world, fox)).length, 1);
});

Deno.test("a catch-all that another vaultbox gets during a delivery takes the message along", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  const fox = await makeBox(world, "fox");
  await setCatchAll(world.app, alice, DOMAIN, cat);
  const intake = changedOnce(
    world,
    () => setCatchAll(world.app, alice, DOMAIN, fox),
  );
  await send(intake, "unrouted", "whoever@pets.example");
  assert.deepEqual(await shown(world, cat), []);
  assert.equal((await shown(world, fox)).length, 1);
});

Deno.test("an address that gets a holder during a delivery to the catch-all leaves it there: it was accepted before", async () => {
  await using world = await testWorld();
  const cat = await makeBox(world, "cat");
  await setCatchAll(world.app, alice, DOMAIN, cat);
  const intake = changedOnce(world, () => makeBox(world, "owl"));
  await send(intake, "unrouted", "owl@pets.example");
  assert.equal((await shown(world, cat)).length, 1);
  // What comes later is not the catch-all's, though nobody told the memory.
  const { vaultboxId } = await send(
    world.intake,
    "unrouted",
    "owl@pets.example",
  );
  assert.notEqual(vaultboxId, cat);
});

Deno.test("a vaultbox that changes during each attempt is refused for now, and nothing is left", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  let attempts = 0;
  const intake = interrupted(world, async (attempt) => {
    attempts = attempt + 1;
    await world.app.sql`update vaultboxes set status = 'active'`;
  });
  await assert.rejects(send(intake, id), { code: "unavailable" });
  assert.equal(attempts, 5);
  assert.deepEqual(await shown(world, id), []);
});

Deno.test("deliveries, recounts, names and limits raise no version", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  const before = await versionOf(world, id);
  await send(world.intake, id);
  await world.app
    .sql`update vaultboxes set used_messages = 0, counted_at = now()`;
  await changeVaultbox(world.app, SERVICE, id, { name: "x", maxMessages: 9 });
  await createAlias(world.app, alice, id, KITTY);
  assert.equal(await versionOf(world, id), before);
  await removeAlias(world.app, alice, id, KITTY);
  assert.ok(await versionOf(world, id) > before);
});

for (const isRouted of [true, false]) {
  Deno.test(`the second delivery ${isRouted ? "by a route" : "by an address alone"} asks the database for nothing before its row`, async () => {
    await using world = await testWorld();
    const vaultboxId = await makeBox(world, "cat");
    const id = isRouted ? vaultboxId : "unrouted";
    await send(world.intake, id);
    const silent = connect(world.database.url("vaultmail"), { max: 1 });
    await silent.end();
    // Every query of this pool fails.
    await send({ ...world.intake, sql: silent }, id);
    assert.equal((await shown(world, vaultboxId)).length, 2);
    await assert.rejects(
      send({ ...world.intake, sql: silent }, id, "a@b.example"),
    );
  });
}

Deno.test("a full vaultbox is not kept in memory, so mail for it is refused before it is encrypted", async () => {
  await using world = await testWorld();
  const id = await makeBox(world, "cat");
  await changeVaultbox(world.app, SERVICE, id, { maxMessages: 1 });
  await send(world.intake, id);
  await assert.rejects(send(world.intake, id), { code: "vaultbox_full" });
  const intake = interrupted(
    world,
    () => Promise.reject(new AppError("internal", "It came as far as the row")),
  );
  await assert.rejects(send(intake, id), { code: "vaultbox_full" });
});

function known(world: TestWorld, id: string): boolean {
  const wanted = { route: id, ...CAT, acceptedAt: undefined };
  return world.intake.memory.find(wanted) !== undefined;
}

Deno.test("the memory forgets what the database says has changed, and nothing else", async () => {
  await using world = await testWorld();
  const stop = await followVaultboxes(world.intake);
  try {
    const id = await makeBox(world, "cat");
    const fox = await makeBox(world, "fox");
    await send(world.intake, id);
    await createAlias(world.app, alice, fox, KITTY);
    await changeVaultbox(world.app, SERVICE, fox, { status: "suspended" });
    await changeVaultbox(world.app, SERVICE, id, { name: "Tom" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(known(world, id), true);
    await generateCertificate(world.app, alice, { address: CAT });
    await until("it is forgotten", () => !known(world, id));
    await send(world.intake, id);
    assert.equal(known(world, id), true);
    await removeVaultbox(world.app, alice, id);
    await until("it is forgotten", () => !known(world, id));
  } finally {
    await stop();
  }
});

Deno.test("the memory forgets everything when the listening connection was lost", async () => {
  await using world = await testWorld();
  const stop = await followVaultboxes(world.intake);
  const admin = connect(world.database.url("postgres"), { max: 1 });
  try {
    const id = await makeBox(world, "cat");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await send(world.intake, id);
    assert.equal(known(world, id), true);
    const ended = await admin`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query ilike 'listen%'
    `;
    assert.equal(ended.length, 1);
    await until("it is forgotten", () => !known(world, id));
  } finally {
    await admin.end();
    await stop();
  }
});
