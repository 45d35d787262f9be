import assert from "node:assert/strict";
import { connect, type Pool } from "../../src/db/connect.ts";
import { runAlone } from "../../src/db/maintenance.ts";
import { cutProxy } from "../helpers/cut_proxy.ts";
import { testDatabase } from "../helpers/database.ts";

// An error that nothing catches ends the process, and here the test.

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function withCuts(
  test: (sql: Pool, cut: () => void) => Promise<void>,
): Promise<void> {
  await using database = await testDatabase();
  await using proxy = await cutProxy(database, "encimap");
  const sql = connect(proxy.url, { max: 2 });
  try {
    await sql`select 1`;
    await test(sql, proxy.cut);
    // Every connection is of use again, and at once.
    const begun = performance.now();
    await Promise.all([sql`select pg_sleep(0.1)`, sql`select pg_sleep(0.1)`]);
    assert.ok(performance.now() - begun < 4000);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

Deno.test("a transaction whose connection is lost in the middle of a query fails", () =>
  withCuts(async (sql, cut) => {
    setTimeout(cut, 100);
    const lost = sql.begin((tx) => tx`select pg_sleep(5)`);
    await assert.rejects(lost, { code: "CONNECTION_CLOSED" });
    await sleep(100);
  }));

Deno.test("a transaction whose connection is lost between two queries fails", () =>
  withCuts(async (sql, cut) => {
    const lost = sql.begin(async (tx) => {
      await tx`select 1`;
      cut();
      await sleep(200);
      await tx`select 2`;
    });
    await assert.rejects(lost, { code: "CONNECTION_CLOSED" });
    await sleep(300);
  }));

Deno.test("a transaction whose connection is lost before its end fails", () =>
  withCuts(async (sql, cut) => {
    const lost = sql.begin(async (tx) => {
      await tx`select 1`;
      cut();
      await sleep(200);
    });
    await assert.rejects(lost, { code: "CONNECTION_CLOSED" });
    await sleep(300);
  }));

Deno.test("queries and transactions whose connections are lost again and again end, one way or the other", () =>
  withCuts(async (sql, cut) => {
    const end = performance.now() + 4000;
    const isOpen = (): boolean => performance.now() < end;
    const cutting = (async () => {
      while (isOpen()) {
        await sleep(Math.random() * 60);
        cut();
      }
    })();
    let answers = 0;
    let losses = 0;
    const ask = async (): Promise<void> => {
      while (isOpen()) {
        const long = "x".repeat(Math.random() * 2000);
        const asked: Promise<unknown> = Math.random() < 0.5
          ? sql`select ${long}::text`
          : sql.begin(async (tx) => {
            await tx`select 1`;
            await sleep(Math.random() * 5);
            await tx`select ${long}::text`;
          });
        await asked.then(() => answers++, () => losses++);
        await sleep(Math.random() * 10);
      }
    };
    await Promise.all([cutting, ...Array.from({ length: 6 }, ask)]);
    assert.ok(answers > 0 && losses > 0, `${answers} and ${losses}`);
  }));

Deno.test("a task that runs alone ends by itself where its lock is lost", () =>
  withCuts(async (sql, cut) => {
    const result = await runAlone(sql, 4711, async () => {
      assert.equal(
        await runAlone(sql, 4711, () => Promise.resolve(1)),
        undefined,
      );
      cut();
      await sleep(200);
      return 2;
    });
    assert.equal(result, 2);
  }));

Deno.test("a file that cannot be had fails a transaction and a task that runs alone at once", () =>
  withCuts(async (sql) => {
    const read = (): Promise<unknown> => Deno.readFile("/nonexistent/file");
    const failed = sql.begin(async (tx) => {
      await tx`select 1`;
      await read();
    });
    await assert.rejects(failed, Deno.errors.NotFound);
    await assert.rejects(runAlone(sql, 4711, read), Deno.errors.NotFound);
    assert.equal(
      await runAlone(sql, 4711, () => Promise.resolve(1)),
      1,
    );
  }));

Deno.test("arrays come to the database and back as they are", () =>
  withCuts(async (sql) => {
    const texts = ["", 'a"b', "c\\d", "e,f", "{g}", "NULL", "ü"];
    const found = await sql<{ text: string }[]>`
      select unnest(${texts}::text[]) as text
    `;
    assert.deepEqual(found.map(({ text }) => text), texts);
    const ids = [crypto.randomUUID(), crypto.randomUUID()];
    const networks = ["192.0.2.0/24", "2001:db8::/32"];
    const [row] = await sql`
      select ${ids}::uuid[] as ids, ${[] as string[]}::uuid[] as none,
        ${networks}::text[]::cidr[] as networks, null::uuid[] as absent
    `;
    assert.deepEqual({ ...row }, { ids, none: [], networks, absent: null });
  }));
