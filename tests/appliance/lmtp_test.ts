import assert from "node:assert/strict";
import {
  type Appliance,
  MISSING,
  startAppliance,
} from "../helpers/appliance.ts";
import { type Box, makeBox, PASSWORD } from "../helpers/appliance_box.ts";
import { sendByLmtp } from "../helpers/lmtp.ts";
import { contentOf, decrypt, latin1 } from "../helpers/mail.ts";
import { until } from "../helpers/until.ts";

const NEEDS = MISSING ? ` (needs ${MISSING})` : "";

/** Brings an address's mail by a road of its own, whatever the setting is. */
async function route(
  appliance: Appliance,
  address: string,
  transport: string,
): Promise<void> {
  const { directory } = appliance;
  const { code, err } = await shell(
    `echo '${address} ${transport}' | postmap -i -r 'lmdb:${directory}/maps/transport'`,
  );
  assert.equal(code, 0, err);
}

async function shell(
  script: string,
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `PATH=/usr/sbin:/usr/bin:/sbin:/bin; ${script}`],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

function lmtp(appliance: Appliance): string {
  return `encimap-lmtp:unix:${appliance.directory}/run/lmtp.sock`;
}

/** What the two roads must agree about: all but what names the delivery. */
async function parts(
  box: Box,
  path: string,
): Promise<{ outer: string; inner: string }> {
  const stored = await Deno.readFile(path);
  const text = latin1(stored);
  const end = text.indexOf("\r\n\r\n");
  return {
    outer: text.slice(0, end)
      .replace(/^Delivered-To: .*\r\n/, "")
      .replace(/\r\nEncimap-Encryption: (?:.*\r\n[ \t])*.*/, ""),
    inner: latin1(await decrypt(stored, box.p12, PASSWORD)),
  };
}

async function maillog(appliance: Appliance): Promise<string> {
  return await Deno.readTextFile(`${appliance.directory}/mail.log`);
}

async function intakeLog(appliance: Appliance): Promise<string> {
  return await Deno.readTextFile(`${appliance.directory}/run/intake.log`);
}

const HEAD = "From: Bob <bob@sender.example>\r\nTo: cat@pets.example\r\n" +
  "Subject: Hello\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n" +
  "Message-ID: <1@sender.example>\r\n";

/** Messages that one of the two roads might alter. */
const SHAPES: [name: string, message: string][] = [
  ["text", `${HEAD}\r\ntext\r\n`],
  ["8 bits", `${HEAD}\r\nGr\xc3\xbc\xc3\x9fe \x80\xff\r\n`],
  ["dots", `${HEAD}\r\n.\r\n..\r\n.a\r\n\r\n.`],
  ["a bare CR", `${HEAD}\r\na\rb\r\n`],
  ["a bare CR in a field", `${HEAD}X-A: a\rb\r\n\r\ntext\r\n`],
  ["a NUL", `${HEAD}\r\na\0b\r\n`],
  ["a header only", HEAD],
  ["no header", "\r\ntext\r\n"],
  ["an mbox line", `From bob\r\n${HEAD}\r\n>From x\r\nFrom x\r\n`],
  ["a Return-Path of the sender's", `Return-Path: <x@y.z>\r\n${HEAD}\r\nx\r\n`],
  ["a field of 5000 octets", `${HEAD}X-A: ${"b".repeat(5000)}\r\n\r\nx\r\n`],
  ["a line of 1 MB", `${HEAD}\r\n${"x".repeat(1_000_000)}\r\n`],
  ["10,000 empty lines", `${HEAD}\r\n${"\r\n".repeat(10_000)}`],
];

