import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  startAppliance,
} from "../helpers/appliance.ts";
import { latin1 } from "../helpers/mail.ts";
import {
  type MailChecks,
  NO_FILTERS,
  startMailChecks,
} from "../helpers/mail_checks.ts";
import { isMissing } from "../helpers/openssl.ts";

const DKIMPY = "/usr/lib/python3/dist-packages/dkim/__init__.py";
const NEEDS = MISSING ?? NO_FILTERS ??
  (isMissing(DKIMPY) ? "python3-dkim" : undefined);

const HOST = "mail.example.test";
const CAT = "cat@pets.example";

/** Where good.example sends from, and somebody else. */
const GOOD = "192.0.2.1";
const EVIL = "198.51.100.9";

function txt(name: string, ...text: string[]): string {
  return `--txt-record=${[name, ...text].join(",")}`;
}

/** DNS, with the key by which good.example signs. */
function records(key: string): string[] {
  return [
    txt("good.example", `v=spf1 ip4:${GOOD} -all`),
    txt("_dmarc.good.example", "v=DMARC1; p=reject"),
    txt("s1._domainkey.good.example", ...key.match(/.{1,200}/g)!),
    txt("soft.example", `v=spf1 include:good.example ~all`),
    txt("_dmarc.soft.example", "v=DMARC1; p=quarantine"),
    txt("neutral.example", "v=spf1 ?all"),
    txt("twice.example", "v=spf1 -all"),
    txt("twice.example", "v=spf1 +all"),
    txt("loop.example", "v=spf1 include:loop.example -all"),
    txt("helo.example", `v=spf1 ip4:${GOOD} -all`),
    txt("client.example", `v=spf1 ip4:${GOOD} -all`),
  ];
}

