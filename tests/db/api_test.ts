import assert from "node:assert/strict";
import { SignJWT } from "jose";
import { connect } from "../../src/db/connect.ts";
import { buildApi } from "../../src/http/api.ts";
import { encodeCursor } from "../../src/http/paging.ts";
import { ALICE, BOB, SECRET, testWorld } from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";

const TIME = "2024-02-29T00:00:00.000000Z";

const NIL = "00000000-0000-0000-0000-000000000000";

const CAT = {
  "user_id": ALICE,
  "domain": "pets.example",
  "name": "Cat Mailbox",
  "alias": "cat",
};

Deno.test("the guide's way through the API works with its shapes", async (t) => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const service = await bearer();
  let id = "";

  await t.step("create a vaultbox", async () => {
    const made = await ask(api, service, "POST", "/vaultboxes", CAT);
    assert.equal(made.status, 201);
    id = made.body.data["vaultbox_id"];
    assert.deepEqual(made.body, {
      success: true,
      data: {
        "vaultbox_id": id,
        domain: "pets.example",
        alias: "cat",
        name: "Cat Mailbox",
      },
    });
  });
  await t.step("list vaultboxes", async () => {
    const { body } = await ask(api, service, "GET", "/vaultboxes");
    const [box] = body.data;
    assert.equal(box.id, id);
    assert.equal(box["has_certs"], true);
    assert.equal(box["message_count"], 0);
    assert.match(box["created_at"], /^\d{4}-\d\d-\d\dT/);
  });
  let username = "";
  await t.step("create IMAP credentials", async () => {
    const path = `/vaultboxes/${id}/imap-credentials`;
    const made = await ask(api, service, "POST", path);
    username = made.body.data.username;
    assert.match(username, /^encimap-pets-example-[a-z2-9]{6}$/);
    assert.match(made.body.data.password, /^[a-z2-9]{24}$/);
    assert.equal(made.body.data.host, "mail.example.test");
    assert.equal(made.body.data.port, 993);
    assert.equal(made.body.data["security_type"], "SSL/TLS");
    assert.equal((await ask(api, service, "POST", path)).status, 409);
  });
  await t.step("create SMTP credentials under the same user name", async () => {
    const path = `/vaultboxes/${id}/smtp-credentials`;
    const server = {
      host: "mail.motorical.com",
      port: 587,
      "security_type": "STARTTLS",
    };
    const made = await ask(api, service, "POST", path, server);
    assert.equal(made.status, 201);
    assert.equal(made.body.data.username, username);
    assert.equal(made.body.data.host, "mail.motorical.com");
    assert.equal(world.mta.senders.get("cat@pets.example"), username);
  });
  for (const kind of ["imap", "smtp"]) {
    await t.step(`regenerate the ${kind} password`, async () => {
      const path = `/vaultboxes/${id}/${kind}-credentials/regenerate`;
      const one = await ask(api, service, "POST", path);
      const two = await ask(api, service, "POST", path);
      assert.equal(one.status, 200);
      assert.equal(one.body.data.username, username);
      assert.notEqual(one.body.data.password, two.body.data.password);
    });
  }
  await t.step("passwords are stored as bcrypt", async () => {
    const rows = await world.app.sql`
      select password_hash from dovecot_credentials
    `;
    // Each under its user name and under the address.
    assert.equal(rows.length, 4);
    for (const row of rows) {
      assert.match(row["passwordHash"], /^\$2[by]\$10\$/);
    }
  });
  await t.step("generate a certificate for the vaultbox", async () => {
    const made = await ask(api, service, "POST", "/generate-certificate", {
      email: "cat@pets.example",
      days: 365,
    });
    assert.equal(made.status, 201);
    assert.equal(made.body.data["vaultbox_id"], id);
    assert.equal(made.body.data["private_key"], undefined);
    const [row] = await world.app.sql`select count(*) from vaultbox_certs`;
    assert.equal(row!["count"], 2);
  });
  await t.step("generate a certificate for another address", async () => {
    const made = await ask(api, service, "POST", "/generate-certificate", {
      email: "owl@elsewhere.example",
    });
    assert.match(made.body.data["private_key"], /BEGIN PRIVATE KEY/);
    const [row] = await world.app.sql`select count(*) from vaultbox_certs`;
    assert.equal(row!["count"], 2);
  });
  await t.step("download the PKCS#12 file and the bundle", async () => {
    const body = { "vaultbox_id": id, password: "bundle-password" };
    const p12 = await ask(api, service, "POST", "/p12", body);
    assert.equal(p12.headers.get("content-type"), "application/x-pkcs12");
    assert.equal(p12.body[0], 0x30);
    const zip = await ask(api, service, "POST", "/bundle", body);
    assert.equal(zip.headers.get("content-type"), "application/zip");
    assert.deepEqual([...zip.body.slice(0, 4)], [0x50, 0x4b, 3, 4]);
  });
  await t.step("read the usage", async () => {
    const { body } = await ask(api, service, "GET", "/usage");
    assert.deepEqual(body.data, [{
      "vaultbox_id": id,
      alias: "cat",
      domain: "pets.example",
      "message_count": 0,
      "total_bytes": 0,
      "last_received": null,
    }]);
  });
  await t.step("delete the vaultbox", async () => {
    const gone = await ask(api, service, "DELETE", `/vaultboxes/${id}`);
    assert.deepEqual(gone.body, {
      success: true,
      message: "Vaultbox deleted successfully",
    });
    const again = await ask(api, service, "DELETE", `/vaultboxes/${id}`);
    assert.equal(again.status, 404);
  });
});

