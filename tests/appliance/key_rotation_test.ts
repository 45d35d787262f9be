import assert from "node:assert/strict";
import {
  type Appliance,
  MISSING,
  type Ran,
  startAppliance,
} from "../helpers/appliance.ts";
import { makeBox, PASSWORD } from "../helpers/appliance_box.ts";
import { contentOf, decrypt, latin1 } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

async function must(running: Promise<Ran>): Promise<string> {
  const ran = await running;
  assert.equal(ran.code, 0, ran.out + ran.err);
  return ran.out + ran.err;
}

/** Runs a rotation; what a killed one has started may be at it for a moment. */
async function rotate(appliance: Appliance, name: string): Promise<Ran> {
  let ran = await appliance.root("keys", name);
  for (let n = 0; n < 50 && /rotation of keys is at it/.test(ran.err); n++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    ran = await appliance.root("keys", name);
  }
  return ran;
}

/**
 * Runs a rotation and kills it before one of the commands that change something.
 *
 * @returns Whether it was killed; it has come to its end if there are not as many.
 */
async function rotateAndDie(
  { directory }: Appliance,
  name: string,
  before: number,
): Promise<boolean> {
  const trap = `n=0; trap 'case $BASH_COMMAND in
      "ln "*|"mv "*|"rm "*|"sync "*|"as "*|"openssl "*|"chown "*)
        [ $n != ${before} ] || kill -9 $$; n=$((n + 1)) ;;
    esac' DEBUG; . "$0"`;
  const { code, signal, stderr } = await new Deno.Command("bash", {
    args: ["-T", "-c", trap, `${directory}/encimap_keys`, "keys", name],
    env: { ENCIMAP_CONFIG_FILE: `${directory}/encimap.env` },
    cwd: "/",
    stdin: "null",
    stdout: "null",
  }).output();
  if (signal === "SIGKILL") return true;
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return false;
}

