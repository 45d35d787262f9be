import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { insertInvitation } from "../../../src/dashboard/store/accounts.ts";
import { listAccounts } from "../../../src/dashboard/store/people.ts";
import { mintToken } from "../../../src/http/auth.ts";
import { ALICE, SECRET } from "../../helpers/app.ts";
import {
  PASSWORD,
  PLATFORM,
  type TestDashboard,
  testDashboard,
} from "../../helpers/dashboard.ts";

/** Accounts of all kinds. */
const EVERYBODY = { vaultboxId: null, limit: 10 };

const OPERATOR = { role: "operator" } as const;

const SESSION = "__Host-encimap-session";

const RULES = { secret: SECRET, audience: "encimap.dashboard" };

const ELSEWHERE = { now: new Date(), seconds: 60 };

function bySession(dashboard: TestDashboard, token: string) {
  const browser = dashboard.browser();
  return browser.post("/session", { token }, { origin: PLATFORM })
    .then((page) => ({ ...page, browser }));
}

Deno.test("a token of the platform opens once, whatever form its signature is written in", async () => {
  await using dashboard = testDashboard();
  const token = await mintToken(RULES, { userId: ALICE }, {
    now: new Date(),
    seconds: 60,
  });
  assert.equal((await bySession(dashboard, token)).path, "/");
  // 256 bits in 43 letters: two bits of the last one say nothing.
  const letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = letters.indexOf(token.at(-1)!);
  for (const bits of [1, 2, 3]) {
    const other = token.slice(0, -1) + letters[last ^ bits];
    assert.deepEqual(decodeJwt(other), decodeJwt(token));
    assert.equal((await bySession(dashboard, other)).status, 401);
  }
});

Deno.test("a token of the platform for less than a customer may do opens no session", async () => {
  await using dashboard = testDashboard();
  const token = await mintToken(RULES, {
    userId: ALICE,
    scopes: new Set(["vaultbox:read"] as const),
  }, { now: new Date(), seconds: 60 });
  assert.equal((await bySession(dashboard, token)).status, 401);
});

Deno.test("who comes from the platform has the name that its token says, and one session", async () => {
  await using dashboard = testDashboard();
  const made = await dashboard.signedIn(OPERATOR, "ann");
  const before = made.cookies.get(SESSION)!;
  const token = await mintToken(RULES, { userId: ALICE, subject: "<b>Alice" }, {
    now: new Date(),
    seconds: 60,
  });
  const page = await made.post("/session", { token }, { origin: PLATFORM });
  assert.match(page.text, /&lt;b&gt;Alice \(Customer\)/);
  const thief = dashboard.browser();
  thief.cookies.set(SESSION, before);
  assert.equal((await thief.open("/account")).path, "/sign-in");
});

Deno.test("all addresses of one IPv6 subscriber compute the hashes of one", async () => {
  await using dashboard = testDashboard();
  dashboard.world.clock = ELSEWHERE.now;
  const statuses: number[] = [];
  for (let i = 0; i < 21; i++) {
    const browser = dashboard.browser();
    const { status } = await browser.post(
      "/sign-in",
      { login: `nobody${i}`, password: PASSWORD },
      { "x-forwarded-for": `2001:db8:0:7::${i.toString(16)}` },
    );
    statuses.push(status);
  }
  assert.deepEqual(statuses, [...Array(20).fill(401), 429]);
  const other = await dashboard.browser().post(
    "/sign-in",
    { login: "nobody", password: PASSWORD },
    { "x-forwarded-for": "2001:db8:0:8::1" },
  );
  assert.equal(other.status, 401);
});

Deno.test("strangers in line keep no known browser waiting", async () => {
  await using dashboard = testDashboard();
  const owner = await dashboard.signedIn(OPERATOR, "ann");
  await owner.submit({}, "/sign-out");
  const { passwords } = dashboard.world;
  const release = Promise.withResolvers<void>();
  Object.assign(dashboard.world, {
    passwords: {
      ...passwords,
      async verify(password: string, hash: string) {
        // As long as a hash takes on a machine that has much to do.
        if (password !== PASSWORD) await release.promise;
        return passwords.verify(password, hash);
      },
    },
  });
  const strangers = Array.from(
    { length: 60 },
    (_, i) =>
      dashboard.browser().post(
        "/sign-in",
        { login: `nobody${i}`, password: "wrong password!" },
        { "x-forwarded-for": `192.0.2.${i}` },
      ),
  );
  const page = await owner.post("/sign-in", {
    login: "ann",
    password: PASSWORD,
  });
  release.resolve();
  const statuses = new Set(
    (await Promise.all(strangers)).map((each) => each.status),
  );
  assert.equal(page.path, "/");
  assert.deepEqual([...statuses], [401]);
});

Deno.test("what can be nobody's name takes no room among the attempts that are counted", async () => {
  await using dashboard = testDashboard();
  dashboard.world.clock = ELSEWHERE.now;
  for (let i = 0; i < 11; i++) {
    const { status } = await dashboard.browser().post(
      "/sign-in",
      { login: "x".repeat(60_000), password: PASSWORD },
      { "x-forwarded-for": `192.0.2.${i}` },
    );
    assert.equal(status, 401);
  }
});

