/**
 * Thunderbird beside the appliance in a fresh machine, from the address to the
 * text of a mail. `docs/thunderbird.md` says what else was seen in it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMAND, Thunderbird, userJs } from "../helpers/thunderbird.ts";
import { cleanCopy, createVm, findFreshvm, type Vm } from "../helpers/vm.ts";

const HOST = "mail.example.test";
const ADDRESS = "cat@cats.example.test";
const CLIENT = "python3 /root/test/client.py";

/** Password of the files that client.py asks for. */
const PASSWORD = "bundle-password";

const FRESHVM = findFreshvm();

Deno.test({
  name: `Thunderbird sets itself up, imports the bundle and shows mail${
    FRESHVM === undefined ? " (needs FRESHVM and root)" : ""
  }`,
  ignore: FRESHVM === undefined,
}, async (t) => {
  await using vm = await createVm("encimap-thunderbird", { hostname: HOST });
  await step(t, "the appliance is installed", () => installAppliance(vm));
  await step(t, "Thunderbird is installed", () => installThunderbird(vm));
  const { id, imapPassword } = JSON.parse(
    await vm.sh(
      `mkdir -p /root/test/cat && ${CLIENT} setup ${ADDRESS} /root/test/cat`,
    ),
  );
  await using connection = vm.connect(2828);
  const thunderbird = await Thunderbird.open(connection);

  await step(
    t,
    "finds the servers and the user name by the address",
    async () => {
      assert.deepEqual(await thunderbird.findConfiguration("Cat", ADDRESS), {
        incoming: {
          type: "imap",
          host: HOST,
          port: "993",
          username: ADDRESS,
          security: "account-hub-result-ssl",
        },
        outgoing: {
          host: HOST,
          port: "587",
          username: ADDRESS,
          security: "account-hub-result-starttls",
        },
      });
    },
  );

  await step(t, "logs in over IMAPS", async () => {
    // The appliance has no certificate for TLS that an authority vouches for.
    // On port 443 Thunderbird looks for calendars and address books.
    const certificate = await vm.sh(
      `openssl s_client -connect ${HOST}:993 </dev/null 2>/dev/null |
        openssl x509 -outform DER | base64 -w 0`,
    );
    await thunderbird.trustServer(HOST, 993, certificate);
    await thunderbird.trustServer(HOST, 443, certificate);
    await thunderbird.trustServer("cats.example.test", 443, certificate);
    await thunderbird.addAccount(ADDRESS, imapPassword);
  });

  await step(t, "shows no text without the key", async () => {
    await send(vm, "one", "Content-Type: text/plain\n\nCLEARTEXT-MARKER\n");
    const shown = await thunderbird.read(ADDRESS, "one@outside.example");
    assert.equal(shown.technology, "S/MIME");
    assert.equal(shown.encrypted, "notok");
    assert.match(shown.body, /cannot decrypt this message/);
    assert.doesNotMatch(shown.body, /CLEARTEXT/);
  });

  await step(
    t,
    "imports the bundle's key, with its password only",
    async () => {
      const path = "/root/test/cat/certificate.p12";
      assert.notEqual(await thunderbird.importIdentity(path, "another"), 0);
      assert.equal(await thunderbird.importIdentity(path, PASSWORD), 0);
    },
  );

  await step(
    t,
    "shows the text and the subject, and that it was encrypted",
    async () => {
      assert.deepEqual(await thunderbird.read(ADDRESS, "one@outside.example"), {
        listSubject: "Grüße one",
        subject: "Grüße one",
        body: "CLEARTEXT-MARKER",
        technology: "S/MIME",
        encrypted: "ok",
        signed: null,
        attachments: [],
      });
    },
  );

  await step(t, "shows letters beyond ASCII and an attachment", async () => {
    await send(
      vm,
      "two",
      `Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Straße, 5 €, 猫
--b
Content-Type: application/pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="paw.pdf"

JVBERi0=
--b--
`,
    );
    const shown = await thunderbird.read(ADDRESS, "two@outside.example");
    assert.equal(shown.encrypted, "ok");
    assert.equal(shown.body, "Straße, 5 €, 猫");
    assert.deepEqual(shown.attachments, [
      { name: "paw.pdf", type: "application/pdf", content: "JVBERi0=" },
    ]);
  });

  await step(t, "opens mail of both generations after a renewal", async () => {
    const files = await vm.sh(
      `mkdir -p /root/test/next && ${CLIENT} renew ${id} ${ADDRESS} /root/test/next rsa-2048`,
    );
    assert.match(files, /previous\/1\/certificate\.p12/);
    await send(vm, "three", "Content-Type: text/plain\n\nto the next key\n");
    const early = await thunderbird.read(ADDRESS, "three@outside.example");
    assert.equal(early.encrypted, "notok");
    // The other form, as the first key came in the modern one.
    const path = "/root/test/next/certificate-compatible.p12";
    assert.equal(await thunderbird.importIdentity(path, PASSWORD), 0);
    const next = await thunderbird.read(ADDRESS, "three@outside.example");
    assert.equal(next.body, "to the next key");
    const first = await thunderbird.read(ADDRESS, "one@outside.example");
    assert.equal(first.body, "CLEARTEXT-MARKER");
  });

  const change = async (policy: Record<string, unknown>): Promise<void> => {
    const [status, answer] = JSON.parse(
      await vm.sh(
        `${CLIENT} api PATCH /vaultboxes/${id} '${JSON.stringify(policy)}'`,
      ),
    );
    assert.ok(status < 300, JSON.stringify(answer));
  };
  const text =
    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nMeow\n";

  await step(t, "opens mail to a key by RSAES-OAEP", async () => {
    await change({ key_transport: "rsaes-oaep", explicit: true });
    await send(vm, "oaep", text);
    const shown = await thunderbird.read(ADDRESS, "oaep@outside.example");
    assert.equal(shown.body, "Meow");
    await change({ key_transport: null });
  });

  await step(t, "shows mail in AES-GCM as an empty one", async () => {
    await change({ content_cipher: "aes-256-gcm", explicit: true });
    await send(vm, "gcm", text);
    const shown = await thunderbird.read(ADDRESS, "gcm@outside.example");
    assert.deepEqual(
      [shown.body, shown.technology, shown.attachments],
      ["", null, []],
    );
    await change({ content_cipher: null });
  });

  await step(
    t,
    "shows a hidden subject as first line of the text",
    async () => {
      await change({ header_protection: "hide", explicit: true });
      await send(vm, "hide", text);
      const shown = await thunderbird.read(ADDRESS, "hide@outside.example");
      assert.equal(shown.listSubject, "[...]");
      assert.equal(shown.subject, "[...]");
      assert.equal(shown.body, "Subject: Grüße hide\n\nMeow");
      await change({ header_protection: "protect" });
      await send(vm, "protect", text);
      const copy = await thunderbird.read(ADDRESS, "protect@outside.example");
      assert.equal(copy.listSubject, "Grüße protect");
      assert.equal(copy.body, "Meow");
    },
  );

  await step(t, "opens mail to a key on P-256", async () => {
    await vm.sh(
      `mkdir /root/test/curve && ${CLIENT} renew ${id} ${ADDRESS} /root/test/curve p-256`,
    );
    await send(vm, "curve", text);
    const path = "/root/test/curve/certificate.p12";
    assert.equal(await thunderbird.importIdentity(path, PASSWORD), 0);
    const shown = await thunderbird.read(ADDRESS, "curve@outside.example");
    assert.equal(shown.encrypted, "ok");
    assert.equal(shown.body, "Meow");
  });
});

