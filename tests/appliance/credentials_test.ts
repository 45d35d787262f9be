import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type TLSSocket } from "node:tls";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  type Ran,
  startAppliance,
} from "../helpers/appliance.ts";
import type { Login } from "../helpers/appliance_box.ts";
import { until } from "../helpers/until.ts";

/** curl: login denied. */
const DENIED = 67;

Deno.test({
  name: `credentials open what they shall, in Dovecot and Postfix${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const id = await makeBox(appliance, "cat");
  const owl = await makeBox(appliance, "owl");
  const box = `/vaultboxes/${id}`;
  const apps = `${box}/app-credentials`;
  const make = async (body: unknown) =>
    (await appliance.api("POST", apps, body)).data;
  const lastUse = async (credential: { id: string }) =>
    (await appliance.api("GET", `${apps}/${credential.id}`))
      .data["last_used_at"];
  const both = await make({ label: "Phone" });
  // Of another vaultbox, whose sessions nothing else here ends.
  const brief = (await appliance.api(
    "POST",
    `/vaultboxes/${owl}/app-credentials`,
    { label: "Brief", "expires_at": "2999-01-01T00:00:00Z" },
  )).data;
  const expiring = await openSession(appliance, brief);
  const openedAt = Date.now();

  await t.step(
    "a wrong password does not log in and is no use of it",
    async () => {
      const wrong = { ...both, password: `${both.password}x` };
      assert.equal((await readInbox(appliance, wrong)).code, DENIED);
      assert.equal((await send(appliance, wrong)).code, DENIED);
      const empty = { ...both, password: "" };
      assert.equal((await readInbox(appliance, empty)).code, DENIED);
      assert.equal(await lastUse(both), null);
    },
  );

  await t.step(
    "an app credential reads, and its use is recorded",
    async () => {
      const read = await readInbox(appliance, both);
      assert.equal(read.code, 0, read.err);
      await until("the use is there", async () => await lastUse(both) !== null);
    },
  );

  await t.step(
    "it sends, without the guide's credential, as its own vaultbox only",
    async () => {
      await appliance.sql("update app_credentials set last_used_at = null");
      const sent = await send(appliance, both);
      assert.equal(sent.code, 0, sent.err);
      await appliance.waitForInbox(owl, 1);
      await until("the use is there", async () => await lastUse(both) !== null);
      const other = await send(appliance, both, "owl@pets.example");
      assert.match(other.err, /< 553 5\.7\.1 /);
    },
  );

  await t.step(
    "it keeps reading and sending beside another one and the guide's",
    async () => {
      await make({ label: "Tablet" });
      for (const service of ["imap", "smtp"]) {
        const path = `${box}/${service}-credentials`;
        const { data } = await appliance.api("POST", path);
        const use = service === "imap" ? readInbox : send;
        assert.equal((await use(appliance, data)).code, 0);
        await until(
          "the use is there",
          async () =>
            (await appliance.api("GET", path)).data["last_used_at"] !== null,
        );
      }
      assert.equal((await readInbox(appliance, both)).code, 0);
      assert.equal((await send(appliance, both)).code, 0);
    },
  );

  await t.step(
    "the address is a user name of the guide's credentials, in any case, and of nothing else",
    async () => {
      await appliance.sql(
        "update imap_app_credentials set last_used_at = null",
      );
      await appliance.sql(
        "update vaultbox_smtp_credentials set last_used_at = null",
      );
      await appliance.api("POST", `${box}/aliases`, {
        address: "kitten@pets.example",
      });
      for (
        const [service, use] of [["imap", readInbox], ["smtp", send]] as const
      ) {
        const path = `${box}/${service}-credentials`;
        const { data } = await appliance.api("POST", `${path}/regenerate`);
        const { password } = data;
        const by = (username: string, secret = password) =>
          use(appliance, { username, password: secret });
        const good = await by("Cat@Pets.Example");
        assert.equal(good.code, 0, good.err);
        await until(
          "the use is there",
          async () =>
            (await appliance.api("GET", path)).data["last_used_at"] !== null,
        );
        for (
          const [username, secret] of [
            ["cat@pets.example", `${password}x`],
            ["cat@pets.example", both.password],
            ["owl@pets.example", password],
            ["kitten@pets.example", password],
            ["nobody@pets.example", password],
          ] as const
        ) {
          assert.equal((await by(username, secret)).code, DENIED, username);
        }
      }
      const { data } = await appliance.api(
        "POST",
        `${box}/smtp-credentials/regenerate`,
      );
      const login = { username: "cat@pets.example", password: data.password };
      const other = await send(appliance, login, "owl@pets.example");
      assert.match(other.err, /< 553 5\.7\.1 /);
    },
  );

  for (const scope of ["imap", "smtp"]) {
    await t.step(`scope ${scope} opens nothing else`, async () => {
      const one = await make({ label: scope, scope });
      const codes = [
        (await readInbox(appliance, one)).code,
        (await send(appliance, one)).code,
      ];
      assert.deepEqual(codes, scope === "imap" ? [0, DENIED] : [DENIED, 0]);
    });
  }

  await t.step(
    "allowed_networks refuses from elsewhere, without a use, and allows from within",
    async () => {
      const far = await make({
        label: "Office",
        "allowed_networks": ["192.0.2.0/24", "2001:db8::/32"],
      });
      assert.equal((await readInbox(appliance, far)).code, DENIED);
      assert.equal((await send(appliance, far)).code, DENIED);
      assert.equal(await lastUse(far), null);
      for (
        const networks of [
          ["2001:db8::/32", "127.0.0.0/8"],
          ["127.0.0.1/32", "192.0.2.0/24"],
          ["0.0.0.0/0", "::/0"],
        ]
      ) {
        const near = await make({
          label: "Here",
          "allowed_networks": networks,
        });
        assert.equal((await readInbox(appliance, near)).code, 0);
        assert.equal((await send(appliance, near)).code, 0);
      }
    },
  );

  await t.step("a reload of Dovecot ends no session", async () => {
    // Dovecot 2.3 makes a difference between idle ones and others.
    await delay(Math.max(openedAt + 11_000 - Date.now(), 0));
    const config = `${appliance.directory}/dovecot/dovecot.conf`;
    const args = ["-c", config, "reload"];
    const reload = await new Deno.Command("doveadm", { args }).output();
    assert.ok(reload.success, new TextDecoder().decode(reload.stderr));
    await delay(2000);
    assert.equal(expiring.destroyed, false);
  });

  await t.step("an expired one is refused", async () => {
    const old = await make({
      label: "Old",
      "expires_at": "2999-01-01T00:00:00Z",
    });
    assert.equal((await readInbox(appliance, old)).code, 0);
    await appliance.sql(
      `update app_credentials set expires_at = now() - interval '1 second'
        where id in ('${old.id}', '${brief.id}')`,
    );
    assert.equal((await readInbox(appliance, old)).code, DENIED);
    assert.equal((await send(appliance, old)).code, DENIED);
  });

  await t.step("one of a suspended vaultbox is refused", async () => {
    await appliance.sql(
      `update vaultboxes set status = 'suspended' where id = '${id}'`,
    );
    assert.equal((await readInbox(appliance, both)).code, DENIED);
    assert.equal((await send(appliance, both)).code, DENIED);
    await appliance.sql(
      `update vaultboxes set status = 'active' where id = '${id}'`,
    );
    assert.equal((await readInbox(appliance, both)).code, 0);
  });

  await t.step(
    "logins go on while their use cannot be recorded, but not with a wrong password",
    async () => {
      await appliance.sql("drop function record_login");
      assert.equal((await readInbox(appliance, both)).code, 0);
      assert.equal((await send(appliance, both)).code, 0);
      const wrong = { ...both, password: "x" };
      assert.equal((await readInbox(appliance, wrong)).code, DENIED);
      assert.equal((await send(appliance, wrong)).code, DENIED);
    },
  );

  await t.step(
    "deleting a credential ends open sessions, and it opens nothing more",
    async () => {
      const session = await openSession(appliance, both);
      await appliance.api("DELETE", `${apps}/${both.id}`);
      await until("the session has ended", () => session.destroyed);
      assert.equal((await readInbox(appliance, both)).code, DENIED);
      assert.equal((await send(appliance, both)).code, DENIED);
    },
  );

  // Before "encimap reconcile" below, which would end them, too.
  await t.step(
    "the API ends sessions of a credential that expires, from before it, too",
    async () => {
      await until("the session has ended", () => expiring.destroyed);
    },
  );

  await t.step(
    "sessions end when Dovecot can be asked again, if it could not at first",
    async () => {
      const one = await make({ label: "Laptop" });
      const session = await openSession(appliance, one);
      const socket = `${appliance.directory}/doveadm.sock`;
      await Deno.rename(socket, `${socket}.away`);
      const { data } = await appliance.api(
        "POST",
        `${apps}/${one.id}/regenerate`,
      );
      assert.equal((await readInbox(appliance, one)).code, DENIED);
      assert.equal(session.destroyed, false);
      await Deno.rename(`${socket}.away`, socket);
      assert.equal((await appliance.encimap("reconcile")).code, 0);
      await until("the session has ended", () => session.destroyed);
      assert.equal((await readInbox(appliance, data)).code, 0);
    },
  );
});

async function makeBox(appliance: Appliance, alias: string): Promise<string> {
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias,
  });
  return made.data["vaultbox_id"];
}

function readInbox(appliance: Appliance, login: Login): Promise<Ran> {
  return appliance.curl(
    `imaps://127.0.0.1:${appliance.imapsPort}/INBOX`,
    "-u",
    `${login.username}:${login.password}`,
    "-X",
    "NOOP",
  );
}

function send(
  appliance: Appliance,
  login: Login,
  from = "cat@pets.example",
): Promise<Ran> {
  return appliance.curl(
    `smtp://127.0.0.1:${appliance.submissionPort}/client.example`,
    "-v",
    "--ssl-reqd",
    "-u",
    `${login.username}:${login.password}`,
    "--mail-from",
    from,
    "--mail-rcpt",
    "owl@pets.example",
    "-T",
    "/etc/hostname",
  );
}

/** Logs in over IMAPS and stays. */
async function openSession(
  appliance: Appliance,
  login: Login,
): Promise<TLSSocket> {
  const socket = connect({
    host: "127.0.0.1",
    port: appliance.imapsPort,
    rejectUnauthorized: false,
  });
  let answer = "";
  socket.on("data", (chunk: Uint8Array) => {
    answer += new TextDecoder().decode(chunk);
  });
  // Dovecot may end it with a reset.
  socket.on("error", () => {});
  socket.write(`a LOGIN ${login.username} ${login.password}\r\n`);
  await until(
    "the session is open",
    () => Promise.resolve(/^a OK/m.test(answer)),
  );
  return socket;
}
