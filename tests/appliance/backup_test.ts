/**
 * The drill: what one appliance saves while it works, another one restores.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  type Ran,
  startAppliance,
} from "../helpers/appliance.ts";
import {
  type Box,
  type Login,
  makeBox,
  makeLogin,
  PASSWORD,
} from "../helpers/appliance_box.ts";
import { contentOf, decrypt, latin1 } from "../helpers/mail.ts";
import { isMissing } from "../helpers/openssl.ts";

const NEEDED = MISSING ?? (isMissing("restic") ? "restic" : undefined);
const NEEDS = NEEDED === undefined ? "" : ` (needs ${NEEDED})`;

function imap(
  appliance: Appliance,
  login: Login,
  folder: string,
  ...args: string[]
): Promise<Ran> {
  return appliance.curl(
    `imaps://127.0.0.1:${appliance.imapsPort}/${folder}`,
    "-u",
    `${login.username}:${login.password}`,
    ...args,
  );
}

/** UIDs and flags of a folder, as IMAP says them. */
async function listing(
  appliance: Appliance,
  login: Login,
  folder: string,
): Promise<string[]> {
  const ran = await imap(
    appliance,
    login,
    folder,
    "-X",
    "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)",
  );
  assert.equal(ran.code, 0, ran.err);
  return ran.out.split("\r\n").filter((line) => line.startsWith("* ")).sort()
    .map((line) => line.replaceAll(/\\Recent ?/g, "").replaceAll(" )", ")"));
}

async function must(running: Promise<Ran>): Promise<string> {
  const ran = await running;
  assert.equal(ran.code, 0, ran.out + ran.err);
  return ran.out + ran.err;
}

async function namesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