Deno.test("a user's token sees nothing of another user, as if it were not there", async (t) => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const made = await ask(api, await bearer(), "POST", "/vaultboxes", CAT);
  const id = made.body.data["vaultbox_id"];
  const missing = crypto.randomUUID();
  const bob = await bearer(BOB);
  const password = "bundle-password";
  const requests: [string, (id: string) => [string, unknown?]][] = [
    ["GET", (id) => [`/vaultboxes/${id}`]],
    ["DELETE", (id) => [`/vaultboxes/${id}`]],
    ["POST", (id) => [`/vaultboxes/${id}/imap-credentials`]],
    ["POST", (id) => [`/vaultboxes/${id}/smtp-credentials`]],
    ["POST", (id) => [`/vaultboxes/${id}/imap-credentials/regenerate`]],
    ["POST", (id) => [`/vaultboxes/${id}/smtp-credentials/regenerate`]],
    ["POST", (id) => ["/p12", { "vaultbox_id": id, password }]],
    ["POST", (id) => ["/bundle", { "vaultbox_id": id, password }]],
  ];
  for (const [method, of] of requests) {
    await t.step(`${method} ${of(":id")[0]}`, async () => {
      const theirs = await ask(api, bob, method, ...of(id));
      const none = await ask(api, bob, method, ...of(missing));
      assert.equal(theirs.status, 404);
      assert.deepEqual(theirs.body, none.body);
    });
  }
  for (const path of ["/vaultboxes", "/usage"]) {
    await t.step(`GET ${path} is empty`, async () => {
      assert.deepEqual((await ask(api, bob, "GET", path)).body.data, []);
      const asked = await ask(api, bob, "GET", `${path}?user_id=${ALICE}`);
      assert.equal(asked.status, 403);
    });
  }
  await t.step(
    "generate-certificate adds no generation to another's vaultbox",
    async () => {
      const body = { email: "cat@pets.example" };
      const theirs = await ask(api, bob, "POST", "/generate-certificate", body);
      assert.equal(theirs.body.data["vaultbox_id"], undefined);
      const [row] = await world.app.sql`select count(*) from vaultbox_certs`;
      assert.equal(row!["count"], 1);
    },
  );
  await t.step(
    "POST /vaultboxes claims no domain and takes no other user_id",
    async () => {
      const domain = "free.example";
      for (
        const body of [{ ...CAT, domain, "user_id": BOB }, { ...CAT, domain }, {
          ...CAT,
          "user_id": BOB,
          alias: "dog",
        }]
      ) {
        assert.equal(
          (await ask(api, bob, "POST", "/vaultboxes", body)).status,
          403,
        );
      }
    },
  );
  await t.step("the owner's own token works", async () => {
    const alice = await bearer(ALICE);
    assert.equal(
      (await ask(api, alice, "GET", "/vaultboxes")).body.data.length,
      1,
    );
    const { "user_id": _, ...own } = { ...CAT, alias: "fox" };
    assert.equal(
      (await ask(api, alice, "POST", "/vaultboxes", own)).status,
      201,
    );
  });
});