Deno.test({
  name: `mail of port 25 is checked and marked${
    NEEDS ? ` (needs ${NEEDS})` : ""
  }`,
  ignore: NEEDS !== undefined,
}, async (t) => {
  await using world = await startWorld("mark");
  const { appliance, checks, arrive } = world;

  for (
    const [name, options, verdict] of [
      ["an address of the domain's", {}, "spf:pass,dkim:none,dmarc:pass"],
      [
        "an address that is none",
        { client: EVIL },
        "spf:fail,dkim:none,dmarc:fail",
      ],
      [
        "a softfail, and a policy of quarantine",
        { client: EVIL, from: "a@soft.example" },
        "spf:softfail,dkim:none,dmarc:fail",
      ],
      [
        "an included domain",
        { from: "a@soft.example" },
        "spf:pass,dkim:none,dmarc:pass",
      ],
      [
        "a neutral domain",
        { from: "a@neutral.example" },
        "spf:neutral,dkim:none,dmarc:none",
      ],
      [
        "a domain with two records",
        { from: "a@twice.example" },
        "spf:permerror,dkim:none,dmarc:none",
      ],
      [
        "a domain that includes itself",
        { from: "a@loop.example" },
        "spf:permerror,dkim:none,dmarc:none",
      ],
      [
        "a domain without records",
        { from: "a@none.example" },
        "spf:none,dkim:none,dmarc:none",
      ],
      [
        "the empty sender, by the name of the client",
        { sender: "", name: "client.example" },
        "spf:pass,dkim:none,dmarc:fail",
      ],
      [
        "another author than the sender",
        { sender: "a@helo.example" },
        "spf:pass,dkim:none,dmarc:fail",
      ],
      [
        "a signature, forwarded",
        { client: EVIL, sign: true },
        "spf:fail,dkim:pass,dmarc:pass",
      ],
      [
        "a signature, altered on its way",
        { client: EVIL, sign: true, alter: true },
        "spf:fail,dkim:fail,dmarc:fail",
      ],
      [
        "a signature of somebody else",
        { client: EVIL, sign: true, from: "a@soft.example" },
        "spf:softfail,dkim:pass,dmarc:fail",
      ],
    ] as const
  ) {
    await t.step(`${name}: ${verdict}`, async () => {
      const stored = await arrive(options);
      assert.equal(verdictOf(stored), verdict);
      const said = results(stored);
      assert.equal(said.length, 3, said.join("\n"));
      for (const each of said) assert.match(each, /^mail\.example\.test; /);
    });
  }

  await t.step("what a sender says in our name is taken out", async () => {
    const pass = `dkim=pass header.d=good.example header.i=@good.example`;
    const forged = [
      `${HOST}; ${pass}`,
      `${HOST}; spf=pass smtp.mailfrom=good.example; dmarc=pass header.from=good.example`,
      `${HOST.toUpperCase()} 1; ${pass}; arc=pass`,
      `"${HOST}"; ${pass}`,
      `"mail.ex\\ample.test"; ${pass}`,
      `mail.(x)example.test; ${pass}`,
      `(x) ${HOST}; ${pass}`,
      `(;) ${HOST}; ${pass}`,
      `(=) ${HOST}; ${pass}`,
      `${HOST}(x); ${pass}`,
      `${HOST}.; ${pass}`,
      `${HOST}/1; ${pass}`,
      `\r\n\t${HOST}\r\n\t; ${pass}`,
      `${HOST} ;; ${pass}; unknown/9=pass; arc=pass smtp.remote-ip=1`,
    ];
    for (const value of forged) {
      for (
        const name of ["Authentication-Results", "AUTHENTICATION-results "]
      ) {
        const stored = await arrive({
          client: EVIL,
          fields: `${name}: ${value}\r\n`,
        });
        const verdict = verdictOf(stored);
        assert.equal(verdict, "spf:fail,dkim:none,dmarc:fail", value);
        const said = results(stored);
        assert.equal(said.length, 3, `${value}: ${said.join("\n")}`);
      }
    }
  });

  await t.step("an attached mail stays as it is", async () => {
    const stored = await arrive({
      client: EVIL,
      sign: true,
      body: "MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n" +
        `Authentication-Results: ${HOST}; dkim=pass\r\nSubject: x\r\n\r\nx\r\n`,
    });
    assert.equal(verdictOf(stored), "spf:fail,dkim:pass,dmarc:pass");
  });

  await t.step("what other servers have said stays", async () => {
    const others = [
      "mx.away.example; dkim=pass header.d=x.example",
      "spf=pass (sender IP is 192.0.2.7) smtp.mailfrom=x.example; dkim=none",
    ];
    const stored = await arrive({
      fields: others.map((each) => `Authentication-Results: ${each}\r\n`)
        .join(""),
    });
    assert.deepEqual(results(stored).slice(3), others);
    assert.equal(verdictOf(stored), "spf:pass,dkim:none,dmarc:pass");
  });

  for (const filter of ["dkim", "spf", "dmarc"] as const) {
    await t.step(
      `without the filter ${filter} mail waits at the sender, and comes once`,
      async () => {
        await checks.kill(filter);
        const put = await world.send({});
        assert.match(put, /^4\d\d 4\./);
        await checks.start(filter);
        const stored = await arrive({});
        assert.equal(verdictOf(stored), "spf:pass,dkim:none,dmarc:pass");
      },
    );
  }

  await t.step(
    "nothing odd makes a filter fail, but an author without a domain",
    async () => {
      const odd: Mail[] = [
        ...[
          "",
          "root",
          "a@b@good.example",
          `"a b"@good.example`,
          `a@[${GOOD}]`,
          "a@[IPv6:2001:db8::1]",
          "%{i}%{l}@good.example",
          "a@good.example.",
          "a@-bad-.example",
          "a@bad..example",
          "a@.example",
          "a@GOOD.example",
          "@good.example",
          "@x.example:a@good.example",
          "a+b=c@good.example",
          `${"a".repeat(300)}@good.example`,
          `a@${"b.".repeat(110)}example`,
          `a@${"b".repeat(70)}.example`,
          "a@xn--nxasmq6b.example",
          "a@_x_.example",
          "a@com",
          "\xe4@good.example",
          "a@\xe4.example",
        ].map((sender) => ({ sender })),
        ...["IPv6:2001:db8::1"]
          .map((client) => ({ client })),
        ...["[UNAVAILABLE]", "[TEMPUNAVAIL]", "x"].map((name) => ({ name })),
        ...["x", `[${GOOD}]`, "_", "-", "a..b", "\xe4", "%{i}", "a".repeat(250)]
          .flatMap((helo) => [{ helo }, { helo, sender: "" }]),
        ...[
          "",
          "x",
          "a@good.example, b@good.example",
          "group:;",
          "group: a@good.example;",
          "a@",
          "@good.example",
          "<<a@good.example>",
          `"x <a@good.example>`,
          "(a@good.example",
          "\xe4 <a@good.example>",
          "=?utf-8?q?x?= <a@good.example>",
          "a@\xe4.example",
          "a@[192.0.2.1]",
          `${"a".repeat(5000)}@good.example`,
          `a@${"b.".repeat(2000)}example`,
          `${"(".repeat(5000)}a@good.example`,
          "a@good.example,".repeat(500),
        ].map((from) => ({ from, sender: "a@good.example" })),
        ...[
          "From: b@good.example",
          "DKIM-Signature: x",
          "DKIM-Signature:",
          "DKIM-Signature: v=1; a=rsa-sha256; d=good.example; s=s1; h=From; b=x; bh=x",
          "DKIM-Signature: v=1; a=rsa-sha256; d=good.example; s=s1; h=From; l=999999999999999999999; t=99999999999999999999; b=x; bh=x",
          `DKIM-Signature: v=1; a=ed25519-sha256; d=${
            "x.".repeat(200)
          }; s=s1; h=From; b=x; bh=x`,
          "ARC-Seal: i=1; x",
          "Authentication-Results: ; ;;",
          "Received-SPF: pass",
          "List-Id:",
          ": x",
        ].map((field) => ({ fields: `${field}\r\n` })),
      ];
      let taken = 0;
      const putOff: Mail[] = [];
      for (const mail of odd) {
        const answer = await world.send(mail);
        // Postfix itself does not take all of them.
        if (answer.startsWith("4")) putOff.push(mail);
        if (answer.startsWith("250 ")) taken++;
      }
      assert.ok(taken > 50, String(taken));
      await world.settle(taken);
      // opendmarc finds no author's domain.
      assert.deepEqual(putOff.map(({ from }) => from), ["a@"]);
    },
  );

  await t.step("a large header section with many fields comes in", async () => {
    const fields = Array.from(
      { length: 15_000 },
      (_, i) => `X-${i}: ${"x".repeat(40)}\r\n`,
    ).join("");
    const stored = await arrive({ fields });
    assert.equal(verdictOf(stored), "spf:pass,dkim:none,dmarc:pass");
  });

  await t.step("the three hold less than 100 MiB", async () => {
    const held = await Promise.all(
      (["dkim", "spf", "dmarc"] as const).map(checks.memory),
    );
    const sum = held.reduce((a, b) => a + b);
    assert.ok(sum > 1024 && sum < 100 * 1024, `${held.join(", ")} KiB`);
  });

  await t.step("no filter writes a file", async () => {
    const { directory } = appliance;
    const own = [
      `${directory}/checks/spf/pid`,
      `${directory}/spool/encimap-checks/dkim/resolver.conf`,
    ];
    const written = (await checks.written())
      .filter((path) => !path.startsWith("/dev/") && !own.includes(path));
    assert.deepEqual(written, []);
  });

  await t.step(
    "when DNS does not answer, mail comes in all the same",
    async () => {
      await checks.stopDns();
      const stored = await arrive({ sign: true });
      assert.equal(
        verdictOf(stored),
        "spf:temperror,dmarc:none",
      );
    },
  );
});