Deno.test({
  name: `both keys are rotated, and both may be lost${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const cat = await makeBox(appliance, "cat");
  const secrets = `${appliance.directory}/secrets`;
  const key = (name: string): Promise<string> =>
    Deno.readTextFile(`${secrets}/${name}`);
  let count = 0;
  const mail = async (): Promise<string> => {
    const before = await appliance.inbox(cat.id);
    await appliance.send(`Subject: ${count}\r\n\r\nText\r\n`, cat.address);
    const after = await appliance.waitForInbox(cat.id, ++count);
    return after.find((path) => !before.includes(path))!;
  };
  const opens = async (path: string, p12: Uint8Array<ArrayBuffer>) => {
    const inner = await decrypt(await Deno.readFile(path), p12, PASSWORD);
    assert.equal(contentOf(latin1(inner)), "\r\nText\r\n");
  };
  const bundle = (): Promise<Uint8Array<ArrayBuffer>> =>
    appliance.download("/p12", { "vaultbox_id": cat.id, password: PASSWORD });
  const altered = await mail();
  const first = await mail();
  await mail();

  // As Postfix does it when it has not seen the answer.
  const tryAgain = async (): Promise<void> => {
    const query = new URLSearchParams({
      "vaultbox_id": cat.id,
      "queue_id": "4SzYQ71ZJLzXtj",
      sender: "bob@sender.example",
      recipient: cat.address,
    });
    const answer = await appliance.curl(
      ...["--unix-socket", `${appliance.directory}/run/intake.sock`, "-f"],
      ...["--data-binary", "Subject: once\n\nText\n"],
      `http://intake/intake/messages?${query}`,
    );
    assert.equal(answer.code, 0, answer.err);
  };
  await tryAgain();
  const mbox = `${appliance.directory}/mbox`;
  await Deno.writeTextFile(
    mbox,
    "From bob Thu Jan  2 03:04:05 2020\nSubject: old\n\nText\n",
  );
  const importing = (): Promise<string> =>
    must(appliance.encimap("import", cat.id, "--mbox", mbox));
  assert.match(await importing(), / 1 message\(s\) imported/);
  count += 2;

  await t.step("the master key: a dry run changes nothing", async () => {
    const before = await key("master.key");
    const said = await must(
      appliance.root("keys", "rotate-master", "--dry-run"),
    );
    assert.match(
      said,
      /\d open, 0 unreadable, 0 missing\n.*Nothing was changed/,
    );
    assert.equal(await key("master.key"), before);
    await assert.rejects(key("master.key.former"), Deno.errors.NotFound);
  });

  await t.step(
    "the master key: a rotation keeps every key, and the former one opens none",
    async () => {
      const former = await key("master.key");
      await appliance.apiService.stop();
      await must(appliance.root("keys", "rotate-master"));
      await appliance.apiService.start();
      const now = await key("master.key");
      assert.notEqual(now, former);
      await assert.rejects(key("master.key.former"), Deno.errors.NotFound);
      await must(appliance.encimap("keys", "check"));
      await opens(first, await bundle());
      await Deno.writeTextFile(`${secrets}/master.key`, former);
      assert.equal((await appliance.encimap("keys", "check")).code, 2);
      await Deno.writeTextFile(`${secrets}/master.key`, now);
    },
  );

  await t.step(
    "the master key: killed before any of its steps, a rotation loses no key, and the next run ends it",
    async () => {
      await appliance.apiService.stop();
      let kills = 0;
      for (; await rotateAndDie(appliance, "rotate-master", kills); kills++) {
        await must(rotate(appliance, "rotate-master"));
        await assert.rejects(key("master.key.former"), Deno.errors.NotFound);
        await must(appliance.encimap("keys", "check"));
      }
      assert.ok(kills >= 8, `${kills}`);
      await appliance.apiService.start();
      await opens(first, await bundle());
    },
  );

  await t.step(
    "the master key: while its former one opens keys nothing counts as lost, and no backup is made",
    async () => {
      const now = await key("master.key");
      await Deno.rename(
        `${secrets}/master.key`,
        `${secrets}/master.key.former`,
      );
      await Deno.writeTextFile(`${secrets}/master.key`, "ab".repeat(32));
      const replaced = await appliance.encimap("keys", "replace-lost", "--yes");
      assert.equal(replaced.code, 1);
      assert.match(replaced.err, /rotate-master" goes on/);
      await must(
        appliance.root("backup", "init", `${appliance.directory}/repository`),
      );
      const saved = await appliance.root("backup", "--dry-run");
      assert.equal(saved.code, 1);
      assert.match(saved.err, /rotation of master\.key is not finished/);
      const doctor = await appliance.encimap("doctor");
      assert.match(doctor.out, /^FAIL +rotation .*rotate-master" did not end/m);
      await appliance.apiService.stop();
      await must(appliance.root("keys", "rotate-master"));
      await appliance.apiService.start();
      assert.notEqual(await key("master.key"), now);
      await opens(first, await bundle());
    },
  );

  await t.step(
    "a rotation waits for the end of other commands, and they for its end",
    async () => {
      const lock = `${appliance.directory}/state/backup/commands.lock`;
      const held = new Deno.Command("flock", {
        args: ["--close", lock, "cat"],
        stdin: "piped",
      }).spawn();
      await until(
        "the lock is held",
        async () => (await appliance.root("vaultbox", "list")).code === 75,
      );
      assert.equal((await appliance.root("verify")).code, 75);
      const mend = ["doctor", "--fix", "--dry-run"];
      assert.equal((await appliance.root(...mend)).code, 75);
      await held.stdin.close();
      await held.status;
      await must(appliance.root("keys", "check"));
      const backup = new Deno.Command("flock", {
        args: ["--close", lock.replace("commands.", ""), "cat"],
        stdin: "piped",
      }).spawn();
      await until(
        "nothing is mended during a backup",
        async () =>
          /a backup.* is at it: nothing is started/.test(
            (await appliance.root(...mend)).err,
          ),
      );
      await backup.stdin.close();
      await backup.status;
      assert.doesNotMatch((await appliance.root(...mend)).err, /is at it/);
    },
  );

  await t.step(
    "the HMAC key: a rotation keeps what is genuine genuine, and what is altered altered",
    async () => {
      const octets = await Deno.readFile(altered);
      octets[octets.length - 100]! ^= 1;
      await Deno.writeFile(altered, octets);
      const former = await key("hmac.key");
      const said = await must(appliance.root("keys", "rotate-hmac"));
      assert.match(
        said,
        /HMAC was changed: 4; files that are no message as it was stored: 1/,
      );
      assert.notEqual(await key("hmac.key"), former);
      await assert.rejects(key("hmac.key.former"), Deno.errors.NotFound);
      await appliance.intake.stop();
      await appliance.intake.start();
      await mail();
      const verified = await appliance.encimap("verify");
      assert.equal(verified.code, 2);
      assert.match(verified.out, /Altered 1, foreign 0/);
    },
  );

  await t.step(
    "the HMAC key: killed before any of its steps, a rotation is ended by the next run",
    async () => {
      let kills = 0;
      for (; await rotateAndDie(appliance, "rotate-hmac", kills); kills++) {
        await must(rotate(appliance, "rotate-hmac"));
        await assert.rejects(key("hmac.key.former"), Deno.errors.NotFound);
      }
      assert.ok(kills >= 8, `${kills}`);
      await appliance.intake.stop();
      await appliance.intake.start();
      assert.match(
        (await appliance.encimap("verify")).out,
        /Altered 1, foreign 0/,
      );
    },
  );

  await t.step(
    "the HMAC key: what was stored before its rotations and is tried again after them is not stored twice",
    async () => {
      await tryAgain();
      assert.equal((await appliance.inbox(cat.id)).length, count);
      assert.match(await importing(), / 0 message\(s\) imported/);
      assert.equal((await appliance.inbox(cat.id)).length, count);
    },
  );

  await t.step(
    "no backup is made in the middle of a rotation of the HMAC key",
    async () => {
      const former = `${secrets}/hmac.key.former`;
      await Deno.copyFile(`${secrets}/hmac.key`, former);
      const saved = await appliance.root("backup", "--dry-run");
      assert.equal(saved.code, 1);
      assert.match(saved.err, /rotation of hmac\.key is not finished/);
      await Deno.remove(former);
    },
  );

  await t.step(
    "the HMAC key: an interrupted rotation is gone on with, and verify waits for it",
    async () => {
      const former = await key("hmac.key");
      await Deno.writeTextFile(`${secrets}/hmac.key.former`, former);
      await Deno.writeTextFile(`${secrets}/hmac.key`, "cd".repeat(32));
      const early = await appliance.encimap("verify");
      assert.equal(early.code, 1);
      assert.match(early.err, /rotate-hmac goes on with it/);
      await must(appliance.root("keys", "rotate-hmac"));
      assert.equal(await key("hmac.key"), "cd".repeat(32));
      assert.match(
        (await appliance.encimap("verify")).out,
        /Altered 1, foreign 0/,
      );
    },
  );

  await t.step(
    "the HMAC key: under a wrong one nothing is rotated, and no key is lost",
    async () => {
      const right = await key("hmac.key");
      await Deno.writeTextFile(`${secrets}/hmac.key`, "ef".repeat(32));
      const ran = await appliance.root("keys", "rotate-hmac");
      assert.equal(ran.code, 1);
      assert.match(ran.err, /not the one that the messages were stored under/);
      assert.equal(await key("hmac.key.former"), "ef".repeat(32));
      await Deno.remove(`${secrets}/hmac.key.former`);
      await Deno.writeTextFile(`${secrets}/hmac.key`, right);
    },
  );

  await t.step(
    "a lost HMAC key is replaced, and believes what is there",
    async () => {
      await Deno.remove(`${secrets}/hmac.key`);
      assert.match(
        (await appliance.root("keys", "rotate-hmac")).err,
        /use --lost/,
      );
      await must(appliance.root("keys", "rotate-hmac", "--lost"));
      assert.match(
        await must(appliance.encimap("verify")),
        /Altered 0, foreign 0/,
      );
    },
  );

  await t.step(
    "a lost master key: new keys are made, and former bundles open old mail and new",
    async () => {
      await appliance.apiService.stop();
      await appliance.intake.stop();
      await Deno.writeTextFile(`${secrets}/master.key`, "12".repeat(32));
      assert.equal((await appliance.encimap("keys", "check")).code, 2);
      const dry = await appliance.encimap("keys", "replace-lost");
      assert.equal(dry.code, 1);
      assert.match(dry.out, /cat@pets\.example\tin bundles 1\tnobody's 0/);
      assert.equal((await appliance.encimap("keys", "check")).code, 2);
      await must(appliance.encimap("keys", "replace-lost", "--yes"));
      await must(appliance.encimap("keys", "check"));
      // The API is healthy only beside an intake.
      await appliance.intake.start();
      await appliance.apiService.start();
      const path = await mail();
      await opens(path, cat.p12);
      await opens(path, await bundle());
      await opens(first, cat.p12);
    },
  );
});
