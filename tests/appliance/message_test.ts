import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  startAppliance,
} from "../helpers/appliance.ts";
import { type Box, makeBox, PASSWORD } from "../helpers/appliance_box.ts";
import { contentOf, decrypt, latin1 } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

/** Content fields and body of a stored message, as they came. */
async function open(box: Box, path: string): Promise<string> {
  const stored = await Deno.readFile(path);
  return contentOf(latin1(await decrypt(stored, box.p12, PASSWORD)));
}

const HEAD = "From: Bob <bob@sender.example>\r\nTo: cat@pets.example\r\n" +
  "Subject: Hello\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n" +
  "Message-ID: <1@sender.example>\r\n";
const MIME = "MIME-Version: 1.0\r\n";
const TYPE = "Content-Type: text/plain; charset=utf-8\r\n" +
  "Content-Transfer-Encoding: 8bit\r\n";

/** Name, message over SMTP, inner entity. */
const SHAPES: [string, string, string][] = [
  [
    "8-bit text",
    `${HEAD}${MIME}${TYPE}\r\nGr\xc3\xbc\xc3\x9fe\r\n`,
    `${TYPE}\r\nGr\xc3\xbc\xc3\x9fe\r\n`,
  ],
  [
    "multipart with an attachment",
    `${HEAD}${MIME}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\nJVBERi0=\r\n--b--\r\n`,
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\nJVBERi0=\r\n--b--\r\n`,
  ],
  ["no Content fields", `${HEAD}\r\nText\r\n`, "\r\nText\r\n"],
  ["an empty body", `${HEAD}${MIME}${TYPE}\r\n`, `${TYPE}\r\n`],
  ["a header only", `${HEAD}\r\n`, "\r\n"],
  ["a bare CR", `${HEAD}\r\na\rb\r\n`, "\r\na\rb\r\n"],
  ["a NUL", `${HEAD}\r\na\0b\r\n`, "\r\na\0b\r\n"],
  [
    "a line of 1 MB",
    `${HEAD}\r\n${"x".repeat(1_000_000)}\r\n`,
    `\r\n${"x".repeat(1_000_000)}\r\n`,
  ],
  [
    "10,000 header lines",
    `${HEAD}${"X-Line: y\r\n".repeat(10_000)}\r\nText\r\n`,
    "\r\nText\r\n",
  ],
];

Deno.test({
  name: `a message goes in by SMTP and comes out by IMAP, encrypted${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const cat = await makeBox(appliance, "cat");
  const fox = await makeBox(appliance, "fox");
  const imap =
    (await appliance.api("POST", `/vaultboxes/${cat.id}/imap-credentials`))
      .data;
  const smtp =
    (await appliance.api("POST", `/vaultboxes/${cat.id}/smtp-credentials`))
      .data;
  const imaps = `imaps://127.0.0.1:${appliance.imapsPort}`;
  const submission =
    `smtp://127.0.0.1:${appliance.submissionPort}/client.example`;
  let seen = 0;

  for (const [name, message, inner] of SHAPES) {
    await t.step(
      `${name}: delivered, and the inner entity is the original`,
      async () => {
        const before = await appliance.inbox(cat.id);
        const sent = await appliance.send(message, cat.address);
        assert.equal(sent.code, 0, sent.err);
        const after = await appliance.waitForInbox(cat.id, ++seen);
        const [path] = after.filter((one) => !before.includes(one));
        assert.equal(await open(cat, path!) === inner, true);
        const outer = latin1(await Deno.readFile(path!));
        assert.match(
          outer,
          /^Delivered-To: cat@pets.example\r\nReturn-Path: <bob@sender.example>\r\n/,
        );
        assert.match(outer, /\r\nSubject: Hello\r\n/);
      },
    );
  }

  await t.step("an empty message is delivered", async () => {
    const sent = await appliance.send("", cat.address);
    assert.equal(sent.code, 0, sent.err);
    await appliance.waitForInbox(cat.id, ++seen);
  });

  await t.step("a bounce, from the empty sender, is delivered", async () => {
    const sent = await appliance.send(SHAPES[0]![1], cat.address, "<>");
    assert.equal(sent.code, 0, sent.err);
    await appliance.waitForInbox(cat.id, ++seen);
  });

  await t.step(
    "IMAP shows From, Subject and Date, and gives the messages in the order of their arrival",
    async () => {
      const login = `${imap.username}:${imap.password}`;
      const envelope = await appliance.curl(
        `${imaps}/INBOX`,
        "-u",
        login,
        "-X",
        "FETCH 1 (ENVELOPE)",
      );
      assert.match(
        envelope.out,
        /"Sun, 22 Nov 2026 10:00:00 \+0000" "Hello" \(\("Bob" NIL "bob" "sender.example"\)\)/,
      );
      for (const index of [1, 2, 3]) {
        const fetched = await appliance.curl(
          `${imaps}/INBOX;MAILINDEX=${index}`,
          "-u",
          login,
        );
        const message = Uint8Array.from(
          fetched.out,
          (letter) => letter.charCodeAt(0),
        );
        const inner = latin1(await decrypt(message, cat.p12, PASSWORD));
        assert.equal(contentOf(inner), SHAPES[index - 1]![2]);
      }
    },
  );

  await t.step("IMAP has the special-use folders", async () => {
    const listed = await appliance.curl(
      `${imaps}/`,
      "-u",
      `${imap.username}:${imap.password}`,
      "-X",
      'LIST "" "*" RETURN (SPECIAL-USE)',
    );
    for (const use of ["Drafts", "Sent", "Trash", "Junk", "Archive"]) {
      assert.match(listed.out, new RegExp(`\\\\${use}\\b`));
    }
  });

  await t.step("each password opens its own service only", async () => {
    const wrong = await appliance.curl(
      `${imaps}/INBOX`,
      "-u",
      `${smtp.username}:${smtp.password}`,
    );
    assert.equal(wrong.code, 67);
    const other = await submit(
      appliance,
      submission,
      imap,
      cat.address,
      fox.address,
    );
    assert.equal(other.code, 67, other.err);
  });

  await t.step(
    "an unknown address is refused at RCPT with 550 5.1.1",
    async () => {
      const sent = await appliance.send(SHAPES[0]![1], "owl@pets.example");
      assert.match(sent.err, /< 550 5\.1\.1 /);
    },
  );

  await t.step("mail for elsewhere is not relayed on 25", async () => {
    const sent = await appliance.send(SHAPES[0]![1], "a@elsewhere.example");
    assert.match(sent.err, /< 554 5\.7\.1 .*Relay access denied/);
  });

  await t.step("submission sends as the vaultbox", async () => {
    const sent = await submit(
      appliance,
      submission,
      smtp,
      cat.address,
      fox.address,
    );
    assert.equal(sent.code, 0, sent.err);
    await appliance.waitForInbox(fox.id, 1);
  });

  for (const from of [fox.address, "cat@elsewhere.example", "<>"]) {
    await t.step(`submission refuses ${from} as the sender`, async () => {
      const sent = await submit(
        appliance,
        submission,
        smtp,
        from,
        fox.address,
      );
      assert.match(sent.err, /< 553 5\.7\.1 /);
    });
  }

  await t.step(
    "submission refuses mail without a login, and a login without TLS",
    async () => {
      const sent = await appliance.curl(
        submission,
        "-v",
        "--ssl-reqd",
        "--mail-from",
        cat.address,
        "--mail-rcpt",
        fox.address,
        "-T",
        "/dev/null",
      );
      assert.match(sent.err, /< 554 5\.7\.1 |< 530 5\.7\./);
      const clear = await appliance.curl(
        submission,
        "-v",
        "-u",
        `${smtp.username}:${smtp.password}`,
        "--mail-from",
        cat.address,
        "--mail-rcpt",
        fox.address,
        "-T",
        "/dev/null",
      );
      assert.match(clear.err, /< 530 5\.7\.0 Must issue a STARTTLS/);
    },
  );

  await t.step("port 25 offers no login", async () => {
    const sent = await appliance.send(SHAPES[0]![1], cat.address);
    assert.doesNotMatch(sent.err, /AUTH/);
    await appliance.waitForInbox(cat.id, ++seen);
  });

  await t.step("a message over the limit is refused with 5.3.4", async () => {
    const big = `${HEAD}\r\n${"x".repeat(76) + "\r\n"}`.repeat(30_000);
    const sent = await appliance.send(big, cat.address);
    assert.match(sent.err, /< 552 5\.3\.4 /);
  });

  await t.step(
    "postmaster@ and abuse@ in one mail give the operator one copy",
    async () => {
      const sent = await appliance.send(SHAPES[0]![1], [
        "postmaster@pets.example",
        "abuse@pets.example",
      ]);
      assert.equal(sent.code, 0, sent.err);
      const [row] = await appliance.sql(
        "select id from vaultboxes where is_operator",
      );
      await until("the queue is empty", () => queueIsEmpty(appliance));
      assert.equal((await appliance.inbox(String(row!["id"]))).length, 1);
    },
  );

  await t.step(
    "mail waits in the queue while the intake is down, and comes once",
    async () => {
      await appliance.intake.stop("SIGKILL");
      const sent = await appliance.send(SHAPES[0]![1], cat.address);
      assert.equal(sent.code, 0, sent.err);
      await until(
        "Postfix has tried",
        async () => (await log(appliance)).includes("status=deferred"),
      );
      assert.match(await log(appliance), /dsn=4\.3\.0, status=deferred/);
      await appliance.intake.start();
      await appliance.postfix("postqueue", "-f");
      await appliance.waitForInbox(cat.id, ++seen);
    },
  );

  await t.step(
    "mail waits in the queue while the database is down, and comes once",
    async () => {
      await appliance.database.allowConnections(false);
      const before = (await log(appliance)).length;
      const sent = await appliance.send(SHAPES[0]![1], cat.address);
      assert.equal(sent.code, 0, sent.err);
      await until(
        "Postfix has tried",
        async () =>
          (await log(appliance)).slice(before).includes("status=deferred"),
      );
      await appliance.database.allowConnections(true);
      await appliance.postfix("postqueue", "-f");
      await appliance.waitForInbox(cat.id, ++seen);
      await until("the queue is empty", () => queueIsEmpty(appliance));
      assert.equal((await appliance.inbox(cat.id)).length, seen);
    },
  );

  await t.step(
    "fifty vaultboxes mailed in the second they are made get their mail",
    async () => {
      const boxes: Box[] = [];
      for (let i = 0; i < 50; i++) {
        const alias = `box${i}`;
        const made = await appliance.api("POST", "/vaultboxes", {
          "user_id": ALICE,
          domain: "pets.example",
          alias,
          name: alias,
        });
        const sent = await appliance.send(
          SHAPES[0]![1],
          `${alias}@pets.example`,
        );
        assert.equal(sent.code, 0, sent.err);
        boxes.push({
          id: made.data["vaultbox_id"],
          address: "",
          p12: cat.p12,
        });
      }
      for (const box of boxes) await appliance.waitForInbox(box.id, 1);
      assert.doesNotMatch(await log(appliance), /status=bounced/);
    },
  );

  await t.step(
    "a vaultbox deleted and made again never shows the other's mail",
    async () => {
      const login = `${imap.username}:${imap.password}`;
      await appliance.api("DELETE", `/vaultboxes/${cat.id}`);
      const refused = await appliance.send(SHAPES[0]![1], cat.address);
      assert.match(refused.err, /< 550 5\.1\.1 /);
      assert.equal(
        (await appliance.curl(`${imaps}/INBOX`, "-u", login)).code,
        67,
      );
      const again = await makeBox(appliance, "cat");
      const sent = await appliance.send(SHAPES[0]![1], again.address);
      assert.equal(sent.code, 0, sent.err);
      const paths = await appliance.waitForInbox(again.id, 1);
      assert.equal(paths.length, 1);
      assert.equal(await open(again, paths[0]!), SHAPES[0]![2]);
      await until(
        "the old mail is gone",
        async () => (await appliance.inbox(cat.id)).length === 0,
      );
      const rows = await appliance.sql(
        `select 1 from messages where vaultbox_id = '${cat.id}'`,
      );
      assert.equal(rows.length, 0);
    },
  );

  await t.step("no octet of a body is in the store or in a log", async () => {
    const canary = "canary-7f3a9c";
    const sent = await appliance.send(
      `${HEAD}\r\n${canary}\r\n`,
      fox.address,
    );
    assert.equal(sent.code, 0, sent.err);
    await appliance.waitForInbox(fox.id, 2);
    await until("the queue is empty", () => queueIsEmpty(appliance));
    const found = await new Deno.Command("grep", {
      args: ["-rl", canary, appliance.directory],
    }).output();
    assert.equal(latin1(found.stdout), "");
  });
});

function submit(
  appliance: Appliance,
  url: string,
  login: { username: string; password: string },
  from: string,
  to: string,
): Promise<{ code: number; out: string; err: string }> {
  return appliance.curl(
    url,
    "-v",
    "--ssl-reqd",
    "-u",
    `${login.username}:${login.password}`,
    "--mail-from",
    from,
    "--mail-rcpt",
    to,
    "-T",
    "/etc/hostname",
  );
}

async function queueIsEmpty(appliance: Appliance): Promise<boolean> {
  return (await appliance.postfix("postqueue", "-j")).out === "";
}

function log(appliance: Appliance): Promise<string> {
  return Deno.readTextFile(`${appliance.directory}/mail.log`);
}
