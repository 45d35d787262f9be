import assert from "node:assert/strict";
import type { Grant } from "../../../src/dashboard/roles.ts";
import {
  acceptInvitation,
  insertInvitation,
} from "../../../src/dashboard/store/accounts.ts";
import { hostDomain } from "../../../src/vaultbox/domains.ts";
import { ALICE, BOB, SERVICE } from "../../helpers/app.ts";
import { formsOf, ORIGIN, PASSWORD } from "../../helpers/dashboard.ts";
import { box, place } from "../../helpers/dashboard_place.ts";
import { until } from "../../helpers/until.ts";

const CUSTOMER = { role: "customer", userId: ALICE } as const;

const MANY = "/vaultboxes/many";

/** Cells of the table, row by row. */
function rowsOf(text: string): string[][] {
  return [...text.matchAll(/<tr>(<td>.*?)<\/tr>/gs)].map(([, row]) =>
    [...row!.matchAll(/<td>(.*?)<\/td>/gs)]
      .map(([, cell]) => cell!.replace(/<[^>]*>/g, ""))
  );
}

/** Lines of the list, and what became of each. */
function linesOf(text: string): string[] {
  return [...text.matchAll(/<li>(.*?)<\/li>/gs)]
    .map(([, line]) => line!.replace(/<[^>]*>/g, ""));
}

Deno.test("many vaultboxes are made of a pasted list, with a result for each line", async () => {
  await using made = await place();
  const { app } = made.world;
  await hostDomain(app, SERVICE, "pets.example", ALICE, "declared");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  for (
    const [list, said] of [
      ["\n \n", /There is no address/],
      ["cat@pets.example\nno address", /This is no address: no address/],
      ["x@pets.example\n".repeat(101), /at most 100/],
    ] as const
  ) {
    await browser.open(MANY);
    const page = await browser.submit({ list }, MANY);
    assert.equal(page.status, 400);
    assert.match(page.text, said);
  }
  const list = [
    "cat@pets.example",
    '"Dog@Pets.example";"Rex, the <dog>"',
    "x@bob.example\tX",
    ...Array.from({ length: 9 }, (_, i) => `n${i}@pets.example`),
    "cat@pets.example",
  ].join("\r\n");
  await browser.open(MANY);
  const { values } = browser.formOf(MANY);
  const page = await browser.post(MANY, { ...values, list });
  assert.match(page.text, /Vaultboxes created: 11 of 13/);
  const lines = linesOf(page.text);
  assert.deepEqual(lines.slice(0, 2), [
    "cat@pets.example: created",
    "dog@pets.example: created",
  ]);
  assert.match(lines[2]!, /^x@bob\.example: .*not yours/);
  assert.equal(lines[12], "cat@pets.example: Address is taken");
  assert.deepEqual(page.text.match(/<ol start="\d+"/g), [
    '<ol start="1"',
    '<ol start="11"',
  ]);
  // By a second press: the same answers, and nothing is made twice.
  const again = await browser.post(MANY, { ...values, list });
  assert.deepEqual(linesOf(again.text), lines);
});

Deno.test("a list is worked on to its end though its page is left", async () => {
  await using made = await place();
  const { app } = made.world;
  await hostDomain(app, SERVICE, "pets.example", ALICE, "declared");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  await browser.open(MANY);
  const { values } = browser.formOf(MANY);
  const list = Array.from({ length: 21 }, (_, i) => `n${i}@pets.example`);
  const leaves = new AbortController();
  const response = await fetch(made.dashboard.base + MANY, {
    method: "POST",
    headers: { origin: ORIGIN, cookie: browser.cookieHeader() },
    body: new URLSearchParams({ ...values, list: list.join("\n") }),
    signal: leaves.signal,
  });
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  const { value } = await response.body!.getReader().read();
  const begin = new TextDecoder().decode(value);
  assert.match(begin, /<h1>What became of them/);
  assert.doesNotMatch(begin, /n20@/);
  leaves.abort();
  await until("all of them are made", async () => {
    const rows = await app.sql`select from vaultboxes`;
    return rows.length === list.length;
  });
});

