/**
 * What tests do in a machine with the appliance, step by step.
 *
 * @module
 */

import assert from "node:assert/strict";
import { contentOf } from "../helpers/mail.ts";
import type { Vm } from "../helpers/vm.ts";

const USER = "bf75acea-e7fd-437f-b91d-f3f56cdd57ad";

/** The mail client in a machine with the tools of {@linkcode installTools}. */
export const CLIENT = "python3 /root/test/client.py";

/** What client.py says of a vaultbox with credentials. */
export interface Box {
  readonly id: string;
  readonly username: string;
  readonly imapPassword: string;
  readonly smtpPassword: string;
  readonly files: readonly string[];
}

/** Runs a step; the steps build on each other, so the first failure ends all. */
export async function step(
  t: Deno.TestContext,
  name: string,
  fn: (t: Deno.TestContext) => Promise<void>,
): Promise<void> {
  if (!await t.step(name, fn)) throw new Error(`Stopped after: ${name}`);
}

/** What the tests need in the machine and the appliance must not. */
export async function installTools(vm: Vm): Promise<void> {
  await vm.sh(`
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
      swaks libnet-ssleay-perl curl python3-minimal python3 >/dev/null
    mkdir -p /root/test`);
  await vm.push(
    new URL("client.py", import.meta.url).pathname,
    "/root/test/client.py",
  );
}

/** From a token to a decrypted mail; returns the vaultbox. */
export async function mainPath(vm: Vm, t: Deno.TestContext): Promise<Box> {
  const id = JSON.parse(
    await vm.sh(`
      token=$(encimap token --service)
      curl -sf http://127.0.0.1:4301/s2s/v1/vaultboxes -H "Authorization: Bearer $token" \
        -H 'Content-Type: application/json' \
        -d '{"user_id": "${USER}", "domain": "cats.example.test", "alias": "cat", "name": "Cat"}'`),
  ).data.vaultbox_id;
  const box: Box = JSON.parse(
    await vm.sh(
      `mkdir -p /root/test/cat && ${CLIENT} equip ${id} /root/test/cat`,
    ),
  );
  for (const file of ["README.txt", "certificate.p12", "certificate.pem"]) {
    assert.ok(box.files.includes(file), file);
  }

  for (const [kind, source] of Object.entries(await messages(vm))) {
    // swaks ends the last line itself.
    await step(t, `${kind}: decrypts to the original entity`, async () => {
      await vm.sh(`
        cat >/root/test/${kind}.b64 <<'END'
${btoa(source.replace(/\n$/, ""))}
END
        base64 -d /root/test/${kind}.b64 >/root/test/${kind}.eml
        swaks --server 127.0.0.1 --from sender@outside.example --to cat@cats.example.test \
          --data @/root/test/${kind}.eml >/dev/null
        rm /root/test/${kind}.b64`);
      const envelope = await vm.sh(
        `${CLIENT} fetch ${box.username} ${box.imapPassword} '${kind} mail' /root/test/${kind}.p7m`,
      );
      assert.match(envelope, new RegExp(`${kind} mail`));
      assert.match(envelope, /Sun, 22 Nov 2026 10:00:00 \+0000/);
      assert.match(envelope, /Sender.*sender.*outside\.example/);
      const stored = await vm.sh(`cat /root/test/${kind}.p7m`);
      assert.doesNotMatch(stored, /CLEARTEXT/);
      const inner = atob(
        await vm.sh(`
          openssl cms -decrypt -in /root/test/${kind}.p7m -inkey /root/test/cat/key.pem \
            -recip /root/test/cat/cert.pem -out /root/test/${kind}.inner
          base64 -w 0 /root/test/${kind}.inner`),
      );
      assert.equal(contentOf(inner), entityOf(source));
    });
  }
  await step(t, "the signature of the signed mail still verifies", async () => {
    await vm.sh(
      "openssl cms -verify -noverify -in /root/test/signed.inner -out /dev/null",
    );
  });
  // So that a search of the disk finds only what the appliance has written.
  await vm.sh("rm -f /root/test/*.eml /root/test/*.inner");

  await step(t, "the mailbox has the folders of mail clients", async () => {
    const folders = await vm.sh(
      `${CLIENT} folders ${box.username} ${box.imapPassword}`,
    );
    for (const use of ["Drafts", "Sent", "Trash", "Junk", "Archive"]) {
      assert.match(folders, new RegExp(`\\\\\\\\${use}[^"]*\\) `), use);
    }
  });

  await step(t, "an unknown address is refused at RCPT", async () => {
    assert.match(await rcpt(vm, "dog@cats.example.test"), /550 5\.1\.1/);
    assert.match(await rcpt(vm, "cat+tag@cats.example.test"), /550 5\.1\.1/);
  });

  await step(t, "nobody relays through port 25", async () => {
    const address = await vm.sh(
      "ip -4 -o addr show dev eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'",
    );
    assert.match(await rcpt(vm, "a@gmail.test", address), /554 5\.7\.1/);
    assert.match(
      await rcpt(vm, "a%gmail.test@mail.example.test", address),
      /55[04] 5\./,
    );
    assert.match(await rcpt(vm, `root@[${address}]`, address), /250|550/);
    assert.match(await rcpt(vm, `games@[${address}]`, address), /550 5\.1\.1/);
  });

  await step(t, "IMAP and SMTP have a password each", async () => {
    assert.equal(
      await vm.sh(`${CLIENT} login ${box.username} ${box.smtpPassword}`),
      '"refused"',
    );
    assert.match(
      await submit(vm, box.username, box.imapPassword, "cat@cats.example.test"),
      /535/,
    );
  });

  await step(t, "587 sends as the vaultbox and as nobody else", async () => {
    const { username, smtpPassword: password } = box;
    assert.equal(
      await submit(vm, username, password, "cat@cats.example.test"),
      "250",
    );
    assert.equal(
      await submit(
        vm,
        username,
        password,
        "CAT@cats.example.test",
        "stranger@outside.example",
      ),
      "250",
    );
    for (
      const sender of [
        "dog@cats.example.test",
        "postmaster@mail.example.test",
        "a@outside.example",
        "root",
        "",
      ]
    ) {
      assert.match(
        await submit(vm, username, password, sender),
        /553.*5\.7\.1/,
        sender,
      );
    }
    // What went outside has no way out of the test's machine.
    await vm.sh(
      'postqueue -j | grep -o \'"queue_id": "[^"]*\' | sed \'s/.*"//\' | while read -r id; do postsuper -d $id; done 2>/dev/null',
    );
  });
  await step(t, "587 demands TLS and a login", async () => {
    const plain = await vm.run(
      "swaks --server 127.0.0.1 --port 587 --from cat@cats.example.test --to cat@cats.example.test",
    );
    assert.match(plain.stdout, /530 5\.7\.0/);
    const stranger = await vm.run(
      "swaks --server 127.0.0.1 --port 587 --tls --from cat@cats.example.test --to cat@cats.example.test",
    );
    assert.match(stranger.stdout, /530 5\.7\.0 Authentication required/);
    const port25 = await vm.run(
      "swaks --server 127.0.0.1 --tls --quit-after EHLO",
    );
    assert.doesNotMatch(port25.stdout, /250.AUTH/);
  });
  return box;
}