const now = Math.floor(Date.now() / 1000);
const key = new TextEncoder().encode(SECRET);
const good = { role: "service", aud: "encimap.svc", exp: now + 600 };
const forged: [string, Promise<string> | string][] = [
  ["no token", ""],
  ["nonsense", "nonsense"],
  [
    "algorithm none",
    `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(good))}.`,
  ],
  ["another key", sign(good, new Uint8Array(32))],
  ["another algorithm", sign(good, key, "HS512")],
  ["another audience", sign({ ...good, aud: "other" }, key)],
  ["no audience", sign({ role: "service", exp: now + 600 }, key)],
  ["no expiry", sign({ role: "service", aud: "encimap.svc" }, key)],
  ["past its time", sign({ ...good, exp: now - 1 }, key)],
  ["before its time", sign({ ...good, nbf: now + 600 }, key)],
  ["neither role nor user_id", sign({ aud: good.aud, exp: good.exp }, key)],
  ["both role and user_id", sign({ ...good, "user_id": ALICE }, key)],
  [
    "a user_id that is no UUID",
    sign({ aud: good.aud, exp: good.exp, "user_id": "*" }, key),
  ],
  [
    "the operator's user_id",
    sign({ aud: good.aud, exp: good.exp, "user_id": NIL }, key),
  ],
  ["another role", sign({ ...good, role: "root" }, key)],
  ["more than 4096 characters", sign({ ...good, x: "x".repeat(5000) }, key)],
];
function sign(
  claims: Record<string, unknown>,
  secret: Uint8Array,
  alg = "HS256",
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(
    alg === "HS512" ? new Uint8Array([...secret, ...secret]) : secret,
  );
}
for (const [name, made] of forged) {
  Deno.test(`a token is refused with 401: ${name}`, async () => {
    await using world = await testWorld();
    const api = buildApi(world.app, SETTINGS);
    const answer = await ask(api, await made, "GET", "/vaultboxes");
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body, {
      success: false,
      error: {
        code: "unauthorized",
        message: "Token is missing or not valid",
      },
    });
  });
}