Deno.test("a list that is sent again while it is worked on has the same results", async () => {
  await using made = await place();
  await hostDomain(
    made.world.app,
    SERVICE,
    "pets.example",
    ALICE,
    "declared",
  );
  const browser = await made.dashboard.signedIn(CUSTOMER);
  await browser.open(MANY);
  const { values } = browser.formOf(MANY);
  const names = Array.from({ length: 15 }, (_, i) => `n${i}@pets.example`);
  const form = { ...values, list: names.join("\n") };
  const pages = await Promise.all(
    [0, 1, 2].map(() => browser.post(MANY, form)),
  );
  for (const { text } of pages) {
    assert.match(text, /Vaultboxes created: 15 of 15/);
    assert.deepEqual(linesOf(text), linesOf(pages[0]!.text));
  }
});

Deno.test("an operator's list belongs to the customers of its domains", async () => {
  await using made = await place();
  const { app } = made.world;
  await hostDomain(app, SERVICE, "pets.example", ALICE, "declared");
  await hostDomain(app, SERVICE, "bob.example", BOB, "declared");
  const browser = await made.dashboard.signedIn({ role: "operator" });
  await browser.open(MANY);
  const nowhere = { list: "a@nowhere.example" };
  const refused = await browser.submit(nowhere, MANY);
  assert.match(refused.text, /One of the domains is not here/);
  const list = "cat@pets.example\nx@bob.example";
  await browser.submit({ list }, MANY);
  assert.match(browser.page!.text, /Vaultboxes created: 2 of 2/);
  const bob = await made.dashboard.signedIn({ role: "customer", userId: BOB });
  const { text } = await bob.open("/vaultboxes");
  assert.match(text, /x@bob\.example/);
  assert.doesNotMatch(text, /cat@pets\.example<\/a>/);
});

Deno.test("the log shows to each what was done to his, and the operator all", async () => {
  await using made = await place();
  await box(made, ALICE, "pets.example");
  await box(made, BOB, "bob.example");
  const alice = await made.dashboard.signedIn(CUSTOMER);
  const own = await alice.open("/audit");
  assert.match(own.text, /vaultbox\.create/);
  assert.match(own.text, /pets\.example/);
  assert.doesNotMatch(own.text, /bob\.example/);
  const operator = await made.dashboard.signedIn({ role: "operator" });
  const all = await operator.open("/audit");
  assert.match(all.text, /bob\.example/);
  const some = await operator.open("/audit?action=domain.host");
  assert.ok(rowsOf(some.text).every(([, , what]) => what === "domain.host"));
  assert.equal((await alice.open("/audit?vaultbox=x")).status, 400);
  assert.equal((await alice.open("/audit?action=A%3CB")).status, 400);
});

Deno.test("an operator sees customers and sets their limits", async () => {
  await using made = await place();
  await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn({ role: "operator" });
  const { text } = await browser.open("/customers");
  assert.ok(rowsOf(text).some(([id, count]) => id === ALICE && count === "1"));
  const before = await made.dashboard.signedIn(CUSTOMER);
  assert.match(before.page!.text, /<b>1<\/b>vaultboxes/);
  assert.doesNotMatch(before.page!.text, /messages stored/);
  const path = `/customers/${ALICE}`;
  await browser.open(path);
  const bad = await browser.submit({ vaultboxes: "-1" }, path);
  assert.equal(bad.status, 400);
  await browser.submit({ vaultboxes: "1", bytes: "", messages: "9" }, path);
  assert.match(browser.page!.text, /Saved/);
  assert.match((await browser.open("/customers")).text, /1 of 1/);
  const alice = await made.dashboard.signedIn(CUSTOMER);
  assert.match(alice.page!.text, /<b>0<\/b>messages stored/);
  await alice.open("/vaultboxes/new");
  const full = await alice.submit({ alias: "dog" }, "/vaultboxes/new");
  assert.equal(full.status, 400);
  assert.match(full.text, /role="alert"/);
});

