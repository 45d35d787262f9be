import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  type Ran,
  startAppliance,
} from "../helpers/appliance.ts";
import { makeLogin } from "../helpers/appliance_box.ts";
import { isMissing } from "../helpers/openssl.ts";
import { startSink } from "../helpers/sink.ts";

const DKIMPY = "/usr/lib/python3/dist-packages/dkim/__init__.py";
const NEEDS = MISSING ?? (isMissing(DKIMPY) ? "python3-dkim" : undefined);

const CAT = "cat@pets.example";
const BOB = "bob@away.example";

/** curl: the server refuses the sender, the data, or what it has sent. */
const REFUSED = [55, 56, 8];

Deno.test({
  name: `mail of port 587 is judged, counted and signed${
    NEEDS ? ` (needs ${NEEDS})` : ""
  }`,
  ignore: NEEDS !== undefined,
}, async (t) => {
  await using appliance = await startAppliance({
    ENCIMAP_RECIPIENTS_PER_HOUR: "30",
    ENCIMAP_RECIPIENTS_PER_DAY: "50",
  });
  await using sink = await startSink();
  await appliance.postfix(
    "postconf",
    "-e",
    `relayhost=[127.0.0.1]:${sink.port}`,
  );
  await appliance.postfix("postfix", "reload");
  const { data } = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
  });
  const id = data["vaultbox_id"];
  const login = await makeLogin(appliance, id);
  const send = (message: string, to: string[] = [BOB], from = CAT) =>
    submit(appliance, login, message, to, from);

  await t.step("dkimpy verifies what the next server gets", async () => {
    const bodies = [
      "Hello\r\n",
      "",
      "two  blanks \t\r\n.dot\r\n\r\n\r\n",
      "8 bits \xc3\xa4\r\n",
      `${"long ".repeat(600)}\r\nafter it\r\n`,
      `${"x".repeat(998)}\r\n${"y".repeat(999)}\r\n${"z".repeat(5000)}\r\n`,
      `bare CR \r in it\r\n`,
    ];
    for (const [i, body] of bodies.entries()) {
      const sent = await send(
        `From: Cat <${CAT}>\r\nTo: ${BOB}\r\nSubject: ${i} ${
          "s".repeat(i === 0 ? 1500 : 10)
        }\r\n\r\n${body}`,
      );
      assert.equal(sent.code, 0, sent.err);
      const received = await sink.message(i + 1);
      assert.equal(await verified(appliance, received), "True", `body ${i}`);
      assert.match(received, /^DKIM-Signature: v=1; a=rsa-sha256;/m);
    }
  });

  await t.step("the author shown must be who sends", async () => {
    for (
      const header of [
        "From: dog@pets.example",
        "From: Cat <dog@pets.example>",
        `From: ${CAT}, dog@pets.example`,
        `From: dog@pets.example\r\nFrom: ${CAT}`,
        `From: dog@pets.example <${CAT}>`,
        `From: "dog"@pets.example`,
        `From: ${CAT}\r\nSender: dog@pets.example`,
        "From:",
      ]
    ) {
      const sent = await send(`${header}\r\nSubject: x\r\n\r\nx\r\n`);
      assert.ok(REFUSED.includes(sent.code), `${header}: ${sent.code}`);
      assert.match(sent.err, /550 5\.7\.1 From must be/, header);
    }
    const sent = await send(
      `From: "Dog, the" (x) <CAT@Pets.example>\r\nSender: ${CAT}\r\n\r\nx\r\n`,
    );
    assert.equal(sent.code, 0, sent.err);
    await sink.message(8);
  });

  await t.step("results that a filter would write are taken out", async () => {
    const before = sink.messages.length;
    await send(
      `From: ${CAT}\r\nAuthentication-Results: mail.example.test; dkim=pass\r\n` +
        `X-Kept: yes\r\nAuthentication-Results: two; spf=pass\r\n\r\nx\r\n`,
    );
    const received = await sink.message(before + 1);
    assert.doesNotMatch(received, /^authentication-results/im);
    assert.match(received, /^X-Kept: yes/m);
    assert.equal(await verified(appliance, received), "True");
  });

  await t.step("without the filter nothing goes out, for now", async () => {
    const before = sink.messages.length;
    await appliance.submission.stop("SIGKILL");
    const put = await send(`From: ${CAT}\r\n\r\nx\r\n`);
    assert.match(put.err, /454 4\.3\.0/);
    await appliance.submission.start();
    assert.equal((await send(`From: ${CAT}\r\n\r\nx\r\n`)).code, 0);
    await sink.message(before + 1);
    assert.equal(sink.messages.length, before + 1);
  });

  await t.step("a bounce of it comes back encrypted", async () => {
    sink.refuse = true;
    const sent = await send(
      `From: ${CAT}\r\nTo: ${BOB}\r\nSubject: secret-subject\r\n\r\nsecret-body\r\n`,
    );
    assert.equal(sent.code, 0, sent.err);
    const [path] = await appliance.waitForInbox(id, 1);
    const stored = await Deno.readTextFile(path!);
    assert.match(stored, /smime-type=enveloped-data/);
    assert.match(stored, /^From: .*MAILER-DAEMON/m);
    assert.doesNotMatch(stored, /secret-/);
    sink.refuse = false;
  });

  await t.step("who sends to too many in an hour has to wait", async () => {
    const many = Array.from({ length: 15 }, (_, i) => `${i}@away.example`);
    const message = `From: ${CAT}\r\n\r\nx\r\n`;
    assert.equal((await send(message, many)).code, 0);
    const late = await send(message, many);
    assert.match(late.err, /450 4\.7\.1 Too many recipients in an hour/);
    assert.match((await send(message, many)).err, /450 4\.7\.1/);
    const tooMany = Array.from({ length: 31 }, (_, i) => `${i}@away.example`);
    assert.match((await send(message, tooMany)).err, /550 5\.5\.3/);
    const noted = await audit(appliance, "sending.limit");
    assert.equal(noted.length, 1);
  });

  await t.step(
    "who goes on the next hours is stopped, and it is told",
    async () => {
      await appliance.sql(
        "update sent_mail set hour = hour - interval '2 hours'",
      );
      const many = Array.from({ length: 25 }, (_, i) => `${i}@away.example`);
      const message = `From: ${CAT}\r\n\r\nx\r\n`;
      assert.match(
        (await send(message, many)).err,
        /450 4\.7\.1 Sending is stop/,
      );
      assert.match((await send(message)).err, /450 4\.7\.1 Sending is stopped/);
      assert.equal((await audit(appliance, "sending.stop")).length, 1);
      const health = await appliance.api("GET", "/health");
      assert.deepEqual(health.sending, { stopped: 1, limited: 1 });
      const listed = await appliance.encimap("sending", "list");
      assert.match(listed.out, /^cat@pets\.example\t/);
      await appliance.encimap("sending", "resume", CAT);
      assert.equal((await send(message)).code, 0);
      assert.equal((await audit(appliance, "sending.resume")).length, 1);
    },
  );
});

