import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  startAppliance,
} from "../helpers/appliance.ts";
import { decrypt, latin1 } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

const PASSWORD = "correct horse battery";
const ROUNDS = 8;
const MESSAGES = 5;

async function makeBox(appliance: Appliance, alias: string): Promise<string> {
  const { out, code, err } = await appliance.encimap(
    ...["vaultbox", "create", `${alias}@pets.example`, "--user", ALICE],
  );
  assert.equal(code, 0, err);
  return out.trim();
}

/** The numbers in the messages of a vaultbox, decrypted. */
async function numbers(appliance: Appliance, id: string): Promise<string[]> {
  const request = { "vaultbox_id": id, password: PASSWORD };
  const p12 = await appliance.download("/p12", request);
  const found: string[] = [];
  for (const path of await appliance.inbox(id)) {
    const inner = await decrypt(await Deno.readFile(path), p12, PASSWORD);
    found.push(/number (\S+)/.exec(latin1(inner))![1]!);
  }
  return found.sort();
}

async function queueIsEmpty(appliance: Appliance): Promise<boolean> {
  await appliance.postfix("postqueue", "-f");
  return (await appliance.postfix("postqueue", "-j")).out === "";
}

function message(number: string): string {
  return `From: a@b.example\r\nSubject: x\r\n\r\nnumber ${number}\r\n`;
}