Deno.test("bad input is answered with 400 that names the field", async (t) => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const service = await bearer();
  const made = await ask(api, service, "POST", "/vaultboxes", CAT);
  const id = made.body.data["vaultbox_id"];
  const box = "/vaultboxes";
  const smtp = `${box}/${id}/smtp-credentials`;
  const cases: [string, string, unknown, string][] = [
    ...[
      "",
      "a b",
      "cat\n",
      "cat\r\nX: y",
      "../../etc/passwd",
      "cat;rm",
      "$(id)",
      "`id`",
      "cat|x",
      "-cat",
      ".cat",
      "cat.",
      "c..t",
      "cat@x",
      '"quoted"',
      "сat",
      "ca\u200bt",
      "cat\u0000",
      "x".repeat(65),
      "'; drop table vaultboxes; --",
    ].map((alias): [string, string, unknown, string] => [
      `alias ${JSON.stringify(alias).slice(0, 40)}`,
      box,
      { ...CAT, alias },
      "alias",
    ]),
    ...[
      "example",
      "exa mple.com",
      "exam\nple.com",
      "-a.example",
      "a..example",
      "a.example.",
      "münchen",
      "a/../b.example",
      `${"a".repeat(64)}.example`,
      "x.".repeat(127) + "xx",
    ].map((domain): [string, string, unknown, string] => [
      `domain ${JSON.stringify(domain).slice(0, 40)}`,
      box,
      { ...CAT, domain },
      "domain",
    ]),
    [
      "address of 255 octets",
      box,
      {
        ...CAT,
        alias: "x".repeat(64),
        domain: `${`${"a".repeat(60)}.`.repeat(3)}example`,
      },
      "alias",
    ],
    ...["9999-12-31T23:59:59-00:01", "9999-12-31T24:00:00Z"].map((
      time,
    ): [string, string, unknown, string] => [
      `time ${time}`,
      `/vaultboxes/${id}/app-credentials`,
      { label: "Phone", "expires_at": time },
      "expires_at",
    ]),
    ["no alias", box, { ...CAT, alias: undefined }, "alias"],
    ["alias of another type", box, { ...CAT, alias: ["cat"] }, "alias"],
    ["no user_id", box, { ...CAT, "user_id": undefined }, "user_id"],
    ["user_id that is no UUID", box, { ...CAT, "user_id": "1" }, "user_id"],
    ["empty name", box, { ...CAT, name: " " }, "name"],
    ["long name", box, { ...CAT, name: "x".repeat(256) }, "name"],
    ["name with a newline", box, { ...CAT, name: "a\nb" }, "name"],
    ["unknown field", box, { ...CAT, admin: true }, "admin"],
    ["body that is no JSON", box, "{", "JSON"],
    ["body that is a list", box, "[]", "JSON object"],
    ["body that is null", box, "null", "JSON object"],
    ["port of another type", smtp, { port: "587" }, "port"],
    ["port out of range", smtp, { port: 70_000 }, "port"],
    ["host with a newline", smtp, { host: "a\nb" }, "host"],
    ["unknown TLS", smtp, { "security_type": "none" }, "security_type"],
    [
      "short password",
      "/p12",
      { "vaultbox_id": id, password: "short" },
      "password",
    ],
    ["password with an emoji", "/bundle", {
      "vaultbox_id": id,
      password: "correct horse 🐈",
    }, "password"],
    ["password that is the address", "/p12", {
      "vaultbox_id": id,
      password: "cat@pets.example",
    }, "password"],
    ["no password", "/p12", { "vaultbox_id": id }, "password"],
    ["id that is no UUID", "/p12", { "vaultbox_id": "x" }, "vaultbox_id"],
    ["unknown format", "/p12", {
      "vaultbox_id": id,
      password: "bundle-password",
      format: "der",
    }, "format"],
    ["email without @", "/generate-certificate", { email: "cat" }, "email"],
    ["days out of range", "/generate-certificate", {
      email: "a@b.example",
      days: 0,
    }, "days"],
  ];
  for (const [name, path, body, field] of cases) {
    await t.step(name, async () => {
      const answer = await ask(api, service, "POST", path, body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error.code, "invalid_request");
      assert.match(answer.body.error.message, new RegExp(field));
    });
  }
  for (
    const [query, field] of [
      ["limit=0", "limit"],
      ["limit=x", "limit"],
      ["limit=5000", "limit"],
      ["cursor=zzz", "cursor"],
      [`cursor=${encodeCursor("-created_at", [TIME, ALICE])}`, "cursor"],
      [
        `cursor=${
          encodeCursor("created_at", ["2024-02-30T00:00:00.000000Z", ALICE])
        }`,
        "cursor",
      ],
      [`user_id=${NIL}`, "user_id"],
      ["user_id=1", "user_id"],
      ["offset=1", "offset"],
    ]
  ) {
    await t.step(`GET /vaultboxes?${query}`, async () => {
      const answer = await ask(api, service, "GET", `/vaultboxes?${query}`);
      assert.equal(answer.status, 400);
      assert.match(answer.body.error.message, new RegExp(`^${field}`));
    });
  }
  await t.step("a cursor of any time that can be is taken", async () => {
    for (
      const time of [
        TIME,
        "1970-01-02T00:00:00.000001Z",
        "9999-12-31T23:59:59.999999Z",
      ]
    ) {
      const cursor = encodeCursor("created_at", [time, ALICE]);
      const path = `/vaultboxes?cursor=${cursor}`;
      const answer = await ask(api, service, "GET", path);
      assert.equal(answer.status, 200, time);
    }
  });
  await t.step("a body that is no JSON is not quoted in the log", async () => {
    await ask(api, service, "POST", "/p12", '{"password": Tr0ub4dor}');
    assert.doesNotMatch(world.lines.join("\n"), /Tr0ub4dor/);
  });
  await t.step("a body over 64 KiB", async () => {
    const body = { ...CAT, name: "x".repeat(70_000) };
    assert.equal((await ask(api, service, "POST", box, body)).status, 413);
  });
  await t.step("an id that is no UUID is not there", async () => {
    const path = "/vaultboxes/..%2f..%2fetc";
    assert.equal((await ask(api, service, "DELETE", path)).status, 404);
  });
  await t.step("nothing was created", async () => {
    const [row] = await world.app.sql`select count(*) from vaultboxes`;
    assert.equal(row!["count"], 1);
  });
});

