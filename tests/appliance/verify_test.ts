import assert from "node:assert/strict";
import {
  DEFAULT_APPLIANCE,
  mailCheckSettings,
  renderAppliance,
} from "../../src/appliance/render.ts";
import { ALICE } from "../helpers/app.ts";
import { MISSING, startAppliance } from "../helpers/appliance.ts";
import { makeLogin } from "../helpers/appliance_box.ts";
import { run } from "../helpers/openssl.ts";

const CAT = "cat@pets.example";

Deno.test({
  name:
    `encimap verify finds nothing in what Dovecot does to mail, and what was done behind its back${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
  });
  const id = made.data["vaultbox_id"];
  const maildir = `${appliance.directory}/mail/${id}/Maildir`;
  const login = await makeLogin(appliance, id);
  const imap = async (folder: string, ...args: string[]): Promise<string> => {
    const ran = await appliance.curl(
      `imaps://127.0.0.1:${appliance.imapsPort}/${folder}`,
      "-u",
      `${login.username}:${login.password}`,
      ...args,
    );
    assert.equal(ran.code, 0, ran.err);
    return ran.out;
  };
  const namesIn = async (folder: string): Promise<string[]> => {
    const names: string[] = [];
    for (const part of ["new", "cur"]) {
      for await (
        const { name } of Deno.readDir(`${maildir}${folder}/${part}`)
      ) {
        names.push(`${part}/${name}`);
      }
    }
    return names;
  };
  for (let n = 0; n < 4; n++) {
    await appliance.send(`From: bob@sender.example\n\n${n}\n`, CAT);
  }
  const delivered = await appliance.waitForInbox(id, 4);
  const stored = new Set(
    delivered.map((path) => path.split("/").at(-1)!.split(":")[0]),
  );

  await t.step("read, flagged, copied, moved and expunged mail", async () => {
    await imap("INBOX", "-X", "STORE 1 +FLAGS (\\Seen \\Flagged)");
    await imap("INBOX", "-X", "COPY 2 Archive");
    await imap("INBOX", "-X", "MOVE 3 Trash");
    await imap("INBOX", "-X", "STORE 3 +FLAGS \\Deleted");
    await imap("INBOX", "-X", "EXPUNGE");
    // Copied twice: what has its name in a folder already gets another one there.
    await imap("INBOX", "-X", "COPY 2 Archive");
    const isNamed = (name: string) => stored.has(name.split(/[/:]/)[1]);
    assert.deepEqual((await namesIn("/.Archive")).map(isNamed).sort(), [
      false,
      true,
    ]);
    assert.deepEqual((await namesIn("/.Trash")).map(isNamed), [true]);
    assert.equal((await namesIn("")).length, 2);
    const ran = await appliance.encimap("verify");
    assert.equal(ran.code, 0, ran.out + ran.err);
    assert.match(ran.out, /Stored by clients outside INBOX: 0/);
  });

  await t.step(
    "what a client stores: no finding in Sent, foreign in INBOX",
    async () => {
      const file = `${appliance.directory}/sent.eml`;
      await Deno.writeTextFile(file, "To: bob@sender.example\r\n\r\nHi\r\n");
      await imap("Sent", "-T", file);
      const ran = await appliance.encimap("verify", "--all", CAT);
      assert.equal(ran.code, 0, ran.out);
      assert.match(ran.out, /^client\tcat@pets\.example\t[^\n]*\/\.Sent\//);
      await imap("INBOX", "-T", file);
      const found = await appliance.encimap("verify", CAT);
      assert.equal(found.code, 2);
      assert.match(found.out, /^foreign\tcat@pets\.example\t/);
      await imap("INBOX", "-X", "STORE 3 +FLAGS \\Deleted");
      await imap("INBOX", "-X", "EXPUNGE");
      assert.equal((await appliance.encimap("verify", CAT)).code, 0);
    },
  );

  await t.step(
    "a message that was altered and shown by Dovecot all the same",
    async () => {
      const [name] = (await namesIn("")).filter((each) =>
        stored.has(each.split(/[/:]/)[1])
      );
      const path = `${maildir}/${name}`;
      const octets = await Deno.readFile(path);
      octets[octets.length - 100]! ^= 1;
      await Deno.writeFile(path, octets);
      assert.match(await imap("INBOX;MAILINDEX=1"), /pkcs7-mime/);
      const found = await appliance.encimap("verify", CAT);
      assert.equal(found.code, 2);
      assert.ok(
        found.out.startsWith(`altered\t${CAT}\t${id}/Maildir/${name}\t`),
        found.out,
      );
    },
  );
});

Deno.test({
  name:
    `the command goes on as the mail user, with low priority, for what is about mail${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.chmod(directory, 0o755);
    const program = `${directory}/program`;
    await Deno.writeTextFile(
      program,
      '#!/bin/sh\necho "$(id -un) $(id -gn) $(nice) $(ionice) $*"\n',
    );
    await Deno.chmod(program, 0o755);
    const files = renderAppliance({
      ...DEFAULT_APPLIANCE,
      ...mailCheckSettings("off"),
      hostname: "mail.example.test",
      mapsPath: "/unused",
      maildirBasePath: "/unused",
      keysPath: "/unused",
      maxMessageBytes: 1,
      intakeSocket: "/unused",
      lmtpSocket: "/unused",
      queueSocket: "/unused",
      submissionSocket: "/unused",
      unroutedTransport: "unused",
      intakePort: 1,
      doveadmSocket: "/unused",
      programPath: program,
      mailUser: "postgres",
      apiUser: "www-data",
    });
    const wrapper = `${directory}/encimap`;
    await Deno.writeTextFile(wrapper, files.get("bin/encimap")!);
    const said = await run("sh", [wrapper, "verify", "--json"], { cwd: "/" });
    assert.equal(
      new TextDecoder().decode(said),
      "postgres postgres 10 idle verify --json\n",
    );
    const ran = async (...args: string[]): Promise<string> =>
      new TextDecoder().decode(
        await run("sh", [wrapper, ...args], { cwd: "/" }),
      );
    for (const name of ["seal", "import"]) {
      assert.match(await ran(name), /^postgres postgres 10 idle /);
    }
    // The keys by one user, the mail by the other.
    assert.equal(
      await ran("export", "cat@pets.example"),
      "postgres postgres 10 idle export mail cat@pets.example\n",
    );
    assert.match(
      await ran("export", "--dry-run", "x"),
      /^www-data www-data 0 /,
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