/** Mails of several kinds, LF line ends, one octet for each character. */
async function messages(vm: Vm): Promise<Record<string, string>> {
  const random = crypto.getRandomValues(new Uint8Array(30_000));
  const attachment = btoa(String.fromCharCode(...random)).replace(
    /.{76}/g,
    "$&\n",
  );
  const header = (kind: string): string =>
    [
      'From: "Sender" <sender@outside.example>',
      "To: cat@cats.example.test",
      `Subject: ${kind} mail`,
      "Date: Sun, 22 Nov 2026 10:00:00 +0000",
      `Message-ID: <${kind}@outside.example>`,
      "",
    ].join("\n");
  const signed = await vm.sh(`
    cd /root/test
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=sender -days 30 -keyout sender.key -out sender.pem 2>/dev/null
    printf 'Content-Type: text/plain\\r\\n\\r\\nCLEARTEXT-MARKER signed\\r\\n' |
      openssl cms -sign -signer sender.pem -inkey sender.key -md sha256 | tr -d '\\r'`);
  return {
    multipart: `${header("multipart")}MIME-Version: 1.0
Content-Type: multipart/mixed;
 boundary="=_b"

This is MIME.
--=_b
Content-Type: text/plain; charset=utf-8

CLEARTEXT-MARKER multipart

--=_b
Content-Type: application/octet-stream; name="random.bin"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="random.bin"

${attachment}
--=_b--
`,
    eightbit: `${header("eightbit")}MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

CLEARTEXT-MARKER Gr\xc3\xbc\xc3\x9fe, \xe2\x82\xac 5
.a line with a dot

`,
    signed: `${header("signed")}${signed}\n`,
  };
}

/** The Content-* fields, an empty line and the body, CRLF. */
function entityOf(message: string): string {
  const end = message.indexOf("\n\n");
  const fields = message.slice(0, end).split(/\n(?![ \t])/);
  return [
    ...fields.filter((field) => /^content-/i.test(field)),
    message.slice(end + 1),
  ].join("\n").replaceAll("\n", "\r\n");
}

/** Brings a mail to the box of mainPath by port 25. */
export async function send(vm: Vm, subject: string): Promise<void> {
  await vm.sh(
    `swaks --server 127.0.0.1 --from a@outside.example --to cat@cats.example.test \
      --header 'Subject: ${subject}' --body 'CLEARTEXT' >/dev/null`,
  );
}

/** Waits until a mail is in the box. */
export async function arrives(
  vm: Vm,
  box: Box,
  subject: string,
): Promise<void> {
  await vm.sh(
    `${CLIENT} fetch ${box.username} ${box.imapPassword} '${subject}' /dev/null`,
  );
}

/** Runs install.sh again. */
export async function install(vm: Vm): Promise<string> {
  return await vm.sh("/root/encimap/install.sh --yes");
}

/** Sends by port 587; what the server says, "250" when it took the mail. */
export async function submit(
  vm: Vm,
  username: string,
  password: string,
  sender: string,
  recipient = "cat@cats.example.test",
): Promise<string> {
  return JSON.parse(
    await vm.sh(
      `${CLIENT} submit ${username} ${password} '${sender}' '${recipient}'`,
    ),
  );
}

/** What port 25 answers to RCPT. */
export async function rcpt(
  vm: Vm,
  recipient: string,
  server = "127.0.0.1",
): Promise<string> {
  const { stdout } = await vm.run(
    `swaks --server ${server} --from a@outside.example --to '${recipient}' --quit-after RCPT`,
  );
  return stdout.split("\n").filter((line) => /^<../.test(line)).at(-2) ?? "";
}

/** Waits for a condition in the machine, 60 seconds at most. */
export async function until(vm: Vm, condition: string): Promise<void> {
  await vm.sh(`
    left=300
    until (${condition}) >/dev/null 2>&1; do
      left=$((left - 1))
      [ $left -gt 0 ] || { echo "never: "${
    JSON.stringify(condition).replaceAll("$", "\\$")
  }; exit 1; }
      sleep 0.2
    done`);
}
