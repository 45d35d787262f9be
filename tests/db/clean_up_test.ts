import assert from "node:assert/strict";
import { cleanUp } from "../../src/vaultbox/clean_up.ts";
import { saveDeliveryCounts } from "../../src/vaultbox/delivery_counts.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { report } from "../../src/vaultbox/report.ts";
import { connect } from "../../src/db/connect.ts";
import {
  ALICE,
  makeBox,
  SERVICE,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";

const DELETED = [
  "entries of the audit log",
  "former addresses",
  "counts of deliveries",
  "runs of verification",
];

function quietly(world: TestWorld, dryRun = false) {
  return cleanUp(world.app, { dryRun, progress: () => {} });
}

async function prepare(world: TestWorld): Promise<void> {
  const { sql } = world.app;
  const ago = (days: number) => sql`now() - ${days} * interval '1 day'`;
  for (const days of [731, 729]) {
    await sql`
      insert into audit_log (at, actor, action, user_id)
      values (${ago(days)}, 'operator', ${`days ${days}`}, ${ALICE})
    `;
  }
  for (const days of [91, 89]) {
    await sql`
      insert into former_addresses (domain, alias, removed_at, held_since)
      values ('pets.example', ${`days${days}`}, ${ago(days)}, '-infinity')
    `;
  }
  for (const days of [801, 799]) {
    await sql`
      insert into delivery_counts values (${ago(days)}, 'stored', 1, 1)
    `;
  }
  for (const days of [100, 95, 91]) {
    await sql`
      insert into verification_runs (started_at, ended_at)
      values (${ago(days)}, ${ago(days)})
    `;
  }
}

Deno.test("the clean-up deletes what is older than the settings say, and nothing else", async () => {
  await using world = await testWorld();
  const { sql } = world.app;
  const id = await makeBox(world);
  await prepare(world);
  const [run] =
    await sql`select id from verification_runs order by id offset 1`;
  await sql`
    insert into verifications (vaultbox_id, run_id, files, bytes, altered,
      foreign_files, strange, unreadable, by_client)
    values (${id}, ${run!["id"]}, 0, 0, 0, 0, 0, 0, 0)
  `;
  const counts = (done: Awaited<ReturnType<typeof quietly>>) =>
    done!.deleted.map(({ name, count }) => [name, count]);
  const expected = DELETED.map((name) => [name, 1]);
  assert.deepEqual(counts(await quietly(world, true)), expected);
  assert.deepEqual(counts(await quietly(world)), expected);
  assert.deepEqual(counts(await quietly(world)), DELETED.map((n) => [n, 0]));
  const actions = await sql`select action from audit_log order by at`;
  assert.equal(actions[0]!["action"], "days 729");
  assert.deepEqual(
    [...await sql`select alias from former_addresses`],
    [{ alias: "days89" }],
  );
  assert.equal((await sql`select from delivery_counts`).length, 1);
  assert.equal((await sql`select from verification_runs`).length, 2);
});

Deno.test("more rows than one statement deletes are deleted all the same", async () => {
  await using world = await testWorld();
  await world.app.sql`
    insert into audit_log (at, actor, action)
    select now() - interval '800 days', 'operator', 'x'
    from generate_series(1, 10001)
  `;
  const done = await quietly(world);
  assert.equal(done!.deleted[0]!.count, 10_001);
});

Deno.test("with ENCIMAP_AUDIT_DAYS=0 the audit log is kept for ever", async () => {
  await using world = await testWorld({ ENCIMAP_AUDIT_DAYS: "0" });
  await prepare(world);
  const done = await quietly(world);
  assert.deepEqual(
    done!.deleted.map(({ name }) => name),
    DELETED.slice(1),
  );
  assert.equal((await world.app.sql`select from audit_log`).length, 2);
});

Deno.test("counts of deliveries are added up in the database, and kept while it is away", async () => {
  await using world = await testWorld();
  const { intake, app } = world;
  const deliver = (octets: number) =>
    intake.metrics.stored("lmtp", {
      repeated: false,
      octets,
      began: performance.now(),
    });
  deliver(10);
  intake.metrics.refused("socket", "unknown_vaultbox");
  await saveDeliveryCounts(intake);
  deliver(5);
  const away = connect("postgresql://encimap@%2Fnonexistent/db", { max: 1 });
  const ending = away.end({ timeout: 0 });
  await assert.rejects(saveDeliveryCounts({ ...intake, sql: away }));
  await ending;
  await saveDeliveryCounts(intake);
  await saveDeliveryCounts(intake);
  const rows = await app.sql`
    select outcome, deliveries, bytes from delivery_counts order by 1
  `;
  assert.deepEqual([...rows], [
    { outcome: "stored", deliveries: 2, bytes: 15 },
    { outcome: "unknown_vaultbox", deliveries: 1, bytes: 0 },
  ]);
});

Deno.test("the report says what there is, what came and what ends, and names nobody", async () => {
  await using world = await testWorld();
  const { app, intake } = world;
  const { sql } = app;
  const id = await makeBox(world, "cat");
  const gone = await makeBox(world, "dog");
  await removeVaultbox(app, SERVICE, gone);
  await sql`
    update vaultbox_certs set not_before = now() - interval '1 year',
      not_after = now() + interval '10 days'
  `;
  await sql`
    update vaultboxes set used_messages = 3, used_bytes = 5 * 1048576
  `;
  const began = performance.now();
  const octets = 2_097_152;
  intake.metrics.stored("lmtp", { repeated: false, octets, began });
  intake.metrics.refused("lmtp", "vaultbox_full");
  intake.metrics.refused("lmtp", "vaultbox_full");
  await saveDeliveryCounts(intake);
  await sql`
    insert into delivery_counts values (current_date - 93, 'stored', 500, 500)
  `;
  const text = (await report(app, 92)).join("\n");
  for (
    const line of [
      /^Vaultboxes: 1, of them suspended 0, full 0$/m,
      /^ {2}made 2, deleted 1$/m,
      /^Mail in them: 3 message\(s\), 5 MiB$/m,
      /^Deliveries: stored 1, 2 MiB as they came; repeated 0$/m,
      /^ {2}vaultbox_full 2$/m,
      /^Certificates: ended 0, renewals overdue 1$/m,
      /^ {2}end within 30 days 1, within 90 days 1$/m,
      /^Verification: never ran to its end$/m,
    ]
  ) {
    assert.match(text, line);
  }
  assert.match(text, new RegExp(`custody server: vaultbox ${id}$`, "m"));
  assert.doesNotMatch(text, /@|pets\.example/);
  assert.ok(!text.includes(ALICE));
});
