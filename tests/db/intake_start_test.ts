import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "../../src/db/connect.ts";
import { makeBox, testWorld } from "../helpers/app.ts";
import { testPgHost } from "../helpers/database.ts";
import { startIntakeProcess } from "../helpers/intake_process.ts";
import { lmtpClient } from "../helpers/lmtp.ts";
import { until } from "../helpers/until.ts";

const MAIL = "From: a@b.example\r\n\r\ntext\r\n";

function ask(
  socketPath: string,
  method: string,
  path: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path, method, agent: false },
      async (response) => {
        const chunks = await Array.fromAsync(response.setEncoding("utf8"));
        resolve({ status: response.statusCode!, text: chunks.join("") });
      },
    );
    asked.on("error", reject);
    asked.end(method === "POST" ? MAIL : undefined);
  });
}

Deno.test("an intake that starts before its database refuses mail for now, says why, and takes it as soon as it can", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  const away = `${world.directory}/pg`;
  await Deno.mkdir(away);
  const url = new URL(world.database.url("vaultmail"));
  url.hostname = encodeURIComponent(away);
  await using intake = await startIntakeProcess(world, {
    ENCIMAP_DATABASE_URL: url.href,
  });
  const health = await ask(intake.socket, "GET", "/health");
  assert.equal(health.status, 503);
  assert.match(health.text, /Database is not available/);
  const path =
    `/intake/messages?vaultbox_id=${id}&recipient=cat@pets.example&queue_id=q`;
  assert.equal((await ask(intake.socket, "POST", path)).status, 503);
  using client = lmtpClient(`${world.directory}/process.lmtp.sock`);
  client.send(
    "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<cat@pets.example>\r\nDATA\r\n",
  );
  assert.match((await client.replies(5))[4]!, /^451 4\.3\.2 Database/);
  const name = ".s.PGSQL.5432";
  await Deno.symlink(`${testPgHost()}/${name}`, `${away}/${name}`);
  await until(
    "mail is taken",
    async () => (await ask(intake.socket, "POST", path)).status === 200,
  );
  assert.equal((await ask(intake.socket, "GET", "/health")).status, 200);
  // What follows the start is done, too.
  const admin = connect(world.database.url("postgres"), { max: 1 });
  await until("the intake listens for changes", async () => {
    const [row] = await admin`
      select count(*) as count from pg_stat_activity
      where datname = current_database() and query ilike 'listen%'
    `;
    return row!["count"] > 0;
  });
  await admin.end();
});

Deno.test("an intake waits for the schema to be migrated, and says so", async () => {
  await using world = await testWorld();
  const admin = world.database.sql;
  const [last] = await admin`
    delete from schema_migrations
    where version = (select max(version) from schema_migrations) returning *
  `;
  await using intake = await startIntakeProcess(world);
  const { status, text } = await ask(intake.socket, "GET", "/health");
  assert.equal(status, 503);
  assert.match(text, /run \\"encimap migrate\\"/);
  await admin`insert into schema_migrations ${admin(last!)}`;
  await until(
    "it is healthy",
    async () => (await ask(intake.socket, "GET", "/health")).status === 200,
  );
});

Deno.test("an intake that the schema excludes ends", async () => {
  await using world = await testWorld();
  await world.database.sql`
    insert into schema_migrations (version, name, excludes_older)
    values (9999, 'later', 'it counts otherwise')
  `;
  const reason = "install the newer program";
  const starts = startIntakeProcess(world);
  // It may end before it was seen to listen.
  const early = await starts.then(() => "", (error) => String(error));
  if (early.includes(reason)) return;
  await using intake = await starts;
  await until(
    "it has ended",
    () => Promise.resolve(intake.log().includes(reason)),
  );
});