Deno.test({
  name: `pipe(8) and lmtp(8) bring the same octets and the same id${NEEDS}`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const cat = await makeBox(appliance, "cat");
  const dog = await makeBox(appliance, "dog");
  await route(appliance, dog.address, lmtp(appliance));
  for (const [i, [name, message]] of SHAPES.entries()) {
    await t.step(`${name}: stored alike`, async () => {
      const before = new Set([
        ...await appliance.inbox(cat.id),
        ...await appliance.inbox(dog.id),
      ]);
      // One mail in the queue, so that its trace fields are the same.
      const sent = await appliance.send(message, [cat.address, dog.address]);
      assert.equal(sent.code, 0, sent.err);
      const isNew = (path: string): boolean => !before.has(path);
      const [byPipe] = (await appliance.waitForInbox(cat.id, i + 1))
        .filter(isNew);
      const [byLmtp] = (await appliance.waitForInbox(dog.id, i + 1))
        .filter(isNew);
      const piped = await parts(cat, byPipe!);
      assert.deepEqual(await parts(dog, byLmtp!), piped);
      assert.match(piped.outer, /^Return-Path: <bob@sender\.example>\r\n/);
    });
  }
  await t.step("both were sent by their own road", async () => {
    const log = await maillog(appliance);
    const { length } = SHAPES;
    const sent = (what: RegExp): number =>
      log.split("\n").filter((line) =>
        what.test(line) && line.includes("status=sent")
      ).length;
    assert.equal(sent(/relay=encimap-pipe/), length);
    assert.equal(sent(/relay=\S+lmtp\.sock/), length);
  });
  await t.step("XFORWARD IDENT is Postfix's long queue id", async () => {
    const queued = new Set(
      [...(await maillog(appliance)).matchAll(/cleanup\[\d+\]: (\w+):/g)]
        .map((match) => match[1]!),
    );
    const stored = [...(await intakeLog(appliance))
      .matchAll(/event="message stored".* queue=(\w+) /g)]
      .map((match) => match[1]!);
    assert.equal(stored.length, 2 * SHAPES.length);
    for (const id of stored) assert.ok(queued.has(id), id);
  });
  await t.step("a mail that comes by both roads is one mail", async () => {
    const kitty = await appliance.api(
      "POST",
      `/vaultboxes/${cat.id}/aliases`,
      { address: "kitty@pets.example" },
    );
    assert.equal(kitty.data.address, "kitty@pets.example");
    await route(appliance, "kitty@pets.example", lmtp(appliance));
    const count = (await appliance.inbox(cat.id)).length;
    await appliance.send(`${HEAD}\r\nonce\r\n`, [
      cat.address,
      "kitty@pets.example",
    ]);
    await until("the queue is empty", async () => {
      const { out } = await appliance.postfix("postqueue", "-p");
      return /queue is empty/.test(out);
    });
    assert.equal((await appliance.inbox(cat.id)).length, count + 1);
    assert.match(await intakeLog(appliance), /repeated=true/);
  });
});