Deno.test({
  name: `faults lose, double and bounce nothing${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const cat = await makeBox(appliance, "cat");

  await t.step(
    `an intake killed ${ROUNDS} times under load stores each mail once`,
    async () => {
      const sent: string[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < MESSAGES; i++) {
          const number = `${round}.${i}`;
          const result = await appliance.send(
            message(number),
            "cat@pets.example",
          );
          assert.equal(result.code, 0, result.err);
          sent.push(number);
        }
        // Somewhere in the deliveries that are under way.
        await new Promise((resolve) => setTimeout(resolve, round * 40));
        await appliance.intake.stop("SIGKILL");
        await appliance.intake.start();
      }
      await until("the queue is empty", () => queueIsEmpty(appliance));
      assert.deepEqual(await numbers(appliance, cat), sent.sort());
      const staged = await Array.fromAsync(
        Deno.readDir(`${appliance.directory}/mail/${cat}/tmp`),
      );
      const [row] = await appliance.sql("select count(*) from messages");
      assert.equal(row!["count"], sent.length);
      // Without a row: left by attempts that Postfix has repeated.
      for (const { name } of staged) {
        const rows = await appliance.sql(
          `select 1 from messages where storage->>'file' = '${name}'`,
        );
        assert.equal(rows.length, 0);
      }
    },
  );

  await t.step(
    "a message that Postfix was stopped in is not stored in part",
    async () => {
      const id = await makeBox(appliance, "hen");
      const number = `long${"x".repeat(1_500_000)}`;
      const clients = (): number[] => processes(appliance.directory);
      // The intake reads nothing, so that pipe(8) waits in the middle.
      appliance.intake.signal("SIGSTOP");
      try {
        const result = await appliance.send(
          message(number),
          "hen@pets.example",
        );
        assert.equal(result.code, 0, result.err);
        await until("the client waits", () => clients().length > 0);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        Deno.kill(parentOf(clients()[0]!), "SIGTERM");
      } finally {
        appliance.intake.signal("SIGCONT");
      }
      await until("the client is gone", () => clients().length === 0);
      assert.deepEqual(await appliance.inbox(id), []);
      await until("the queue is empty", () => queueIsEmpty(appliance));
      assert.deepEqual(await numbers(appliance, id), [number]);
    },
  );

  await t.step(
    "a full disk keeps mail in the queue until there is space",
    async () => {
      const id = await makeBox(appliance, "fox");
      const home = `${appliance.directory}/mail/${id}`;
      await Deno.mkdir(home);
      await sh(
        "mount",
        "-t",
        "tmpfs",
        "-o",
        "size=48k,mode=0777",
        "none",
        home,
      );
      try {
        const number = `big${"x".repeat(60_000)}`;
        const result = await appliance.send(
          message(number),
          "fox@pets.example",
        );
        assert.equal(result.code, 0, result.err);
        const log = `${appliance.directory}/mail.log`;
        await until(
          "Postfix has tried",
          async () =>
            /to=<fox@pets.example>.*dsn=4\.3\.1, status=deferred/.test(
              await Deno.readTextFile(log),
            ),
        );
        // Nothing of the attempt fills the disk.
        assert.deepEqual(
          await Array.fromAsync(Deno.readDir(`${home}/tmp`)),
          [],
        );
        await sh("mount", "-o", "remount,size=8m", home);
        await until("the queue is empty", () => queueIsEmpty(appliance));
        assert.deepEqual(await numbers(appliance, id), [number]);
      } finally {
        await sh("umount", home);
      }
    },
  );

  await t.step(
    "the intake that is told to stop finishes what it has begun",
    async () => {
      const before = (await appliance.inbox(cat)).length;
      await Promise.all([
        ...Array.from(
          { length: 5 },
          (_, i) => appliance.send(message(`stop${i}`), "cat@pets.example"),
        ),
        appliance.intake.stop("SIGTERM"),
      ]);
      await appliance.intake.start();
      await until("the queue is empty", () => queueIsEmpty(appliance));
      assert.equal((await appliance.inbox(cat)).length, before + 5);
    },
  );

  await t.step("nothing has bounced", async () => {
    const log = await Deno.readTextFile(`${appliance.directory}/mail.log`);
    assert.doesNotMatch(log, /status=bounced/);
  });
});

Deno.test({
  name: `the operator's commands do what the API does${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const run = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await appliance.encimap(...args);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    return out;
  };
  const transport = async (address: string): Promise<string> =>
    (await appliance.postfix(
      ...["postmap", "-q", address],
      `lmdb:${appliance.directory}/maps/transport`,
    )).out.trim();

  await t.step("domain add, list and remove", async () => {
    await run("domain", "add", "birds.example", "--user", ALICE);
    assert.match(
      await run("domain", "list"),
      new RegExp(`birds.example\t${ALICE}`),
    );
    assert.match(await transport("abuse@birds.example"), /^encimap-pipe:/);
    await run("domain", "remove", "birds.example");
    assert.doesNotMatch(await run("domain", "list"), /birds/);
    assert.equal(await transport("abuse@birds.example"), "");
    assert.equal(
      (await appliance.encimap("domain", "remove", "birds.example")).code,
      1,
    );
  });
  await t.step("vaultbox create, list, show and delete", async () => {
    const id = await makeBox(appliance, "hen");
    assert.equal(await transport("hen@pets.example"), `encimap-pipe:${id}`);
    assert.match(
      await run("vaultbox", "list", "--user", ALICE),
      new RegExp(`^${id}\then@pets.example\t0\t0\t`, "m"),
    );
    assert.match(
      await run("vaultbox", "show", "hen@pets.example"),
      new RegExp(`^id +${id}$`, "m"),
    );
    assert.equal(
      (await appliance.encimap("domain", "remove", "pets.example")).code,
      1,
    );
    await run("vaultbox", "delete", id, "--yes");
    assert.equal(await transport("hen@pets.example"), "");
  });
  await t.step("reconcile mends what was changed by hand", async () => {
    const id = await makeBox(appliance, "owl");
    await appliance.postfix(
      "postmap",
      "-d",
      "owl@pets.example",
      `lmdb:${appliance.directory}/maps/transport`,
    );
    assert.match(
      await run("reconcile", "--dry-run"),
      /^set transport owl@pets.example /,
    );
    assert.equal(await transport("owl@pets.example"), "");
    await run("reconcile");
    assert.equal(await transport("owl@pets.example"), `encimap-pipe:${id}`);
    assert.match(await run("reconcile"), /^Maps agree/);
  });
  await t.step("a user's token sees the user's vaultboxes only", async () => {
    const token = (await run("token", "--user", ALICE, "--ttl", "60")).trim();
    assert.equal(token.split(".").length, 3);
  });
});

/** The scripts that pipe(8) has started and that have not ended. */
function processes(directory: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (line.startsWith(`/bin/sh\0${directory}/encimap_pipe.sh\0`)) {
        found.push(Number(name));
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

function parentOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

async function sh(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