Deno.test({
  name: `what fails DMARC is refused where the operator and the domain say so${
    NEEDS ? ` (needs ${NEEDS})` : ""
  }`,
  ignore: NEEDS !== undefined,
}, async () => {
  await using world = await startWorld("refuse");
  const refused = await world.send({ client: EVIL });
  assert.match(
    refused,
    /^550 5\.7\.1 rejected by DMARC policy for good\.example/,
  );
  for (
    const [options, verdict] of [
      [{}, "spf:pass,dkim:none,dmarc:pass"],
      [{ client: EVIL, sign: true }, "spf:fail,dkim:pass,dmarc:pass"],
      [
        { client: EVIL, from: "a@soft.example" },
        "spf:softfail,dkim:none,dmarc:fail",
      ],
      [{ from: "a@none.example" }, "spf:none,dkim:none,dmarc:none"],
    ] as const
  ) {
    assert.equal(verdictOf(await world.arrive(options)), verdict);
  }
});

/** A mail; what is not said is good. */
interface Mail {
  readonly client?: string;
  readonly name?: string;
  readonly helo?: string;
  readonly sender?: string;
  readonly from?: string;
  readonly fields?: string;
  readonly sign?: boolean;
  readonly body?: string;
  readonly alter?: boolean;
}

interface World extends AsyncDisposable {
  readonly appliance: Appliance;
  readonly checks: MailChecks;
  /** Sends, and gives the answer to the mail or what refuses it before. */
  send(mail: Mail): Promise<string>;
  /** Waits for that many mails more, which nobody looks at. */
  settle(count: number): Promise<void>;
  /** Sends, and gives what is stored. */
  arrive(mail: Mail): Promise<string>;
}