Deno.test("who has a session alone guesses neither its code nor its password", async () => {
  await using dashboard = testDashboard();
  dashboard.world.clock = ELSEWHERE.now;
  const browser = await dashboard.signedIn(OPERATOR, "ann");
  const guess = async (): Promise<number> => {
    await browser.open("/account");
    const page = await browser.submit({
      former: "not the password",
      password: "another password",
      again: "another password",
    }, "/account/password");
    return page.status;
  };
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) statuses.push(await guess());
  assert.deepEqual(statuses, [...Array(10).fill(400), 429]);
});

Deno.test("codes are not turned off by guessing them", async () => {
  await using dashboard = testDashboard();
  const { world } = dashboard;
  world.clock = ELSEWHERE.now;
  const browser = await dashboard.signedIn(OPERATOR, "ann");
  const [account] = listAccounts(world.store, EVERYBODY);
  world.store.run("update accounts set totp_secret = :key where id = :id", {
    id: account!.id,
    key: new Uint8Array(20),
  });
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++) {
    await browser.open("/account");
    const form = { code: "000000" };
    const { status } = await browser.submit(form, "/account/codes/off");
    statuses.push(status);
  }
  assert.deepEqual(statuses, [...Array(10).fill(400), 429]);
});

Deno.test("a link for a new password ends the one before it", async () => {
  await using dashboard = testDashboard();
  const { world } = dashboard;
  await dashboard.signedIn(OPERATOR, "ann");
  const [account] = listAccounts(world.store, EVERYBODY);
  const link = (): string =>
    `/invitation/${
      insertInvitation(world.store, {
        accountId: account!.id,
        grant: OPERATOR,
        expiresAt: new Date(Date.now() + 60_000),
      })
    }`;
  const [lost, used] = [link(), link()];
  assert.equal((await dashboard.browser().open(lost)).status, 404);
  const browser = dashboard.browser();
  await browser.open(used);
  const page = await browser.submit({ password: PASSWORD, again: PASSWORD });
  assert.equal(page.path, "/");
  assert.equal((await dashboard.browser().open(used)).status, 404);
});

Deno.test("another password ends other sessions, links and known browsers, not this session", async () => {
  await using dashboard = testDashboard();
  const browser = await dashboard.signedIn(OPERATOR, "ann");
  const other = dashboard.browser();
  await other.post("/sign-in", { login: "ann", password: PASSWORD });
  assert.equal(other.page!.path, "/");
  await browser.open("/account");
  const next = "another password";
  for (
    const [fields, said] of [
      [{ former: PASSWORD, password: "short", again: "short" }, /12 char/],
      [{ former: PASSWORD, password: next, again: PASSWORD }, /not the same/],
      [{ former: next, password: next, again: next }, /until now is wrong/],
    ] as const
  ) {
    const page = await browser.submit(fields, "/account/password");
    assert.match(page.text, said);
  }
  const fields = { former: PASSWORD, password: next, again: next };
  const page = await browser.submit(fields, "/account/password");
  assert.match(page.text, /The password is changed/);
  assert.equal((await other.open("/")).path, "/sign-in");
  const third = dashboard.browser();
  await third.post("/sign-in", { login: "ann", password: PASSWORD });
  assert.equal(third.page!.status, 401);
  await third.post("/sign-in", { login: "ann", password: next });
  assert.equal(third.page!.path, "/");
});

Deno.test("a path that names no UUID asks the API nothing", async () => {
  // Nobody answers there: what is asked is answered with 503.
  await using dashboard = testDashboard();
  const browser = await dashboard.signedIn({ role: "customer", userId: ALICE });
  const id = crypto.randomUUID();
  assert.equal((await browser.open(`/vaultboxes/${id}`)).status, 503);
  for (
    const bad of ["x", "..%2fdomains", "%0d%0aX-A:1", `${id}%2f..`, `${id}%00`]
  ) {
    for (const rest of ["", "/device", "/certificates"]) {
      const { status } = await browser.open(`/vaultboxes/${bad}${rest}`);
      assert.ok(status === 404 || status === 400, `${bad} ${status}`);
    }
  }
});

Deno.test("nobody removes his own account, and who is removed is signed out", async () => {
  await using dashboard = testDashboard();
  const ann = await dashboard.signedIn(OPERATOR, "ann");
  const bob = await dashboard.signedIn(OPERATOR, "bob");
  await ann.open("/people");
  const rows = listAccounts(dashboard.world.store, EVERYBODY);
  const idOf = (login: string): string =>
    rows.find((row) => row.login === login)!.id;
  const own = await ann.submit({ account: idOf("ann") }, "/people/remove");
  assert.equal(own.status, 400);
  await ann.submit({ account: idOf("bob") }, "/people/remove");
  assert.match(ann.page!.text, /Deleted/);
  assert.equal((await bob.open("/")).path, "/sign-in");
});