Deno.test({
  name: `Postfix delivers by LMTP where ENCIMAP_TRANSPORT says so${NEEDS}`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance({ ENCIMAP_TRANSPORT: "lmtp" });
  const cat = await makeBox(appliance, "cat");
  const dog = await makeBox(appliance, "dog");
  const map = `lmdb:${appliance.directory}/maps/transport`;

  await t.step(
    "postconf knows all settings, and complains of none",
    async () => {
      for (const args of [["-n"], ["-M"], ["-P"]]) {
        const { err } = await appliance.postfix("postconf", ...args);
        assert.equal(err, "");
      }
      assert.equal((await appliance.postfix("postfix", "check")).err, "");
    },
  );
  await t.step(
    "routes, and addresses without one, lead to the socket",
    async () => {
      const route = lmtp(appliance);
      const found = await appliance.postfix("postmap", "-q", cat.address, map);
      assert.equal(found.out.trim(), route);
      for (const name of ["virtual_transport", "transport_maps"]) {
        const { out } = await appliance.postfix("postconf", "-h", name);
        assert.ok(out.includes(route), out);
      }
      const { out } = await appliance.postfix(
        "postconf",
        "-h",
        "transport_maps",
      );
      const fallback = /pipemap:\{.*\}/.exec(out)![0];
      const unrouted = await appliance.postfix(
        ...["postmap", "-q", "pets.example", fallback] as const,
      );
      assert.equal(unrouted.out.trim(), route);
    },
  );
  await t.step("one mail for two is handed over once, and opens", async () => {
    await appliance.send(`${HEAD}\r\nboth\r\n`, [cat.address, dog.address]);
    for (const box of [cat, dog]) {
      const [path] = await appliance.waitForInbox(box.id, 1);
      const stored = await Deno.readFile(path!);
      const opened = await decrypt(stored, box.p12, PASSWORD);
      assert.equal(contentOf(latin1(opened)), "\r\nboth\r\n");
    }
    const sent = (await maillog(appliance)).match(/ to=.*lmtp\.sock.*Stored/g);
    assert.equal(sent?.length, 2);
  });
  await t.step("mail waits in the queue while the intake is down", async () => {
    await appliance.intake.stop();
    await appliance.send(`${HEAD}\r\nlater\r\n`, cat.address);
    await until(
      "it is deferred",
      async () => /status=deferred/.test(await maillog(appliance)),
    );
    await appliance.intake.start();
    await appliance.waitForInbox(cat.id, 2);
    assert.doesNotMatch(await maillog(appliance), /status=bounced/);
  });
  await t.step("a suspended vaultbox defers its own mail alone", async () => {
    await appliance.sql(
      `update vaultboxes set status = 'suspended' where id = '${dog.id}'`,
    );
    await appliance.send(`${HEAD}\r\nhalf\r\n`, [cat.address, dog.address]);
    await appliance.waitForInbox(cat.id, 3);
    await until(
      "the other is deferred",
      async () => /to=<dog@.*450 4\.2\.1/.test(await maillog(appliance)),
    );
    await appliance.sql(
      `update vaultboxes set status = 'active' where id = '${dog.id}'`,
    );
    await appliance.postfix("postqueue", "-f");
    await appliance.waitForInbox(dog.id, 2);
    assert.equal((await appliance.inbox(cat.id)).length, 3);
  });
  await t.step("swaks speaks LMTP with it", async () => {
    const { code, out, err } = await shell(
      `swaks --protocol LMTP --socket '${appliance.directory}/run/lmtp.sock' \
        --from bob@sender.example --to ${cat.address},${dog.address},no@pets.example`,
    );
    // 24: some recipients were refused.
    assert.ok(code === 0 || code === 24, `${code} ${err}`);
    assert.equal(out.match(/250 2\.0\.0 Stored/g)?.length, 2, out);
    assert.match(out, /550 5\.1\.1 No such vaultbox/);
    assert.equal((await appliance.inbox(cat.id)).length, 4);
  });
  await t.step(
    "sockets of systemd are told apart by their names, in any order",
    async () => {
      await appliance.intake.stop();
      const { directory } = appliance;
      const socket = (name: string): string => `${directory}/run/${name}.sock`;
      await shell(`rm -f '${socket("lmtp")}' '${socket("intake")}'`);
      const systemd = new Deno.Command("systemd-socket-activate", {
        args: [
          ...["-l", socket("lmtp"), "-l", socket("intake")],
          ...["--fdname", "lmtp:encimap-intake.socket"],
          ...["-E", `ENCIMAP_CONFIG_FILE=${directory}/encimap.env`],
          ...["setpriv", "--reuid=postgres", "--regid=postgres"],
          ...["--init-groups", `${directory}/dist/encimap`, "intake"],
        ],
        clearEnv: true,
        env: { PATH: "/usr/bin:/bin" },
        stdout: "null",
        stderr: "null",
      }).spawn();
      try {
        await until(
          "it listens",
          async () =>
            (await Deno.lstat(socket("intake")).catch(() => undefined)) !==
              undefined,
        );
        const [reply] = await sendByLmtp(socket("lmtp"), {
          to: [cat.address],
          message: `${HEAD}\r\nsystemd\r\n`,
        });
        assert.equal(reply, "250 2.0.0 Stored");
        const health = await shell(
          `curl -sS --unix-socket '${socket("intake")}' http://x/health`,
        );
        assert.match(health.out, /"healthy"/);
      } finally {
        systemd.kill();
        await systemd.status;
      }
    },
  );
});
