import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import { MISSING, startAppliance } from "../helpers/appliance.ts";
import { decrypt, latin1 } from "../helpers/mail.ts";

const PASSWORD = "correct horse battery";
const MESSAGE = "From: Bob <bob@sender.example>\r\nTo: cat@pets.example\r\n" +
  "Subject: canary-subject\r\nKeywords: canary-keyword\r\n" +
  "Message-ID: <1@sender.example>\r\nIn-Reply-To: <0@pets.example>\r\n" +
  "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n" +
  "Encimap-Encryption : v=1; by=sender;\r\n auth=dkim:pass\r\n" +
  "Authentication-Results: mail.example.test; dkim=pass\r\n" +
  "Authentication-Results: mx.example.org; spf=none\r\n" +
  "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nHello\r\n";

Deno.test({
  name:
    `a policy is tried with a mail, confirmed, and then in force, with real daemons${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
  });
  const id = made.data["vaultbox_id"];
  const path = `/vaultboxes/${id}`;
  const p12 = await appliance.download("/p12", {
    "vaultbox_id": id,
    password: PASSWORD,
  });
  const { data: login } = await appliance.api(
    "POST",
    `${path}/imap-credentials`,
  );
  let count = 0;
  /** Fetches the newest message over IMAP and decrypts it with OpenSSL. */
  const fetchNewest = async () => {
    await appliance.waitForInbox(id, ++count);
    const { out } = await appliance.curl(
      `imaps://127.0.0.1:${appliance.imapsPort}/INBOX;MAILINDEX=${count}`,
      ...["-u", `${login.username}:${login.password}`],
    );
    const stored = Uint8Array.from(out, (letter) => letter.charCodeAt(0));
    return { stored: out, inner: latin1(await decrypt(stored, p12, PASSWORD)) };
  };
  const send = async () => {
    const sent = await appliance.send(MESSAGE, "cat@pets.example");
    assert.equal(sent.code, 0, sent.err);
    return await fetchNewest();
  };

  await t.step(
    "by default the header is readable and has copies inside; what was forged is gone",
    async () => {
      const { stored, inner } = await send();
      assert.match(stored, /\r\nSubject: canary-subject\r\n/);
      assert.match(
        stored,
        /\r\nEncimap-Encryption: v=1; by=appliance; at=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ;\r\n auth=none;\r\n content=aes-256-cbc; header=protect;\r\n key=rsaes-pkcs1-v1_5;\r\n cert=[0-9a-f]{64}\r\nContent-Type/,
      );
      assert.equal(stored.match(/encimap-encryption/gi)!.length, 1);
      assert.doesNotMatch(
        stored,
        /Authentication-Results: mail\.example\.test/,
      );
      assert.match(stored, /\r\nAuthentication-Results: mx\.example\.org;/);
      assert.match(
        inner,
        /^From: Bob .*\r\nTo: .*\r\nSubject: canary-subject\r\n/,
      );
    },
  );

  await t.step(
    "a trial mail comes over IMAP, and its code switches the policy on",
    async () => {
      const refused = await appliance.api("PATCH", path, {
        "header_protection": "hide",
      });
      assert.equal(refused.error.code, "conflict");
      const begun = await appliance.api("POST", `${path}/encryption-trial`, {
        "content_cipher": "aes-256-gcm",
        "key_transport": "rsaes-oaep",
        "header_protection": "hide",
      });
      assert.equal(begun.success, true, JSON.stringify(begun));
      const { stored, inner } = await fetchNewest();
      assert.match(stored, /smime-type=authEnveloped-data/);
      assert.match(stored, /\r\nEncimap-Encryption: v=1; by=sender;/);
      const [, code] = /^ {2}(\S{4}-\S{4}-\S{4})\r$/m.exec(inner)!;
      const { data } = await appliance.api(
        "POST",
        `${path}/encryption-trial/confirm`,
        { code },
      );
      assert.deepEqual(
        data.encryption,
        begun.data && {
          "content_cipher": "aes-256-gcm",
          "key_transport": "rsaes-oaep",
          "header_protection": "hide",
        },
      );
    },
  );

  await t.step(
    "from then on no subject is in the store, IMAP shows [...], and threads are kept",
    async () => {
      const { stored, inner } = await send();
      assert.match(
        stored,
        /\r\n content=aes-256-gcm; header=hide;\r\n key=rsaes-oaep;/,
      );
      assert.doesNotMatch(stored, /canary/);
      assert.match(
        inner,
        /\r\nSubject: canary-subject\r\nKeywords: canary-keyword\r\n/,
      );
      assert.match(inner, /\r\n\r\nSubject: canary-subject\r\n\r\nHello\r\n$/);
      const envelope = await appliance.curl(
        `imaps://127.0.0.1:${appliance.imapsPort}/INBOX`,
        ...["-u", `${login.username}:${login.password}`],
        ...["-X", `FETCH ${count} (ENVELOPE)`],
      );
      assert.match(
        envelope.out,
        /"Sun, 22 Nov 2026 10:00:00 \+0000" "\[\.\.\.\]" .*"<0@pets\.example>" "<1@sender\.example>"/,
      );
    },
  );

  await t.step("the operator sees and changes it", async () => {
    const address = "cat@pets.example";
    const shown = await appliance.encimap("vaultbox", "show", address);
    assert.match(shown.out, /^content cipher +aes-256-gcm$/m);
    const set = (...args: string[]) =>
      appliance.encimap("vaultbox", "encryption", address, ...args);
    assert.equal((await set("--header-protection", "default")).code, 0);
    assert.equal((await set("--content-cipher", "default")).code, 0);
    assert.equal((await set("--content-cipher", "rot13")).code, 64);
    assert.equal((await set("--content-cipher", "aes-256-gcm")).code, 1);
    const begun = await set("--trial", "--content-cipher", "aes-256-gcm");
    assert.equal(begun.code, 0, begun.err);
    const { inner } = await fetchNewest();
    const [, code] = /^ {2}(\S{4}-\S{4}-\S{4})\r$/m.exec(inner)!;
    const confirmed = await appliance.encimap(
      ...["vaultbox", "confirm", address, code!],
    );
    assert.equal(confirmed.code, 0, confirmed.err);
    assert.match(
      (await appliance.encimap("vaultbox", "show", address)).out,
      /^header protection +protect$/m,
    );
  });
});