Deno.test("an operator invites by a link that is shown once, and takes it back", async () => {
  await using made = await place();
  const browser = await made.dashboard.signedIn({ role: "operator" }, "ann");
  await browser.open("/people");
  const bad = await browser.submit({ customer: "nobody" }, "/people/invite");
  assert.match(bad.text, /needs a UUID/);
  await browser.submit({ customer: ALICE }, "/people/invite");
  const link = (): string =>
    /class="secret">https:\/\/[^/]+([^<]+)</.exec(browser.page!.text)![1]!;
  const first = link();
  await browser.open("/people");
  assert.ok(!browser.page!.text.includes(first));
  await browser.submit({}, "/people/take-back");
  assert.equal((await made.dashboard.browser().open(first)).status, 404);
  await browser.submit({ role: "operator" }, "/people/invite");
  const second = link();
  const bob = made.dashboard.browser();
  await bob.open(second);
  await bob.submit({ login: "bob", password: PASSWORD, again: PASSWORD });
  assert.match(bob.page!.text, /bob \(Operator\)/);
  const secret = second.split("/").at(-1)!;
  assert.ok(made.dashboard.lines.every((line) => !line.includes(secret)));
});

Deno.test("a vaultbox takes what is for no other address of a domain, until it does not", async () => {
  await using made = await place();
  await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = "/domains/pets.example";
  await browser.open(path);
  const nobody = { address: "dog@pets.example" };
  const bad = await browser.submit(nobody, `${path}/catch-all`);
  assert.match(bad.text, /no vaultbox with that address/);
  await browser.submit({ address: "Cat@pets.example" }, `${path}/catch-all`);
  assert.match(browser.page!.text, />cat@pets\.example<\/a>/);
  // The first form of that path takes it away.
  await browser.submit({}, `${path}/catch-all`);
  assert.match(browser.page!.text, /Deleted/);
  assert.doesNotMatch(browser.page!.text, />cat@pets\.example<\/a>/);
});

Deno.test("people are listed page by page and found by name, and a vaultbox has no more than twenty", async () => {
  await using made = await place();
  const { dashboard, world: { app } } = made;
  const { store } = dashboard.world;
  const id = await box(made, ALICE, "pets.example");
  const add = (login: string, grant: Grant): void => {
    const expiresAt = new Date(app.now().getTime() + 60_000);
    const invitation = { accountId: null, grant, expiresAt };
    const secret = insertInvitation(store, invitation);
    const input = { login, passwordHash: "$2b$04$x", now: app.now() };
    acceptInvitation(store, secret, input);
  };
  for (let i = 10; i < 61; i++) add(`n${i}@pets.example`, CUSTOMER);
  const operator = await dashboard.signedIn({ role: "operator" }, "ann");
  const names = async (path: string): Promise<string[]> =>
    rowsOf((await operator.open(path)).text).map(([name]) => name!);
  const first = await names("/people");
  assert.deepEqual([first.length, first[0]], [50, "ann"]);
  const [, next] = /href="([^"]+)" rel="next"/.exec(operator.page!.text)!;
  assert.deepEqual(await names(next!), [
    "n59@pets.example",
    "n60@pets.example",
  ]);
  assert.deepEqual(await names("/people?q=N42"), ["n42@pets.example"]);
  assert.deepEqual(await names("/people?q=%25"), []);

  const owner = { role: "owner", userId: ALICE, vaultboxId: id } as const;
  for (let i = 0; i < 18; i++) add(`owner${i}`, owner);
  const alice = await dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}/people`;
  const { formToken } = formsOf((await alice.open(path)).text)[0]!.values;
  const invite = (path: string) =>
    alice.post(`${path}/invite`, { formToken: formToken! });
  // At once, and by another spelling of the same vaultbox.
  const shouted = `/vaultboxes/${id.toUpperCase()}/people`;
  const pages = await Promise.all([path, shouted, path, shouted].map(invite));
  assert.deepEqual(pages.map(({ status }) => status).sort(), [
    200,
    200,
    400,
    400,
  ]);
  assert.match(pages.find(({ status }) => status === 400)!.text, /at most 20/);
  // The operator's own links are not among theirs.
  await operator.open("/people");
  assert.doesNotMatch(operator.page!.text, /name="digest"/);
});
