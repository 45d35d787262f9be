import assert from "node:assert/strict";
import { totpCode } from "../../../src/dashboard/totp.ts";
import { mintToken } from "../../../src/http/auth.ts";
import { ALICE, SECRET } from "../../helpers/app.ts";
import {
  type Browser,
  PASSWORD,
  PLATFORM,
  type TestDashboard,
  testDashboard,
} from "../../helpers/dashboard.ts";

const OPERATOR = { role: "operator" } as const;

const SESSION = "__Host-encimap-session";

function signIn(
  browser: Browser,
  login: string,
  password = PASSWORD,
  more: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<{ path: string; status: number; text: string }> {
  return browser.post("/sign-in", { login, password, ...more }, headers);
}

Deno.test("a one-time link makes one account, and signs it in", async () => {
  await using dashboard = testDashboard();
  const link = dashboard.invite(OPERATOR);
  const browser = dashboard.browser();
  // Programs that preview links fetch them.
  await browser.open(link);
  assert.equal((await browser.open(link)).status, 200);
  const first = { login: "Ann", password: PASSWORD, again: PASSWORD };
  assert.equal((await browser.submit(first)).path, "/");
  const other = dashboard.browser();
  assert.equal((await other.open(link)).status, 404);
  assert.equal((await other.post(link, first)).status, 404);
  assert.equal((await signIn(other, "ANN")).path, "/");
});

Deno.test("a one-time link ends", async () => {
  await using dashboard = testDashboard();
  const link = dashboard.invite(OPERATOR);
  dashboard.world.clock = new Date(Date.now() + 60_001);
  assert.equal((await dashboard.browser().open(link)).status, 404);
});

Deno.test("what is wrong with a new account is said, and the link still works", async () => {
  await using dashboard = testDashboard();
  await dashboard.signedIn(OPERATOR, "ann");
  const browser = dashboard.browser();
  await browser.open(dashboard.invite(OPERATOR));
  for (
    const [change, said] of [
      [{ login: '"><b>x' }, /2 to 254/],
      [{ password: "short", again: "short" }, /12 characters/],
      [{ password: "é".repeat(40), again: "é".repeat(40) }, /72 octets/],
      [{ again: "something else" }, /not the same/],
      [{ login: "ANN" }, /has that name/],
    ] as const
  ) {
    const fields = { login: "bob", password: PASSWORD, again: PASSWORD };
    const page = await browser.submit({ ...fields, ...change });
    assert.equal(page.status, 400);
    assert.match(page.text, said);
    assert.doesNotMatch(page.text, /<b>x/);
  }
  const fields = { login: "bob", password: PASSWORD, again: PASSWORD };
  assert.equal((await browser.submit(fields)).path, "/");
});

Deno.test("a wrong password and an unknown name have the same answer", async () => {
  await using dashboard = testDashboard();
  await dashboard.signedIn(OPERATOR, "ann");
  const browser = dashboard.browser();
  const wrong = await signIn(browser, "ann", "wrong password!");
  const unknown = await signIn(browser, "nobody", "wrong password!");
  assert.equal(wrong.status, 401);
  assert.equal(
    wrong.text.replace('value="ann"', ""),
    unknown.text.replace('value="nobody"', ""),
  );
  assert.equal(browser.cookies.size, 0);
});

Deno.test("cookies are closed to scripts, other sites and plain HTTP, and new at each sign-in", async () => {
  await using dashboard = testDashboard();
  const browser = await dashboard.signedIn(OPERATOR, "ann");
  const first = browser.cookies.get(SESSION)!;
  assert.equal(browser.setCookies.length, 2);
  for (const cookie of browser.setCookies) {
    assert.match(cookie, /^__Host-encimap-\w+=[\w-]{43}; /);
    assert.match(cookie, /; Path=\/; Secure; HttpOnly; SameSite=Lax(;|$)/);
  }
  await signIn(browser, "ann");
  assert.notEqual(browser.cookies.get(SESSION), first);
  const thief = dashboard.browser();
  thief.cookies.set(SESSION, first);
  assert.equal((await thief.open("/")).path, "/sign-in");
});

Deno.test("a session ends by itself, idle and at last in any case", async () => {
  await using dashboard = testDashboard();
  const { world } = dashboard;
  const began = Date.now();
  const at = (hours: number): void => {
    world.clock = new Date(began + hours * 3_600_000);
  };
  at(0);
  const idle = await dashboard.signedIn(OPERATOR);
  const busy = await dashboard.signedIn(OPERATOR);
  at(1.9);
  assert.equal((await busy.open("/")).path, "/");
  at(2.1);
  assert.equal((await idle.open("/")).path, "/sign-in");
  for (let hours = 3; hours < 12; hours++) {
    at(hours);
    assert.equal((await busy.open("/")).path, "/");
  }
  at(12.1);
  assert.equal((await busy.open("/")).path, "/sign-in");
});

Deno.test("signing out ends a session, and everywhere all of an account", async () => {
  await using dashboard = testDashboard();
  const one = await dashboard.signedIn(OPERATOR, "ann");
  const other = dashboard.browser();
  await signIn(other, "ann");
  const bystander = await dashboard.signedIn(OPERATOR, "bob");
  const cookie = other.cookies.get(SESSION)!;
  await other.submit({}, "/sign-out");
  other.cookies.set(SESSION, cookie);
  assert.equal((await other.open("/")).path, "/sign-in");
  await signIn(other, "ann");
  const page = await one.open("/account");
  assert.equal(page.text.match(/Test\/1\.0/g)!.length, 2);
  await one.submit({}, "/account/sign-out-everywhere");
  assert.equal((await one.open("/")).path, "/sign-in");
  assert.equal((await other.open("/")).path, "/sign-in");
  assert.equal((await bystander.open("/")).path, "/");
});

Deno.test("who guesses passwords keeps neither a known browser out nor anybody for good", async () => {
  await using dashboard = testDashboard();
  const { world } = dashboard;
  world.clock = new Date();
  const owner = await dashboard.signedIn(OPERATOR, "ann");
  await owner.submit({}, "/sign-out");
  const guesser = dashboard.browser();
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++) {
    // From everywhere: limits by client address do not help.
    const from = { "x-forwarded-for": `192.0.2.${i}` };
    const page = await signIn(guesser, "ann", "wrong password!", {}, from);
    statuses.push(page.status);
  }
  assert.deepEqual(statuses, [...Array(10).fill(401), 429, 429]);
  const far = { "x-forwarded-for": "198.51.100.1" };
  assert.equal((await signIn(guesser, "ann", PASSWORD, {}, far)).status, 429);
  assert.equal((await signIn(owner, "ann", PASSWORD, {}, far)).path, "/");
  world.clock = new Date(world.clock.getTime() + 61_000);
  assert.equal((await signIn(guesser, "ann", PASSWORD, {}, far)).path, "/");
});