Deno.test("GET /vaultboxes pages by cursor", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const service = await bearer();
  for (const alias of ["a", "b", "c"]) {
    await ask(api, service, "POST", "/vaultboxes", { ...CAT, alias });
  }
  const first = await ask(api, service, "GET", "/vaultboxes?limit=2");
  assert.equal(first.body.data.length, 2);
  const cursor = encodeURIComponent(first.body["next_cursor"]);
  const second = await ask(
    api,
    service,
    "GET",
    `/vaultboxes?limit=2&cursor=${cursor}`,
  );
  assert.deepEqual(
    second.body.data.map((box: { alias: string }) => box.alias),
    ["c"],
  );
  assert.equal(second.body["next_cursor"], undefined);
});

Deno.test("health needs no token, and says 503 when a part is down", async () => {
  await using world = await testWorld({
    ENCIMAP_SMTP_PORT: "1",
    ENCIMAP_INTAKE_SOCKET: "/nonexistent/intake.sock",
    ENCIMAP_DOVEADM_SOCKET: "/nonexistent/doveadm.sock",
  });
  const api = buildApi(world.app, SETTINGS);
  const { status, body } = await ask(api, "", "GET", "/health");
  assert.equal(status, 503);
  assert.deepEqual(body, {
    status: "unhealthy",
    services: {
      database: "connected",
      storage: "inaccessible",
      mta: "stopped",
      imap: "stopped",
    },
    certificates: {
      expiring: 0,
      expired: 0,
      "renewal_failed": 0,
      unconfirmed: 0,
    },
    sending: { stopped: 0, limited: 0 },
  });
});

Deno.test("a lost database is 503, and the answer names nothing inside", async () => {
  await using world = await testWorld();
  const sql = connect("postgresql://encimap@%2Fnonexistent/db", { max: 1 });
  const api = buildApi({ ...world.app, sql }, SETTINGS);
  const answer = await ask(api, await bearer(), "GET", "/vaultboxes");
  await sql.end();
  assert.equal(answer.status, 503);
  assert.deepEqual(answer.body, {
    success: false,
    error: { code: "unavailable", message: "Database is not available" },
  });
});

Deno.test("an unknown route is 404 in the envelope", async () => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  const answer = await ask(api, await bearer(), "GET", "/nothing");
  assert.equal(answer.status, 404);
  assert.equal(answer.body.error.code, "not_found");
});
