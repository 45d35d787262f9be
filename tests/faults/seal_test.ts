import assert from "node:assert/strict";
import { finishDeliveries } from "../../src/vaultbox/leftovers.ts";
import { Sightings } from "../../src/vaultbox/sightings.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { findings } from "../helpers/findings.ts";
import { openedIn } from "../helpers/opened.ts";
import { isMissing, run } from "../helpers/openssl.ts";

const PROGRAM = new URL("../../dist/encimap", import.meta.url).pathname;
const COUNT = 3;

/** System calls before which the process is killed, and the how many-th it is. */
const STEPS: readonly (readonly [calls: string, when: number])[] = [
  ["openat", 0],
  ["fsync,fdatasync", 1],
  ["fsync,fdatasync", 2],
  ["rename,renameat,renameat2", 1],
  ["fsync,fdatasync", 3],
  ["unlink,unlinkat", 1],
  ["unlink,unlinkat", 2],
  ["unlink,unlinkat", 4],
  ["fsync,fdatasync", 4],
  ["rename,renameat,renameat2", 2],
];

/** Runs a command to its end or its death. */
async function encimap(
  world: TestWorld,
  args: readonly string[],
  kill?: readonly [calls: string, when: number],
): Promise<number> {
  const key = `${world.directory}/hmac.key`;
  await Deno.writeTextFile(key, "09".repeat(32));
  const under = kill === undefined || kill[1] === 0 ? [] : [
    ...["strace", "-f", "-qq", "-o", "/dev/null"],
    ...["-e", `trace=${kill[0]}`],
    ...["-e", `inject=${kill[0]}:signal=KILL:when=${kill[1]}`],
  ];
  const [program, ...rest] = [...under, PROGRAM, ...args];
  const { code } = await new Deno.Command(program!, {
    args: rest,
    env: {
      ENCIMAP_CONFIG_FILE: "/dev/null",
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_DATABASE_URL: world.database.url("vaultmail"),
      ENCIMAP_HMAC_KEY_FILE: key,
      MAILDIR_BASE_PATH: `${world.directory}/mail`,
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return code;
}

async function write(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (let n = 1; n <= COUNT; n++) {
    const text = `From: cat@pets.example\n\nsecret-words ${n}\n`;
    await Deno.writeTextFile(`${folder}/${n}.M1P1.mail:2,S`, text);
  }
}

/** What is there of each message: in clear, and sealed. */
async function census(world: TestWorld, id: string): Promise<string[]> {
  const cwd = `${world.directory}/mail/${id}/Maildir`;
  const found = await run("grep", ["-rhoa", "secret-words [0-9]", "."], {
    cwd,
    statuses: [0, 1],
  });
  return new TextDecoder().decode(found).split("\n").filter((each) => each);
}

const ALL = Array.from({ length: COUNT }, (_, n) => `secret-words ${n + 1}`);

/** Texts of the messages that can be opened. */
async function sealed(world: TestWorld, id: string): Promise<string[]> {
  const maildir = `${world.directory}/mail/${id}/Maildir`;
  const clear = `${world.directory}/clear`;
  // What is in clear is put aside for openssl.
  await Deno.mkdir(clear, { recursive: true });
  const names = await run("grep", ["-rla", "secret-words", "."], {
    cwd: maildir,
    statuses: [0, 1],
  });
  const paths = new TextDecoder().decode(names).split("\n").filter((p) => p);
  for (const [n, path] of paths.entries()) {
    await Deno.rename(`${maildir}/${path}`, `${clear}/${n}`);
  }
  const opened = [...(await openedIn(world, id)).values()];
  for (const [n, path] of paths.entries()) {
    await Deno.rename(`${clear}/${n}`, `${maildir}/${path}`);
  }
  return opened.map((text) => text.trim());
}

for (const [calls, when] of STEPS) {
  Deno.test({
    name:
      `a message is in clear or sealed when sealing is killed at ${calls} ${when}, and sealed once afterwards`,
    ignore: isMissing("strace"),
  }, async () => {
    await using world = await testWorld();
    const id = await makeBox(world);
    const maildir = `${world.directory}/mail/${id}/Maildir`;
    await write(`${maildir}/.Sent/cur`);
    // As Dovecot has it of mail whose beginning a client has asked for.
    const cache = `${maildir}/.Sent/dovecot.index.cache`;
    await Deno.writeTextFile(cache, "secret-preview");
    // As a backup that was killed has left it.
    const frozen = `${world.directory}/mail/.backup/${id}`;
    await Deno.mkdir(`${world.directory}/mail/.backup`);
    await run("cp", ["-rl", maildir, frozen], { cwd: "/" });
    const code = await encimap(world, ["seal"], [calls, when]);
    // strace counts for each thread: a later one may not come.
    if (when === 1) assert.notEqual(code, 0, "it was not killed");
    const there = new Set([
      ...await census(world, id),
      ...await sealed(world, id),
    ]);
    assert.deepEqual([...there].sort(), ALL);
    // The intake may do its part before the next run, or not.
    if (when % 2 === 1) await finishDeliveries(world.intake, new Sightings());
    assert.equal(await encimap(world, ["seal"]), 0);
    assert.deepEqual(await census(world, id), []);
    assert.deepEqual((await sealed(world, id)).sort(), ALL);
    assert.deepEqual(await findings(world, id), []);
    const left = await run("grep", ["-rla", "secret-", "mail"], {
      cwd: world.directory,
      statuses: [0, 1],
    });
    assert.equal(new TextDecoder().decode(left), "");
  });
}

for (const [calls, when] of STEPS) {
  if (calls.startsWith("unlink")) continue;
  Deno.test({
    name:
      `an import that is killed at ${calls} ${when} is gone on with, and nothing comes in twice`,
    ignore: isMissing("strace"),
  }, async () => {
    await using world = await testWorld();
    const id = await makeBox(world);
    const source = `${world.directory}/source`;
    await write(`${source}/cur`);
    const args = ["import", id, "--maildir", source];
    const code = await encimap(world, args, [calls, when]);
    // strace counts for each thread: a later one may not come.
    if (when === 1) assert.notEqual(code, 0, "it was not killed");
    if (when % 2 === 1) await finishDeliveries(world.intake, new Sightings());
    assert.equal(await encimap(world, args), 0);
    await finishDeliveries(world.intake, new Sightings());
    assert.deepEqual((await sealed(world, id)).sort(), ALL);
    assert.deepEqual(await findings(world, id), []);
  });
}