Deno.test("one client address computes few hashes", async () => {
  await using dashboard = testDashboard();
  dashboard.world.clock = new Date();
  const browser = dashboard.browser();
  const from = { "x-forwarded-for": "10.0.0.1, 192.0.2.7" };
  const statuses = new Set<number>();
  for (let i = 0; i < 21; i++) {
    const page = await signIn(browser, `nobody${i}`, PASSWORD, {}, {
      // Only what the web server in front has added counts.
      "x-forwarded-for": from["x-forwarded-for"].replace("10.0.0.1", `${i}`),
    });
    statuses.add(page.status);
  }
  assert.deepEqual([...statuses], [401, 429]);
});

async function turnCodesOn(
  dashboard: TestDashboard,
): Promise<{ key: Uint8Array; recovery: string[] }> {
  const browser = await dashboard.signedIn(OPERATOR, "ann");
  const { text } = await browser.open("/account/codes");
  const hex = /name="key" value="([0-9a-f]+)"/.exec(text)![1]!;
  const key = Uint8Array.fromHex(hex);
  assert.equal((await browser.submit({ code: "000000" })).status, 400);
  const page = await browser.submit({ code: codeOf(dashboard, key) });
  const recovery = [...page.text.matchAll(/<li>([^<]+)<\/li>/g)]
    .map(([, code]) => code!);
  assert.equal(recovery.length, 10);
  return { key, recovery };
}

function codeOf({ world }: TestDashboard, key: Uint8Array): string {
  return totpCode(key, Math.floor(world.now().getTime() / 30_000));
}

Deno.test("with codes on, a password alone opens nothing, and no code opens twice", async () => {
  await using dashboard = testDashboard();
  const { world } = dashboard;
  const began = Date.now();
  world.clock = new Date(began);
  const { key, recovery } = await turnCodesOn(dashboard);
  const browser = dashboard.browser();
  const attempt = async (code: string): Promise<string> =>
    (await signIn(browser, "ann", PASSWORD, { code })).path;
  assert.equal(await attempt(""), "/sign-in");
  // The code that has turned them on.
  assert.equal(await attempt(codeOf(dashboard, key)), "/sign-in");
  world.clock = new Date(began + 60_000);
  const code = codeOf(dashboard, key);
  assert.equal(await attempt(code), "/");
  assert.equal(await attempt(code), "/sign-in");
  assert.equal(await attempt(recovery[3]!), "/");
  assert.equal(await attempt(recovery[3]!), "/sign-in");
  world.clock = new Date(began + 120_000);
  await attempt(recovery[4]!);
  await browser.open("/account");
  const wrong = await browser.submit({ code: "123456" }, "/account/codes/off");
  assert.equal(wrong.status, 400);
  await browser.submit({ code: codeOf(dashboard, key) }, "/account/codes/off");
  assert.equal(await attempt(""), "/");
});

Deno.test("a token of the platform signs its user in, once, from its pages alone", async () => {
  await using dashboard = testDashboard();
  const rules = { secret: SECRET, audience: "encimap.dashboard" };
  const token = (
    change: Partial<typeof rules> = {},
    seconds = 60,
    userId: string | undefined = ALICE,
  ): Promise<string> =>
    mintToken({ ...rules, ...change }, { userId }, {
      now: new Date(),
      seconds,
    });
  const good = await token();
  const send = (value: string, origin = PLATFORM) => {
    const browser = dashboard.browser();
    return browser.post("/session", { token: value }, { origin })
      .then((page) => ({ page, browser }));
  };
  for (const origin of ["https://evil.example", "https://mail.example.test"]) {
    assert.equal((await send(good, origin)).page.status, 403);
  }
  const { page, browser } = await send(good);
  assert.equal(page.path, "/");
  assert.match(page.text, /Customer/);
  assert.match(browser.setCookies[0]!, /HttpOnly; SameSite=Lax/);
  for (
    const bad of [
      // Used already.
      good,
      // One for the API.
      await token({ audience: "encimap.svc" }),
      await token({ secret: SECRET.toUpperCase() }),
      await token({}, 3600),
      // A service's.
      await mintToken(rules, { userId: undefined }, {
        now: new Date(),
        seconds: 60,
      }),
      "",
    ]
  ) {
    const refused = await send(bad);
    assert.equal(refused.page.status, 401);
    assert.equal(refused.browser.cookies.size, 0);
  }
});
