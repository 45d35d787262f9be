import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { runAlone } from "../../src/db/maintenance.ts";
import { VERIFICATION_LOCK } from "../../src/db/verifications.ts";
import { type TestWorld, testWorld } from "../helpers/app.ts";
import { until } from "../helpers/until.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const KEY = new Uint8Array(32).fill(9);
const USER = "11111111-1111-4111-8111-111111111111";

interface Ran {
  readonly code: number;
  readonly lines: string[];
  readonly err: string;
}

/** The command as the wrapper starts it: as the role of the mail user. */
async function command(
  world: TestWorld,
  ...args: string[]
): Promise<Deno.Command> {
  const key = `${world.directory}/hmac.key`;
  await Deno.writeTextFile(key, KEY.toHex());
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", `${ROOT}main.ts`, "verify", ...args],
    env: {
      NO_COLOR: "1",
      ENCIMAP_CONFIG_FILE: "/dev/null",
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_DATABASE_URL: world.database.url("vaultmail"),
      ENCIMAP_HMAC_KEY_FILE: key,
      MAILDIR_BASE_PATH: `${world.directory}/mail`,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function verify(world: TestWorld, ...args: string[]): Promise<Ran> {
  const { code, stdout, stderr } = await (await command(world, ...args))
    .output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).trimEnd().split("\n");
  return { code, lines, err: decoder.decode(stderr) };
}

/** Makes vaultboxes c0@pets.example, …, in the order of their ids. */
async function boxes(world: TestWorld, count: number): Promise<string[]> {
  const { sql } = world.database;
  await sql`insert into domains (domain, user_id) values ('pets.example', ${USER})`;
  const ids = Array.from(
    { length: count },
    (_, n) => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`,
  );
  await sql`
    insert into vaultboxes (id, user_id, domain, alias, name)
    select id, ${USER}, 'pets.example', 'c' || (n - 1), 'c'
    from unnest(${ids}::uuid[]) with ordinality as u (id, n)
  `;
  await sql`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select domain, alias, id, 'own' from vaultboxes
  `;
  return ids;
}

/** Stores a message as the intake does; gives its path. */
async function put(
  world: TestWorld,
  id: string,
  content: string,
): Promise<string> {
  const octets = new TextEncoder().encode(content);
  const hmac = createHmac("sha256", KEY).update(octets).digest("hex");
  const message = crypto.randomUUID();
  const file = `1.M1R${message}-1.mail`;
  const { sql } = world.database;
  await sql`
    insert into messages (id, vaultbox_id, to_alias, size_bytes, storage)
    values (${message}, ${id}, 'c', ${octets.length},
      ${sql.json({ file, hmac, encrypted_by: "appliance" })})
  `;
  await sql`
    update vaultboxes set message_count = message_count + 1,
      total_bytes = total_bytes + ${octets.length} where id = ${id}
  `;
  const folder = `${world.directory}/mail/${id}/Maildir/cur`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(`${folder}/${file}:2,`, octets);
  return `${folder}/${file}:2,`;
}

Deno.test("encimap verify says that all is well, names what is not, and its exit status tells", async () => {
  await using world = await testWorld();
  const [first, second] = await boxes(world, 2);
  await put(world, first!, "one");
  const path = await put(world, second!, "two");
  const clean = await verify(world);
  assert.deepEqual([clean.code, clean.err], [0, ""]);
  assert.equal(clean.lines[0], "2 vaultbox(es), 2 file(s), 0 MiB");
  await Deno.writeTextFile(path, "TWO");
  const named = await verify(world, "c1@pets.example", first!);
  assert.equal(named.code, 2);
  assert.deepEqual(named.lines.slice(0, 2), [
    `altered\tc1@pets.example\t${
      path.split("/mail/")[1]
    }\tnot as it was stored`,
    "2 vaultbox(es), 2 file(s), 0 MiB",
  ]);
  assert.equal((await verify(world, "c0@pets.example")).code, 0);
  assert.equal((await verify(world, "nobody@pets.example")).code, 1);
});

Deno.test("encimap verify escapes names for terminals, and --json gives them as they are", async () => {
  await using world = await testWorld();
  const [id] = await boxes(world, 1);
  const folder = (await put(world, id!, "one")).replace(/[^/]*$/, "");
  const name = "1.x\n\x1b[31mred\u202e\\";
  await Deno.writeTextFile(`${folder}${name}`, "x");
  const { lines } = await verify(world);
  assert.equal(
    lines[0],
    `foreign\tc0@pets.example\t${id}/Maildir/cur/1.x\\u{a}\\u{1b}[31mred\\u{202e}\\u{5c}\tin INBOX, not stored by the appliance`,
  );
  const json = await verify(world, "--json");
  assert.equal(json.code, 2);
  assert.deepEqual(json.lines.map((line) => JSON.parse(line)), [
    {
      finding: "foreign",
      "vaultbox_id": id,
      address: "c0@pets.example",
      path: `${id}/Maildir/cur/${name}`,
    },
    {
      summary: {
        vaultboxes: 1,
        files: 2,
        bytes: 4,
        altered: 0,
        foreign: 1,
        strange: 0,
        unreadable: 0,
        ownerless: 0,
        client: 0,
      },
    },
  ]);
});

Deno.test("encimap verify --all names what clients have stored, which is no finding", async () => {
  await using world = await testWorld();
  const [id] = await boxes(world, 1);
  const folder = `${world.directory}/mail/${id}/Maildir/.Sent/cur`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/1`, "x");
  const some = await verify(world);
  assert.deepEqual([some.code, some.lines.length], [0, 3]);
  assert.equal(some.lines[2], "Stored by clients outside INBOX: 1");
  const all = await verify(world, "--all");
  assert.equal(all.code, 0);
  assert.equal(
    all.lines[0],
    `client\tc0@pets.example\t${id}/Maildir/.Sent/cur/1`,
  );
});

Deno.test("encimap verify goes on after kill -9 where it was, and tells what it had found", async () => {
  await using world = await testWorld();
  const ids = await boxes(world, 400);
  for (const id of ids) await put(world, id, id);
  const altered = await put(world, ids[0]!, "x");
  await Deno.writeTextFile(altered, "y");
  const { sql } = world.database;
  const verified = (): Promise<{ id: string; at: string }[]> =>
    sql<{ id: string; at: string }[]>`
      select vaultbox_id as id, verified_at::text as at from verifications
      order by 1
    `.then((rows) => [...rows]);
  const process = (await command(world)).spawn();
  await until("some are verified", async () => (await verified()).length > 20);
  process.kill("SIGKILL");
  assert.equal((await process.output()).signal, "SIGKILL");
  const before = await verified();
  assert.ok(before.length < ids.length, "killed in the middle");
  const resumed = await verify(world);
  assert.equal(resumed.code, 2);
  assert.match(
    resumed.lines[0]!,
    RegExp(`^Going on with the run of .*, ${before.length} vaultbox`),
  );
  assert.equal(resumed.lines[1], "It found something in c0@pets.example");
  assert.equal(resumed.lines[2], "400 vaultbox(es), 401 file(s), 0 MiB");
  const after = await verified();
  assert.deepEqual(after.slice(0, before.length), before);
  assert.equal(after.length, ids.length);
  // The run is over: the next one is a new one, and names the file again.
  const anew = await verify(world);
  assert.match(anew.lines[0]!, /^altered\tc0@pets\.example\t/);
});

Deno.test("encimap verify says by its exit status that another run is at it", async () => {
  await using world = await testWorld();
  const ran = await runAlone(
    world.database.sql,
    VERIFICATION_LOCK,
    () => verify(world),
  );
  assert.equal(ran?.code, 75);
  assert.match(ran!.err, /Another run is at it/);
});

Deno.test("encimap verify takes no more memory for large and many files", async () => {
  await using world = await testWorld();
  const [small, large] = await boxes(world, 2);
  await put(world, small!, "one");
  const many = await put(world, large!, "two");
  const folder = many.replace(/[^/]*$/, "");
  for (let n = 0; n < 5000; n++) await Deno.link(many, `${folder}${n}:2,`);
  const { sql } = world.database;
  const size = 300 * 2 ** 20;
  await sql`
    insert into messages (id, vaultbox_id, to_alias, size_bytes, storage)
    values (gen_random_uuid(), ${large!}, 'c', ${size}, '{"hmac": "x"}')
  `;
  await Deno.writeTextFile(`${folder}large`, "");
  await Deno.truncate(`${folder}large`, size);
  const peak = async (id: string, found: number): Promise<number> => {
    const process = (await command(world, id)).spawn();
    let kib = 0;
    const timer = setInterval(() => {
      try {
        const text = Deno.readTextFileSync(`/proc/${process.pid}/status`);
        kib = Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? kib);
      } catch {
        // It has ended.
      }
    }, 20);
    const { code } = await process.output();
    clearInterval(timer);
    assert.equal(code, found);
    return kib;
  };
  const [least, most] = [await peak(small!, 0), await peak(large!, 2)];
  assert.ok(most - least < 60_000, `${most} KiB against ${least} KiB`);
});