async function startWorld(mode: "mark" | "refuse"): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const appliance = stack.use(
    await startAppliance({ ENCIMAP_MAIL_CHECKS: mode }),
  );
  await appliance.postfix(
    "postconf",
    "-e",
    "smtpd_authorized_xclient_hosts=127.0.0.1",
    "smtpd_client_event_limit_exceptions=static:all",
  );
  await appliance.postfix("postfix", "reload");
  const { data } = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
  });
  const id = data["vaultbox_id"];
  const keyFile = `${appliance.directory}/dkim.key`;
  const key = await python(
    `import subprocess, base64
subprocess.run(["openssl", "genrsa", "-traditional", "-out", sys.argv[1], "2048"], check=True, capture_output=True)
der = subprocess.run(["openssl", "rsa", "-in", sys.argv[1], "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
sys.stdout.write("v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode())`,
    "",
    keyFile,
  );
  const checks = stack.use(
    await startMailChecks(appliance.directory, records(key)),
  );
  let sent = 0;
  const send = async (mail: Mail): Promise<string> => {
    const from = mail.from ?? "a@good.example";
    const subject = `number ${sent++}`;
    let message = `From: A <${from}>\r\nTo: ${CAT}\r\nSubject: ${subject}\r\n${
      mail.body ?? "\r\nHello\r\n"
    }`;
    if (mail.sign) {
      message = await python(
        `import dkim
m = sys.stdin.buffer.read()
s = dkim.sign(m, b"s1", b"good.example", open(sys.argv[1], "rb").read(), include_headers=[b"from", b"to", b"subject"])
sys.stdout.buffer.write(s + m)`,
        message,
        keyFile,
      );
    }
    if (mail.alter) message = message.replace("Hello", "Hullo");
    return await submit(appliance.smtpPort, {
      client: mail.client ?? GOOD,
      name: mail.name ?? "unknown.example",
      helo: mail.helo ?? "helo.example",
      sender: mail.sender ?? from,
      message: (mail.fields ?? "") + message,
    });
  };
  const known = new Set<string>();
  const cleanup = stack.move();
  return {
    appliance,
    checks,
    send,
    async settle(count) {
      const paths = await appliance.waitForInbox(id, known.size + count);
      for (const path of paths) known.add(path);
    },
    async arrive(mail) {
      const answer = await send(mail);
      assert.match(answer, /^250 /);
      const paths = await appliance.waitForInbox(id, known.size + 1);
      assert.equal(paths.length, known.size + 1);
      const path = paths.find((each) => !known.has(each))!;
      known.add(path);
      return latin1(await Deno.readFile(path));
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** The fields of this name, unfolded. */
function results(stored: string): string[] {
  const header = stored.split("\r\n\r\n")[0]!.replace(/\r\n[ \t]+/g, " ");
  return [...header.matchAll(/^authentication-results[ \t]*:[ \t]*(.*)$/gim)]
    .map(([, value]) => value!);
}

/** What the receipt says. */
function verdictOf(stored: string): string {
  const header = stored.split("\r\n\r\n")[0]!.replace(/\r\n[ \t]+/g, " ");
  return /^Encimap-Encryption:.* auth=([^;]*);/m.exec(header)![1]!;
}

/** Speaks SMTP, from an address of choice. */
async function submit(
  port: number,
  { client, name, helo, sender, message }: {
    client: string;
    name: string;
    helo: string;
    sender: string;
    message: string;
  },
): Promise<string> {
  using connection = await Deno.connect({ port });
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  const reply = async (): Promise<string> => {
    let text = "";
    while (!/^\d{3} .*\r\n$/m.test(text)) {
      const count = await connection.read(buffer);
      if (count === null) throw new Error(`Closed: ${text}`);
      text += decoder.decode(buffer.subarray(0, count));
    }
    return text.split("\r\n").at(-2)!;
  };
  const say = async (text: string): Promise<string> => {
    const octets = Uint8Array.from(text, (each) => each.charCodeAt(0));
    for (let at = 0; at < octets.length;) {
      at += await connection.write(octets.subarray(at));
    }
    return await reply();
  };
  await reply();
  await say("EHLO x.example\r\n");
  await say(`XCLIENT ADDR=${client} NAME=${name}\r\n`);
  for (
    const line of [
      `EHLO ${helo}`,
      `MAIL FROM:<${sender}>`,
      `RCPT TO:<${CAT}>`,
    ]
  ) {
    const answer = await say(`${line}\r\n`);
    if (!answer.startsWith("250 ")) return answer;
  }
  const answer = await say("DATA\r\n");
  if (!answer.startsWith("354 ")) return answer;
  return await say(`${message}.\r\n`);
}

async function python(
  program: string,
  input: string,
  ...args: string[]
): Promise<string> {
  const child = new Deno.Command("/usr/bin/python3", {
    args: ["-c", `import sys\n${program}`, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(Uint8Array.from(input, (each) => each.charCodeAt(0)));
  await writer.close();
  const { success, stdout } = await child.output();
  assert.ok(success);
  return latin1(stdout);
}