/** Runs a step; the steps build on each other, so the first failure ends all. */
async function step(
  t: Deno.TestContext,
  name: string,
  fn: () => Promise<void>,
): Promise<void> {
  if (!await t.step(name, fn)) throw new Error(`Stopped after: ${name}`);
}

/** The appliance with its web front. */
async function installAppliance(vm: Vm): Promise<void> {
  const clone = await cleanCopy();
  await vm.push(clone, "/root/encimap");
  await Deno.remove(clone, { recursive: true });
  const dist = new URL("../../dist", import.meta.url).pathname;
  // Where it was built already the machine need not.
  if (await Deno.stat(dist).catch(() => undefined)) {
    await vm.push(dist, "/root/encimap/dist");
  }
  await vm.sh(
    `/root/encimap/install.sh --hostname ${HOST} --yes --web >/dev/null`,
  );
}

/** Thunderbird with a new profile, and what the test needs besides. */
async function installThunderbird(vm: Vm): Promise<void> {
  await vm.sh(`
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
      thunderbird socat python3 swaks >/dev/null
    echo 127.0.0.1 cats.example.test autoconfig.cats.example.test >>/etc/hosts
    mkdir -p /root/test /root/thunderbird
    cat >/root/thunderbird/user.js <<'END'
${userJs()}END
    systemd-run -q --unit=thunderbird --setenv=HOME=/root/thunderbird \
      ${COMMAND} -profile /root/thunderbird
    left=600
    until ss -Hltn 'sport = :2828' | grep -q .; do
      left=$((left - 1))
      [ $left -gt 0 ] || { journalctl -u thunderbird; exit 1; }
      sleep 0.1
    done`);
  await vm.push(
    new URL("client.py", import.meta.url).pathname,
    "/root/test/client.py",
  );
}

/** Sends a mail to the vaultbox; the rest begins with its Content-* fields. */
async function send(vm: Vm, id: string, rest: string): Promise<void> {
  await vm.sh(`
    cat >/root/test/mail.eml <<'END'
From: Bob <bob@outside.example>
To: ${ADDRESS}
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_${id}?=
Date: Sun, 22 Nov 2026 10:00:00 +0000
Message-ID: <${id}@outside.example>
MIME-Version: 1.0
${rest}END
    swaks --server 127.0.0.1 --from bob@outside.example --to ${ADDRESS} \
      --data @/root/test/mail.eml >/dev/null`);
}
