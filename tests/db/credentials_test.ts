import assert from "node:assert/strict";
import type { Sessions } from "../../src/app.ts";
import { connect } from "../../src/db/connect.ts";
import { buildApi, type Fetch } from "../../src/http/api.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import {
  removeDeletedMail,
  removeVaultbox,
} from "../../src/vaultbox/remove.ts";
import { endOverdueSessions } from "../../src/vaultbox/sessions.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
} from "../helpers/app.ts";
import { type Answer, ask, bearer, SETTINGS } from "../helpers/http.ts";

const MISSING_ID = "99999999-9999-4999-8999-999999999999";

/** Asks the API as a user, ALICE unless said. */
type Ask = (
  method: string,
  path: string,
  body?: unknown,
  userId?: string,
) => Promise<Pick<Answer, "status" | "body">>;

function asking(api: Fetch): Ask {
  return async (method, path, body, userId = ALICE) => {
    const answer = await ask(api, await bearer(userId), method, path, body);
    return { status: answer.status, body: answer.body };
  };
}

/** A world with a vaultbox of ALICE's; `doveadm` refuses while `down` is true. */
async function world() {
  const world = await testWorld();
  const doveadm = { down: false };
  const sessions: Sessions = {
    end(username) {
      return doveadm.down
        ? Promise.reject(new Error("Dovecot is down"))
        : world.app.sessions.end(username);
    },
  };
  const app = { ...world.app, sessions };
  const { id } = await createVaultbox(app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
    mayClaimDomain: true,
  });
  return {
    world,
    app,
    id,
    doveadm,
    box: `/vaultboxes/${id}`,
    apps: `/vaultboxes/${id}/app-credentials`,
    ask: asking(buildApi(app, SETTINGS)),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

function withoutSecrets(body: unknown): void {
  assert.doesNotMatch(JSON.stringify(body), /password|hash|\$2[aby]\$/);
}

/** What Dovecot would take, as `login service`. */
async function logins(world: TestWorld): Promise<string[]> {
  const rows = await world.app.sql<{ login: string; service: string }[]>`
    select login, service from dovecot_credentials order by login, service
  `;
  return rows.map(({ login, service }) => `${login} ${service}`);
}

async function isEnding(world: TestWorld): Promise<boolean> {
  const [row] = await world.app.sql`select count(*) from ending_sessions`;
  return row!["count"] > 0;
}

/** As if that many seconds had gone by since sessions were to end. */
async function wait(world: TestWorld, seconds: number): Promise<void> {
  await world.app.sql`
    update ending_sessions
    set requested_at = requested_at - make_interval(secs => ${seconds})
  `;
}

for (const service of ["imap", "smtp"] as const) {
  Deno.test(`GET of the ${service} credential shows it without a password, or 404`, async () => {
    await using w = await world();
    const path = `${w.box}/${service}-credentials`;
    const missing = await w.ask("GET", path);
    assert.equal(missing.status, 404);
    const { body: { data: { password: _, ...made } } } = await w.ask(
      "POST",
      path,
    );
    const { status, body: { data } } = await w.ask("GET", path);
    assert.equal(status, 200);
    const { "created_at": createdAt, ...rest } = data;
    assert.deepEqual(rest, { ...made, "last_used_at": null });
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    withoutSecrets(data);
  });

  Deno.test(`DELETE of the ${service} credential takes it away, once`, async () => {
    await using w = await world();
    const path = `${w.box}/${service}-credentials`;
    const { body: { data } } = await w.ask("POST", path);
    const gone = await w.ask("DELETE", path);
    assert.deepEqual(gone, {
      status: 200,
      body: { success: true, message: "Credential deleted successfully" },
    });
    assert.equal((await w.ask("GET", path)).status, 404);
    assert.equal((await w.ask("DELETE", path)).status, 404);
    assert.equal((await w.ask("POST", `${path}/regenerate`)).status, 404);
    assert.deepEqual(await logins(w.world), []);
    assert.equal(w.world.mta.senders.size, 0);
    const { username } = data;
    assert.deepEqual(w.world.ended, service === "imap" ? [username] : []);
    // Made again, it has the same user name.
    const again = await w.ask("POST", path);
    assert.equal(again.body.data.username, username);
  });
}

Deno.test("DELETE of the smtp credential leaves the sender to an app credential", async () => {
  await using w = await world();
  const path = `${w.box}/smtp-credentials`;
  const { body: { data } } = await w.ask("POST", path);
  const { body: { data: one } } = await w.ask("POST", w.apps, { label: "A" });
  await w.ask("DELETE", path);
  assert.deepEqual([...w.world.mta.senders.values()], [data.username]);
  await w.ask("DELETE", `${w.apps}/${one.id}`);
  assert.equal(w.world.mta.senders.size, 0);
});

Deno.test("DELETE of the smtp credential is done though Postfix cannot be told, and reconcile() tells it", async () => {
  await using w = await world();
  await w.ask("POST", `${w.box}/smtp-credentials`);
  w.world.mta.refusal = new Error("Postfix is down");
  const gone = await w.ask("DELETE", `${w.box}/smtp-credentials`);
  assert.equal(gone.status, 200);
  assert.equal(w.world.mta.senders.size, 1);
  w.world.mta.refusal = undefined;
  await reconcile(w.app, { dryRun: false });
  assert.equal(w.world.mta.senders.size, 0);
});

for (
  const [what, method, suffix] of [
    ["a new password", "POST", "/regenerate"],
    ["a deletion", "DELETE", ""],
  ] as const
) {
  Deno.test(`sessions end after ${what} though Dovecot was down, when it is up again`, async () => {
    await using w = await world();
    const path = `${w.box}/imap-credentials`;
    const { body: { data } } = await w.ask("POST", path);
    w.doveadm.down = true;
    assert.equal((await w.ask(method, path + suffix)).status, 200);
    await endOverdueSessions(w.app);
    assert.deepEqual(w.world.ended, []);
    assert.equal(await isEnding(w.world), true);
    w.doveadm.down = false;
    await wait(w.world, 60);
    await reconcile(w.app, { dryRun: false });
    assert.deepEqual(w.world.ended, [data.username]);
    assert.equal(await isEnding(w.world), false);
    await endOverdueSessions(w.app);
    assert.deepEqual(w.world.ended, [data.username]);
  });
}

Deno.test("sessions are ended once more, for a login that was under way", async () => {
  await using w = await world();
  const path = `${w.box}/imap-credentials`;
  const { body: { data: { username } } } = await w.ask("POST", path);
  await w.ask("POST", `${path}/regenerate`);
  assert.deepEqual(w.world.ended, [username]);
  await wait(w.world, 60);
  await endOverdueSessions(w.app);
  await endOverdueSessions(w.app);
  assert.deepEqual(w.world.ended, [username, username]);
});

Deno.test("a change while Dovecot is asked about an earlier one stays noted", async () => {
  await using w = await world();
  const path = `${w.box}/imap-credentials`;
  const { body: { data: { username } } } = await w.ask("POST", path);
  await w.ask("POST", `${path}/regenerate`);
  await wait(w.world, 60);
  await endOverdueSessions({
    ...w.app,
    sessions: {
      end: async () => {
        await w.app.sql`
          insert into ending_sessions (vaultbox_id, username, requested_at)
          values (${w.id}, ${username}, now() - interval '1 minute')
        `;
      },
    },
  });
  assert.equal(await isEnding(w.world), true);
});

Deno.test("mail of a deleted vaultbox is removed once more when its sessions have ended", async () => {
  await using w = await world();
  await w.ask("POST", `${w.box}/imap-credentials`);
  w.doveadm.down = true;
  await removeVaultbox(w.app, SERVICE, w.id);
  await removeDeletedMail(w.world.intake);
  await w.app.sql`update removals set requested_at = now() - interval '9 days'`;
  const folder = `${w.world.directory}/mail/${w.id}/Maildir`;
  await Deno.mkdir(folder, { recursive: true });
  w.doveadm.down = false;
  await wait(w.world, 60);
  await reconcile(w.app, { dryRun: false });
  await removeDeletedMail(w.world.intake);
  await assert.rejects(Deno.stat(folder), Deno.errors.NotFound);
  const left = async (): Promise<number> => {
    await reconcile(w.app, { dryRun: false });
    const [row] = await w.app.sql`select count(*) from removals`;
    return row!["count"];
  };
  // The end of the sessions begins another day.
  assert.equal(await left(), 1);
  await w.app.sql`update removals set requested_at = now() - interval '9 days'`;
  assert.equal(await left(), 0);
});

Deno.test("an app credential has its own name below the vaultbox's, and a password shown once", async () => {
  await using w = await world();
  const made = await w.ask("POST", w.apps, { label: " Phone " });
  assert.equal(made.status, 201);
  const { password, ...shown } = made.body.data;
  assert.match(password, /^[a-z2-9]{24}$/);
  assert.match(
    shown.username,
    /^encimap-pets-example-[a-z2-9]{6}\.[a-z2-9]{6}$/,
  );
  const { id, username, "created_at": createdAt, ...rest } = shown;
  assert.match(createdAt, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.deepEqual(rest, {
    "vaultbox_id": w.id,
    label: "Phone",
    scope: "both",
    "expires_at": null,
    "allowed_networks": null,
    servers: {
      imap: {
        host: "mail.example.test",
        port: 993,
        "security_type": "SSL/TLS",
      },
      submission: {
        host: "mail.example.test",
        port: 587,
        "security_type": "STARTTLS",
      },
    },
    "last_used_at": null,
  });
  const one = await w.ask("GET", `${w.apps}/${id}`);
  assert.deepEqual(one.body.data, shown);
  const list = await w.ask("GET", w.apps);
  assert.deepEqual(list.body.data, [shown]);
  withoutSecrets(list.body);
  // Postfix and Dovecot know who logs in by the vaultbox's own name.
  const own = username.split(".")[0];
  assert.deepEqual([...w.world.mta.senders.values()], [own]);
  const rows = await w.app.sql`select username from dovecot_credentials`;
  assert.deepEqual(rows.map((row) => row["username"]), [own, own]);
  const guide = await w.ask("POST", `${w.box}/imap-credentials`);
  assert.equal(guide.body.data.username, own);
  const drift = await reconcile(w.app, { dryRun: true });
  assert.deepEqual(drift.routes, { set: [], drop: [] });
});

Deno.test("scope, expiry and status decide what Dovecot takes", async () => {
  await using w = await world();
  const [imap, smtp, both] = await Promise.all(
    ["imap", "smtp", "both"].map(async (scope) =>
      (await w.ask("POST", w.apps, { label: scope, scope })).body.data
    ),
  );
  assert.equal(imap.servers.submission, null);
  assert.equal(smtp.servers.imap, null);
  const all = [
    `${imap.username} imap`,
    `${smtp.username} smtp`,
    `${both.username} imap`,
    `${both.username} smtp`,
  ].sort();
  assert.deepEqual(await logins(w.world), all);
  await w.app.sql`
    update app_credentials set expires_at = now() where id = ${both.id}
  `;
  assert.deepEqual(
    await logins(w.world),
    all.filter((login) => !login.startsWith(both.username)),
  );
  await w.app.sql`update vaultboxes set status = 'suspended'`;
  assert.deepEqual(await logins(w.world), []);
});

Deno.test("sessions of an app credential end when it expires, once", async () => {
  await using w = await world();
  const at = "2999-01-01T00:00:00Z";
  const make = (scope: string) =>
    w.ask("POST", w.apps, { label: "x", scope, "expires_at": at });
  const { body: { data: { id, username } } } = await make("both");
  await make("smtp");
  await make("imap");
  await endOverdueSessions(w.app);
  assert.deepEqual(w.world.ended, []);
  const expire = () => w.app.sql`update app_credentials set expires_at = now()`;
  const own = [username.split(".")[0]];
  await expire();
  await endOverdueSessions(w.app);
  assert.deepEqual(w.world.ended, own);
  await wait(w.world, 60);
  await endOverdueSessions(w.app);
  await endOverdueSessions(w.app);
  assert.deepEqual(w.world.ended, [...own, ...own]);
  // Made valid again, it can expire again.
  await w.ask("PATCH", `${w.apps}/${id}`, { "expires_at": at });
  await expire();
  await endOverdueSessions(w.app);
  assert.deepEqual(w.world.ended, [...own, ...own, ...own]);
});

Deno.test("PATCH changes what is named and nothing else", async () => {
  await using w = await world();
  const { body: { data: { password: _, ...made } } } = await w.ask(
    "POST",
    w.apps,
    { label: "Phone", "allowed_networks": ["192.0.2.0/24"] },
  );
  const path = `${w.apps}/${made.id}`;
  const changes: [Record<string, unknown>, Record<string, unknown>][] = [
    [{}, {}],
    [{ label: "Tablet" }, {}],
    [{ "expires_at": "2999-12-31T23:00:00-01:00" }, {
      "expires_at": "3000-01-01T00:00:00.000Z",
    }],
    [{ "expires_at": null }, {}],
    [{ "allowed_networks": ["2001:DB8:0::/32", "198.51.100.7/32"] }, {
      "allowed_networks": ["2001:db8::/32", "198.51.100.7/32"],
    }],
    [{ "allowed_networks": null }, {}],
  ];
  let expected = made;
  for (const [change, normalized] of changes) {
    const { status, body } = await w.ask("PATCH", path, change);
    assert.equal(status, 200);
    expected = { ...expected, ...change, ...normalized };
    assert.deepEqual(body.data, expected);
    assert.deepEqual((await w.ask("GET", path)).body.data, expected);
  }
});

Deno.test("PATCH ends sessions if it opens less, and tells Postfix who may send", async () => {
  await using w = await world();
  const { body: { data: { id, username } } } = await w.ask("POST", w.apps, {
    label: "Phone",
    scope: "imap",
  });
  const own = username.split(".")[0];
  const path = `${w.apps}/${id}`;
  assert.equal(w.world.mta.senders.size, 0);
  await w.ask("PATCH", path, { scope: "both", label: "x" });
  await w.ask("PATCH", path, { "allowed_networks": null });
  assert.deepEqual([...w.world.mta.senders.values()], [own]);
  assert.deepEqual(w.world.ended, []);
  await w.ask("PATCH", path, { "allowed_networks": ["192.0.2.0/24"] });
  assert.equal(w.world.ended.length, 1);
  await w.ask("PATCH", path, { scope: "smtp" });
  assert.equal(w.world.ended.length, 2);
  await w.ask("PATCH", path, { scope: "imap" });
  assert.equal(w.world.mta.senders.size, 0);
});

Deno.test("an app credential's new password replaces the old one, and sessions end", async () => {
  await using w = await world();
  const { body: { data } } = await w.ask("POST", w.apps, { label: "Phone" });
  const hash = () => w.app.sql`select password_hash from app_credentials`;
  const [before] = await hash();
  const made = await w.ask("POST", `${w.apps}/${data.id}/regenerate`);
  assert.equal(made.status, 200);
  assert.notEqual(made.body.data.password, data.password);
  assert.deepEqual({ ...made.body.data, password: "" }, {
    ...data,
    password: "",
  });
  const [after] = await hash();
  assert.notEqual(after!["passwordHash"], before!["passwordHash"]);
  assert.deepEqual(w.world.ended, [data.username.split(".")[0]]);
});

Deno.test("an app credential that Postfix is not told of is taken back", async () => {
  await using w = await world();
  w.world.mta.refusal = new Error("Postfix is down");
  const refused = await w.ask("POST", w.apps, { label: "Phone" });
  assert.equal(refused.status, 500);
  assert.deepEqual(await logins(w.world), []);
  const reading = await w.ask("POST", w.apps, { label: "x", scope: "imap" });
  assert.equal(reading.status, 201);
  const [box] = await w.app.sql`select smtp_enabled from vaultboxes`;
  assert.equal(box!["smtpEnabled"], false);
});

Deno.test("a vaultbox has 50 app credentials at most, also if two are made at once", async () => {
  await using w = await world();
  await w.ask("POST", w.apps, { label: "first" });
  await w.app.sql`
    insert into app_credentials (
      vaultbox_id, username, login, password_hash, label, scope
    )
    select vaultbox_id, username, username || '.' || i, 'x', 'x', 'imap'
    from app_credentials, generate_series(1, 48) i
  `;
  const made = await Promise.all(
    ["a", "b", "c"].map((label) => w.ask("POST", w.apps, { label })),
  );
  assert.deepEqual(made.map(({ status }) => status).sort(), [201, 409, 409]);
  const seen = new Set<string>();
  let cursor = "";
  do {
    const { body } = await w.ask("GET", `${w.apps}?limit=20${cursor}`);
    for (const { id } of body.data) seen.add(id);
    const next = body["next_cursor"];
    cursor = next === undefined ? "" : `&cursor=${next}`;
  } while (cursor !== "");
  assert.equal(seen.size, 50);
});

const WRONG: [field: string, values: unknown[]][] = [
  ["label", ["", " ", "x".repeat(101), "a\nb", 1, null, "\ud800"]],
  ["scope", ["", "pop3", "IMAP", null, 1, ["imap"]]],
  ["expires_at", [
    "",
    "2020-01-01T00:00:00Z",
    "2999-01-01",
    "2999-01-01T00:00:00",
    "2999-02-30T00:00:00Z",
    "2999-13-01T00:00:00Z",
    "2999-01-01T25:00:00Z",
    "+012999-01-01T00:00:00Z",
    32472144000,
    "infinity",
    "never",
  ]],
  ["allowed_networks", [
    [],
    "192.0.2.0/24",
    Array(21).fill("192.0.2.0/24"),
    ["192.0.2.0"],
    ["192.0.2.1/24"],
    ["192.0.2.0/33"],
    ["192.0.2.0/-1"],
    ["192.0.2.0/024"],
    ["192.0.02.0/24"],
    ["192.0.2/24"],
    ["256.0.0.0/8"],
    ["2001:db8::1/32"],
    ["2001:db8::/129"],
    ["2001:db8/32"],
    ["::ffff:192.0.2.0/120"],
    ["fe80::%eth0/64"],
    ["192.0.2.0/24,0.0.0.0/0"],
    [" 192.0.2.0/24"],
    ["local"],
    [""],
    [null],
    [["192.0.2.0/24"]],
  ]],
  ["username", ["x"]],
  ["password", ["correct horse battery"]],
];

Deno.test("wrong fields of an app credential are refused by name", async (t) => {
  await using w = await world();
  const { body: { data } } = await w.ask("POST", w.apps, { label: "Phone" });
  for (const [field, values] of WRONG) {
    for (const value of values) {
      const shown = JSON.stringify(value).slice(0, 40);
      await t.step(`${field}: ${shown}`, async () => {
        for (
          const [method, path] of [
            ["POST", w.apps],
            ["PATCH", `${w.apps}/${data.id}`],
          ] as const
        ) {
          const body = { label: "x", [field]: value };
          const { status, body: answer } = await w.ask(method, path, body);
          assert.equal(status, 400);
          assert.equal(answer.error.details.field, field);
        }
      });
    }
  }
  await t.step("no label", async () => {
    assert.equal((await w.ask("POST", w.apps, {})).status, 400);
  });
  const [row] = await w.app.sql`select count(*) from app_credentials`;
  assert.equal(row!["count"], 1);
});

Deno.test("another user's credentials are not there", async (t) => {
  await using w = await world();
  const { body: { data } } = await w.ask("POST", w.apps, { label: "Phone" });
  for (const service of ["imap", "smtp"]) {
    await w.ask("POST", `${w.box}/${service}-credentials`);
  }
  const bobs = await createVaultbox(w.app, SERVICE, {
    userId: BOB,
    domain: "bob.example",
    alias: "bob",
    name: "Bob",
    mayClaimDomain: true,
  });
  const before = await logins(w.world);
  const routes: [string, string, unknown?][] = [
    ["GET", "/imap-credentials"],
    ["DELETE", "/imap-credentials"],
    ["POST", "/imap-credentials/regenerate"],
    ["GET", "/smtp-credentials"],
    ["DELETE", "/smtp-credentials"],
    ["POST", "/smtp-credentials/regenerate"],
    ["GET", "/app-credentials"],
    ["POST", "/app-credentials", { label: "x" }],
    ["GET", `/app-credentials/${data.id}`],
    ["PATCH", `/app-credentials/${data.id}`, { label: "x" }],
    ["DELETE", `/app-credentials/${data.id}`],
    ["POST", `/app-credentials/${data.id}/regenerate`],
  ];
  for (const [method, suffix, body] of routes) {
    await t.step(`${method} ${suffix.replace(data.id, "…")}`, async () => {
      const bob = (box: string) =>
        w.ask(method, `/vaultboxes/${box}${suffix}`, body, BOB);
      const others = await bob(w.id);
      assert.equal(others.status, 404);
      assert.deepEqual(others, await bob(MISSING_ID));
      // Through a vaultbox of one's own.
      if (suffix.includes(data.id)) {
        assert.equal((await bob(bobs.id)).status, 404);
      }
    });
  }
  assert.deepEqual(await logins(w.world), before);
  assert.deepEqual(w.world.ended, []);
  const malformed = await w.ask("GET", `${w.apps}/nonsense`);
  assert.equal(malformed.status, 404);
});

Deno.test("the audit log has every change of credentials, and no secret", async () => {
  await using w = await world();
  const { body: { data } } = await w.ask("POST", w.apps, {
    label: "Phone",
    "allowed_networks": ["192.0.2.0/24"],
  });
  await w.ask("PATCH", `${w.apps}/${data.id}`, { scope: "imap" });
  await w.ask("POST", `${w.apps}/${data.id}/regenerate`);
  await w.ask("DELETE", `${w.apps}/${data.id}`);
  await w.ask("POST", `${w.box}/imap-credentials`);
  await w.ask("DELETE", `${w.box}/imap-credentials`);
  const { body } = await w.ask("GET", `/audit?sort=id&vaultbox_id=${w.id}`);
  const changes = body.data.map((entry: { action: string }) => entry.action);
  assert.deepEqual(changes, [
    "vaultbox.create",
    "app_credential.create",
    "app_credential.change",
    "app_credential.regenerate",
    "app_credential.delete",
    "credential.create",
    "credential.delete",
  ]);
  assert.deepEqual(body.data[2].details, {
    "credential_id": data.id,
    label: "Phone",
    scope: "imap",
    "expires_at": null,
    "allowed_networks": "192.0.2.0/24",
  });
  withoutSecrets(body);
});

Deno.test("record_login() notes a use at most once a minute, of the service alone, and never waits", async () => {
  await using w = await world();
  const { body: { data } } = await w.ask("POST", w.apps, {
    label: "Phone",
    scope: "imap",
  });
  const { username } = data;
  const dovecot = connect(w.world.database.url("dovecot"), { max: 1 });
  const used = async () => {
    const [row] = await w.app.sql`select last_used_at from app_credentials`;
    return row!["lastUsedAt"] as Date | null;
  };
  const record = (login: string, service: string) =>
    dovecot`select record_login(${login}, ${service})`;
  try {
    await record(username, "smtp");
    await record(username.split(".")[0], "imap");
    await record("nobody", "imap");
    assert.equal(await used(), null);
    await record(username, "imap");
    const first = await used();
    assert.notEqual(first, null);
    await record(username, "imap");
    assert.deepEqual(await used(), first);
    await w.app.sql`
      update app_credentials set last_used_at = now() - interval '2 minutes'
    `;
    await w.app.sql.begin(async (tx) => {
      await tx`select from app_credentials for update`;
      await record(username, "imap");
    });
    assert.equal((await used())! < first!, true);
    await record(username, "imap");
    assert.equal((await used())! >= first!, true);
  } finally {
    await dovecot.end();
  }
});

Deno.test("the API answers others while a password is hashed", async () => {
  await using w = await world();
  await w.ask("POST", w.apps, { label: "starts the thread" });
  const hash = w.app.passwords.hash;
  let answered = 0;
  let hashing = 0;
  const api = buildApi({
    ...w.app,
    passwords: {
      async hash(password) {
        const before = answered;
        const hashed = await hash.call(w.app.passwords, password);
        hashing = answered - before;
        return hashed;
      },
    },
  }, SETTINGS);
  let running = true;
  const made = asking(api)("POST", w.apps, { label: "Phone" })
    .finally(() => running = false);
  while (running) {
    const url = "http://api/s2s/v1/openapi.json";
    const response = await api(new Request(url));
    await response.body?.cancel();
    answered++;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.equal((await made).status, 201);
  assert.equal(hashing > 5, true, `${hashing} answers`);
});