Deno.test({
  name: `an address that comes too often is put off, on both ports${
    NEEDS ? ` (needs ${NEEDS})` : ""
  }`,
  ignore: NEEDS !== undefined,
}, async () => {
  await using appliance = await startAppliance();
  const port = appliance.submissionPort;
  const limit = `127.0.0.1:${port}/inet/smtpd_client_auth_rate_limit`;
  const { out } = await appliance.postfix("postconf", "-Ph", limit);
  assert.equal(out.trim(), "60");
  await appliance.postfix("postconf", "-P", `${limit}=5`);
  await appliance.postfix(
    "postconf",
    "-e",
    "smtpd_client_event_limit_exceptions=",
    "smtpd_client_message_rate_limit=3",
  );
  await appliance.postfix("postfix", "reload");
  const wrong = { username: "nobody", password: "wrong" };
  const tries: string[] = [];
  for (let i = 0; i < 7; i++) {
    tries.push((await submit(appliance, wrong, "x", [BOB], CAT)).err);
  }
  assert.match(tries[0]!, /535 5\.7\.8/);
  assert.match(tries[6]!, /450 4\.7\.1.*too many AUTH commands/i);
  const to = "postmaster@mail.example.test";
  for (let i = 0; i < 3; i++) {
    assert.equal((await appliance.send("A: b\r\n\r\nx\r\n", to)).code, 0);
  }
  const late = await appliance.send("A: b\r\n\r\nx\r\n", to);
  assert.match(late.err, /450 4\.7\.1.*too much mail/i);
});

async function audit(appliance: Appliance, action: string) {
  return (await appliance.api("GET", `/audit?action=${action}`)).data;
}

async function submit(
  appliance: Appliance,
  login: { username: string; password: string },
  message: string,
  to: string[],
  from: string,
): Promise<Ran> {
  const path = `${appliance.directory}/${crypto.randomUUID()}.eml`;
  await Deno.writeFile(
    path,
    Uint8Array.from(message, (letter) => letter.charCodeAt(0)),
  );
  return await appliance.curl(
    ...["-v", "--ssl-reqd", "-u", `${login.username}:${login.password}`],
    ...[`smtp://127.0.0.1:${appliance.submissionPort}`, "--mail-from", from],
    ...to.flatMap((one) => ["--mail-rcpt", one]),
    ...["-T", path],
  );
}

/** What dkimpy says; the key is as `encimap dns` prints it. */
async function verified(
  appliance: Appliance,
  message: string,
): Promise<string> {
  const { out } = await appliance.encimap("dns", "pets.example");
  const record = /^encimap1\._domainkey\.pets\.example\. IN TXT (.*)$/m
    .exec(out)![1]!;
  const text = [...record.matchAll(/"([^"]*)"/g)].map(([, part]) => part);
  const child = new Deno.Command("/usr/bin/python3", {
    args: [
      "-c",
      `import dkim, sys
print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda *_, **__: sys.argv[1].encode()))`,
      text.join(""),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(
    Uint8Array.from(message, (letter) => letter.charCodeAt(0)),
  );
  await writer.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout).trim();
}