Deno.test({
  name:
    `what one appliance has saved, another one restores: bytes, flags, UIDs, credentials, bundles${NEEDS}`,
  ignore: NEEDED !== undefined,
}, async (t) => {
  await using old = await startAppliance();
  const repository = `${old.directory}/repository`;
  const cat: Box = await makeBox(old, "cat");
  const login = await makeLogin(old, cat.id);
  for (let n = 0; n < 5; n++) {
    await old.send(`Subject: ${n}\r\n\r\nText ${n}\r\n`, cat.address);
    await old.waitForInbox(cat.id, n + 1);
  }
  await must(
    imap(
      old,
      login,
      "INBOX",
      "-X",
      "STORE 1 +FLAGS (\\Seen \\Flagged cat-food)",
    ),
  );
  await must(imap(old, login, "INBOX", "-X", "COPY 2 Archive"));
  await must(imap(old, login, "INBOX", "-X", "MOVE 3 Trash"));
  await must(imap(old, login, "INBOX", "-X", "STORE 4 +FLAGS \\Deleted"));
  await must(imap(old, login, "INBOX", "-X", "EXPUNGE"));
  await must(imap(old, login, "", "-X", "SUBSCRIBE Archive"));
  const folders = ["INBOX", "Archive", "Trash"];
  const before = new Map<string, string[]>();
  for (const folder of folders) {
    before.set(folder, await listing(old, login, folder));
  }
  assert.equal(before.get("INBOX")!.length, 3);
  let password = "";
  const nowhere = ["backup", "init", "/proc/nowhere"];

  await t.step("a backup needs a repository, and says so", async () => {
    const ran = await old.root("backup");
    assert.equal(ran.code, 1);
    assert.match(ran.err, /encimap backup init/);
    assert.equal((await old.root(...nowhere)).code, 1);
    assert.equal((await old.root("backup")).code, 1);
  });

  await t.step(
    "the password is shown once, and is kept for root alone",
    async () => {
      const said = await must(old.root("backup", "init", repository));
      password =
        (await Deno.readTextFile(`${old.directory}/secrets/backup.password`))
          .trim();
      assert.ok(said.includes(password));
      assert.match(said, /private keys that are kept, the master key/);
      for (const name of ["backup.password", "backup.env"]) {
        const { mode } = await Deno.stat(`${old.directory}/secrets/${name}`);
        assert.equal(mode! & 0o777, 0o600);
      }
      const again = await must(old.root("backup", "init", repository));
      assert.ok(!again.includes(password));
    },
  );

  await t.step(
    "a repository that cannot be made leaves the one before as it is",
    async () => {
      const settings = (): Promise<string[]> =>
        Promise.all(
          ["backup.password", "backup.env"].map((name) =>
            Deno.readTextFile(`${old.directory}/secrets/${name}`)
          ),
        );
      const then = await settings();
      await Deno.writeTextFile(`${old.directory}/other`, "other\n");
      const other = ["--password-file", `${old.directory}/other`];
      assert.equal((await old.root(...nowhere, ...other)).code, 1);
      assert.deepEqual(await settings(), then);
      assert.deepEqual(
        (await namesIn(`${old.directory}/secrets`))
          .filter((name) => name.endsWith(".new")),
        [],
      );
    },
  );

  await t.step("no backup is made without a key that it needs", async () => {
    for (const name of ["master.key", "hmac.key"]) {
      const path = `${old.directory}/secrets/${name}`;
      const key = await Deno.readTextFile(path);
      await Deno.remove(path);
      const missing = await old.root("backup");
      assert.equal(missing.code, 1);
      assert.match(missing.err, new RegExp(`${name} is missing`));
      await Deno.writeTextFile(path, "ab".repeat(32));
      const other = await old.root("backup");
      assert.equal(other.code, 1, other.out);
      assert.match(other.err, /does not open the private keys|HMAC key is not/);
      await Deno.writeTextFile(path, key);
    }
    assert.doesNotMatch(
      await must(old.root("backup", "list")),
      /mail\.example\.test/,
    );
  });

  await t.step(
    "a backup is made while everything runs, and leaves nothing behind",
    async () => {
      assert.match(
        await must(old.root("backup", "--dry-run")),
        /Nothing was saved/,
      );
      assert.match(
        await must(old.root("backup")),
        /Saved 2 vaultbox\(es\), 5 file/,
      );
      assert.match(
        await must(old.root("backup", "list")),
        /mail\.example\.test/,
      );
      assert.deepEqual(
        (await namesIn(`${old.directory}/mail`)).filter((n) => n === ".backup"),
        [],
      );
      await must(old.root("backup", "prune"));
      assert.match(
        await must(old.root("backup", "check", "--read-data")),
        /no errors were found/,
      );
    },
  );

  // Whoever remembers this UID must not find other mail under it.
  await old.send("Subject: late\r\n\r\nLate\r\n", cat.address);
  await old.waitForInbox(cat.id, 4);
  const late = (await listing(old, login, "INBOX")).at(-1)!;
  const lateUid = Number(/UID (\d+)/.exec(late)![1]);

  await using anew = await startAppliance();
  await Deno.writeTextFile(`${anew.directory}/password`, `${password}\n`);
  const from = [
    "--repository",
    repository,
    "--password-file",
    `${anew.directory}/password`,
  ];

  await t.step("a wrong password or snapshot changes nothing", async () => {
    const before = await namesIn(`${anew.directory}/mail`);
    const owned = await owner(`${anew.directory}/mail`);
    await Deno.writeTextFile(`${anew.directory}/wrong`, "wrong\n");
    const wrong = await anew.root(
      "restore",
      "--yes",
      "--repository",
      repository,
      "--password-file",
      `${anew.directory}/wrong`,
    );
    assert.notEqual(wrong.code, 0);
    assert.notEqual(
      (await anew.root("restore", "--yes", ...from, "--snapshot", "00000000"))
        .code,
      0,
    );
    assert.equal((await anew.root("restore", ...from)).code, 1);
    assert.match(
      await must(anew.root("restore", "--dry-run", ...from)),
      /2 vaultbox\(es\), 5 file.*\nNothing was changed/,
    );
    assert.deepEqual(await namesIn(`${anew.directory}/mail`), before);
    assert.equal(await owner(`${anew.directory}/mail`), owned);
  });

  await t.step("a restore puts everything in place", async () => {
    await anew.intake.stop();
    await anew.apiService.stop();
    // Of keys that this machine has had and the backup has not.
    const others = ["hmac.key.ids", "hmac.key.former", "master.key.former"]
      .map((name) => `${anew.directory}/secrets/${name}`);
    for (const path of others) {
      await Deno.writeTextFile(path, "ab".repeat(32));
    }
    const owned = await owner(`${anew.directory}/mail`);
    const said = await must(anew.root("restore", "--yes", ...from));
    assert.equal(await owner(`${anew.directory}/mail`), owned);
    assert.match(said, /Private keys: \d+ open, 0 unreadable, 0 missing/);
    assert.match(said, /What was here before/);
    for (const path of others) {
      await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    }
    await must(anew.encimap("reconcile"));
    await anew.intake.start();
    await anew.apiService.start();
    assert.deepEqual(
      (await namesIn(`${anew.directory}/mail`)).filter((n) => n === ".restore"),
      [],
    );
  });

  await t.step(
    "credentials open the same mail, with its UIDs, flags and dates",
    async () => {
      for (const folder of folders) {
        assert.deepEqual(
          await listing(anew, login, folder),
          before.get(folder),
          folder,
        );
      }
      const subscribed = await must(imap(anew, login, "", "-X", 'LSUB "" *'));
      assert.match(subscribed, /Archive/);
    },
  );

  await t.step(
    "the bundle of before opens it, and so does a new one",
    async () => {
      const fetched = await imap(anew, login, "INBOX;MAILINDEX=1");
      const message = Uint8Array.from(
        fetched.out,
        (letter) => letter.charCodeAt(0),
      );
      const texts = [];
      const again = await anew.download("/p12", {
        "vaultbox_id": cat.id,
        password: PASSWORD,
      });
      for (const p12 of [cat.p12, again]) {
        texts.push(contentOf(latin1(await decrypt(message, p12, PASSWORD))));
      }
      assert.deepEqual(texts, ["\r\nText 0\r\n", "\r\nText 0\r\n"]);
    },
  );

  await t.step("every file is as it was stored", async () => {
    assert.match(
      await must(anew.encimap("verify")),
      /Altered 0, foreign 0, strange 0/,
    );
  });

  await t.step("new mail comes, under a UID that no mail has had", async () => {
    await anew.send("Subject: new\r\n\r\nNew\r\n", cat.address);
    await anew.waitForInbox(cat.id, 4);
    const uid = Number(
      /UID (\d+)/.exec((await listing(anew, login, "INBOX")).at(-1)!)![1],
    );
    assert.ok(uid > lateUid, `${uid}`);
    assert.equal((await listing(anew, login, "INBOX")).length, 4);
  });

  await t.step(
    "what is put aside is there, and another vaultbox can be made",
    async () => {
      const aside = (await namesIn(`${anew.directory}/mail`)).filter((n) =>
        n.startsWith(".before-restore-")
      );
      assert.equal(aside.length, 1);
      const made = await anew.api("POST", "/vaultboxes", {
        "user_id": ALICE,
        domain: "pets.example",
        alias: "owl",
        name: "Owl",
      });
      assert.equal(made.success, true);
    },
  );
});

/** Owner, group and mode. */
async function owner(path: string): Promise<string> {
  const { uid, gid, mode } = await Deno.stat(path);
  return `${uid}:${gid} ${mode!.toString(8)}`;
}
