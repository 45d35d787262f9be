import assert from "node:assert/strict";
import type { Grant } from "../../../src/dashboard/roles.ts";
import { keepReport } from "../../../src/cli/doctor/report.ts";
import { dashboardRoutes } from "../../../src/dashboard/server.ts";
import { createAppCredential } from "../../../src/vaultbox/app_credentials.ts";
import { hostDomain } from "../../../src/vaultbox/domains.ts";
import { EVERYTHING_ON } from "../../helpers/api.ts";
import { ALICE, BOB, SERVICE, user } from "../../helpers/app.ts";
import {
  type Browser,
  formsOf,
  testDashboard,
} from "../../helpers/dashboard.ts";
import { box, place } from "../../helpers/dashboard_place.ts";
import { machinePeers, OUTCOMES } from "../../helpers/machine_peers.ts";
import { until } from "../../helpers/until.ts";

const CUSTOMER: Grant = { role: "customer", userId: ALICE };

const UUID = "[0-9a-f]{8}-[0-9a-f-]{27}";

/** The vaultbox whose page is shown. */
function idOf({ page }: Browser): string {
  return new RegExp(`^/vaultboxes/(${UUID})`).exec(page!.path)![1]!;
}

Deno.test("a customer comes from nothing to a mail password by links and forms alone", async () => {
  await using made = await place();
  const browser = await made.dashboard.signedIn(CUSTOMER);
  // The first page says what to do first.
  assert.match(browser.page!.text, /<a class="button" href="\/domains">/);
  await browser.open("/domains");
  await browser.submit({ domain: "Pets.example" }, "/domains");
  const early = await browser.submit({}, "/domains/pets.example/verify");
  assert.equal(early.status, 400);
  assert.match(early.text, /TXT record is not there yet/);
  const [, value] = [...early.text.matchAll(/<code>([^<]+)<\/code>/g)]
    .map(([, text]) => text!);
  made.records.push(value!);
  const domain = await browser.submit({}, "/domains/pets.example/verify");
  assert.match(domain.text, /the domain is hosted/);
  assert.match(domain.text, /<td>MX<\/td>/);
  assert.doesNotMatch(domain.text, />missing</);
  made.records.push("v=spf1 mx -all", "v=DMARC1; p=never");
  const checked = await browser.open("/domains/pets.example?check=now");
  const states = [...checked.text.matchAll(
    /<tr><td><span class="\w+">([^<]+)<\/span>(.*?)<\/td><td><code>([^<]+)/g,
  )].map(([, state, found, name]) => `${name} ${state}${found}`);
  assert.equal(states[0], "pets.example. DNS does not answer");
  assert.equal(states[1], "pets.example. there");
  assert.equal(
    states[2],
    "_dmarc.pets.example. something else:<div><code>v=DMARC1; p=never</code></div>",
  );
  assert.ok(states.includes("_smtp._tls.pets.example. missing"));

  await browser.open("/");
  assert.match(browser.page!.text, /href="\/vaultboxes\/new"/);
  await browser.open("/vaultboxes/new");
  const bad = await browser.submit({ alias: "not a name" }, "/vaultboxes/new");
  assert.equal(bad.status, 400);
  assert.match(bad.text, /role="alert"/);
  assert.match(bad.text, /value="not a name"/);
  const shown = await browser.submit({ alias: "Cat" }, "/vaultboxes/new");
  assert.match(shown.text, /<h1>cat@pets\.example<\/h1>/);
  const id = idOf(browser);

  const path = `/vaultboxes/${id}/credentials`;
  const form = formsOf(shown.text).find(({ action }) => action === path)!;
  const fields = { ...form.values, label: "Ann's <phone>" };
  const first = await browser.post(path, fields);
  const password = /class="secret">([^<]+)</.exec(first.text)![1]!;
  assert.match(first.text, /mail\.example\.test, port 993/);
  // Loaded again: the same password, and no second credential.
  const again = await browser.post(path, fields);
  assert.match(again.text, new RegExp(`class="secret">${password}<`));
  const page = await browser.open(`/vaultboxes/${id}`);
  assert.equal(page.text.match(/Ann&#39;s &lt;phone&gt;<\/td>/g)!.length, 1);
  assert.ok(!page.text.includes(password));
  const revoke = new RegExp(`action="(${path}/${UUID}/revoke)"`);
  await browser.submit({}, revoke.exec(page.text)![1]!);
  assert.match(browser.page!.text, /No device has a password yet/);
});

Deno.test("addresses, suspension and deletion work by forms", async () => {
  await using made = await place();
  const id = await box(made, ALICE, "pets.example");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const path = `/vaultboxes/${id}`;
  await browser.open(path);
  await browser.submit({ address: "Kitty@pets.example" }, `${path}/aliases`);
  assert.match(browser.page!.text, /<li>kitty@pets\.example/);
  const taken = await browser.submit(
    { address: "cat@pets.example" },
    `${path}/aliases`,
  );
  assert.equal(taken.status, 400);
  const foreign = await browser.submit(
    { address: "cat@bob.example" },
    `${path}/aliases`,
  );
  assert.match(foreign.text, /role="alert">Domain is not yours/);
  await browser.submit({}, `${path}/aliases/remove`);
  assert.doesNotMatch(browser.page!.text, /kitty/);
  assert.doesNotMatch(browser.page!.text, /\/status"/);
  const operator = await made.dashboard.signedIn({ role: "operator" });
  await operator.open(path);
  for (const state of ["suspended", "active"]) {
    await operator.submit({}, `${path}/status`);
    assert.match(operator.page!.text, new RegExp(`<dd>${state}</dd>`));
  }
  await browser.open(`${path}/delete`);
  const wrong = await browser.submit(
    { address: "dog@pets.example" },
    `${path}/delete`,
  );
  assert.equal(wrong.status, 400);
  await browser.submit({ address: "CAT@pets.example " }, `${path}/delete`);
  assert.equal(browser.page!.path, "/vaultboxes?done=deleted");
  assert.equal((await browser.open(path)).status, 404);
});

Deno.test("the list finds by address, domain, name and state, page by page", async () => {
  await using made = await place();
  await hostDomain(made.world.app, SERVICE, "b.example", ALICE, "declared");
  for (let i = 0; i < 51; i++) await box(made, ALICE, "pets.example", `n${i}`);
  await box(made, ALICE, "b.example", "john.doe");
  const browser = await made.dashboard.signedIn(CUSTOMER);
  const found = async (path: string): Promise<string[]> => {
    const { text } = await browser.open(path);
    return [...text.matchAll(/<a href="\/vaultboxes\/[0-9a-f-]+">([^<]+)</g)]
      .map(([, address]) => address!);
  };
  const search = (q: string, more = "") =>
    found(`/vaultboxes?q=${encodeURIComponent(q)}${more}`);
  const john = "john.doe@b.example";
  assert.deepEqual(await search(john.toUpperCase()), [john]);
  assert.deepEqual(await search("john.doe@"), [john]);
  assert.deepEqual(await search("@b.example"), [john]);
  assert.deepEqual(await search("b.example"), [john]);
  assert.deepEqual(await search("n7"), ["n7@pets.example"]);
  assert.deepEqual(await search("n7", "&status=suspended"), []);
  assert.match(browser.page!.text, /No vaultbox is like that/);
  const first = await found("/vaultboxes?sort=address");
  assert.equal(first.length, 50);
  assert.equal(first[0], john);
  const next = /href="([^"]+)" rel="next"/.exec(browser.page!.text)![1]!;
  const second = await found(next.replaceAll("&amp;", "&"));
  assert.equal(second.length, 2);
  assert.match(
    browser.page!.text,
    /<a href="\/vaultboxes\?sort=address">First page</,
  );
  assert.equal(new Set([...first, ...second]).size, 52);
  for (const bad of ["sort=x", "status=x", "cursor=x", "q=%20a%20b%40"]) {
    assert.equal((await browser.open(`/vaultboxes?${bad}`)).status, 400, bad);
  }
});

Deno.test("two customers see and change nothing of each other's", async () => {
  await using made = await place();
  const { dashboard, world: { app } } = made;
  const own = await box(made, ALICE, "pets.example");
  const other = await box(made, BOB, "bob.example", "secret");
  const { id: credential } = await createAppCredential(app, user(BOB), other, {
    label: "Bob's",
    scope: "both",
    expiresAt: null,
    allowedNetworks: null,
  });
  const browser = await dashboard.signedIn(CUSTOMER);
  for (const path of ["/", "/vaultboxes", "/domains", `/vaultboxes/${own}`]) {
    const { text, status } = await browser.open(path);
    assert.equal(status, 200);
    assert.doesNotMatch(text, /bob|secret@/i, path);
  }
  const formToken = formsOf(browser.page!.text)[0]!.values["formToken"]!;
  const nobody = crypto.randomUUID();
  const answers = async (id: string, domain: string): Promise<unknown[]> => {
    const statuses: unknown[] = [];
    for (
      const path of [
        `/vaultboxes/${id}`,
        `/vaultboxes/${id}/delete`,
        `/domains/${domain}`,
        `/vaultboxes?q=%40${domain}`,
      ]
    ) {
      const { status, text } = await browser.open(path);
      statuses.push([status, text.replace(/[0-9a-f-]{36}/g, "").length]);
    }
    for (
      const [path, fields] of [
        [`/vaultboxes/${id}/status`, { status: "suspended" }],
        [`/vaultboxes/${id}/aliases`, { address: `x@${domain}` }],
        [`/vaultboxes/${id}/aliases/remove`, { address: `secret@${domain}` }],
        [`/vaultboxes/${id}/delete`, { address: `secret@${domain}` }],
        [`/vaultboxes/${id}/credentials`, { label: "x" }],
        [`/vaultboxes/${id}/credentials/${credential}/revoke`, {}],
        [`/domains/${domain}/verify`, {}],
        [`/domains/${domain}/delete`, {}],
      ] as const
    ) {
      const once = crypto.randomUUID();
      const form = { formToken, once, ...fields };
      const { status } = await browser.post(path, form);
      assert.equal(status, 404, path);
      statuses.push(status);
    }
    return statuses;
  };
  // Not yours and not there are the same.
  assert.deepEqual(
    await answers(other, "bob.example"),
    await answers(nobody, "not.example"),
  );
  const form = { formToken, once: crypto.randomUUID() };
  const into = { ...form, alias: "new", domain: "bob.example" };
  assert.ok((await browser.post("/vaultboxes/new", into)).status >= 400);
  const bob = await dashboard.signedIn({ role: "customer", userId: BOB });
  const { text } = await bob.open(`/vaultboxes/${other}`);
  assert.match(text, /<dd>active<\/dd>/);
  assert.match(text, /Bob&#39;s<\/td>/);
});

Deno.test("an owner has one vaultbox, and not its customer's others", async () => {
  await using made = await place();
  const own = await box(made, ALICE, "pets.example");
  const sibling = await box(made, ALICE, "pets.example", "dog");
  const browser = await made.dashboard.signedIn({
    role: "owner",
    userId: ALICE,
    vaultboxId: own,
  });
  assert.match(browser.page!.text, /<h1>cat@pets\.example<\/h1>/);
  const shown = await browser.submit(
    { label: "phone" },
    `/vaultboxes/${own}/credentials`,
  );
  assert.match(shown.text, /class="secret"/);
  const { text } = await browser.open("/");
  assert.doesNotMatch(text, /delete|suspend|aliases"/i);
  const formToken = formsOf(text)[0]!.values["formToken"]!;
  for (
    const path of [
      `/vaultboxes/${sibling}`,
      `/vaultboxes/${own}/delete`,
      "/vaultboxes",
      "/domains",
    ]
  ) assert.equal((await browser.open(path)).status, 404, path);
  const form = { formToken, once: crypto.randomUUID(), label: "x" };
  for (
    const path of [
      `/vaultboxes/${sibling}/credentials`,
      `/vaultboxes/${sibling}/credentials/${crypto.randomUUID()}/revoke`,
      `/vaultboxes/${own}%2f..%2f${sibling}/credentials`,
    ]
  ) assert.equal((await browser.post(path, form)).status, 404, path);
});

Deno.test("an operator sees services, and makes vaultboxes for the domain's customer", async () => {
  await using made = await place();
  const { app } = made.world;
  await hostDomain(app, SERVICE, "pets.example", ALICE, "declared");
  const browser = await made.dashboard.signedIn({ role: "operator" }, "ann");
  assert.match(browser.page!.text, /<td>Database<\/td>/);
  await browser.open("/vaultboxes/new");
  await browser.submit({ alias: "cat" }, "/vaultboxes/new");
  const id = idOf(browser);
  const alice = await made.dashboard.signedIn(CUSTOMER);
  assert.equal((await alice.open(`/vaultboxes/${id}`)).status, 200);
  const [entry] = await app.sql`
    select actor from audit_log where vaultbox_id = ${id} limit 1`;
  assert.equal(entry!["actor"], "service:dashboard:ann");
});

Deno.test("an operator sees queue, disk, backups and checks, and nobody else does", async () => {
  await using peers = await machinePeers();
  await using made = await place({ ...EVERYTHING_ON, ...peers.env });
  const { dashboard, world: { app } } = made;
  const operator = await dashboard.signedIn({ role: "operator" });
  assert.doesNotMatch(operator.page!.text, /class="problem"/);
  await operator.open("/machine");
  assert.match(operator.page!.text, /<code>encimap doctor<\/code>/);
  assert.match(operator.page!.text, /3\.0 GB of 40 GB/);
  assert.match(operator.page!.text, /less than<\/dt><dd>1\.0 GB</);
  assert.match(
    operator.page!.text,
    /\(deferred\)<\/td><td>2<\/td><td>1\.2 kB<\/td><td>2 h<\/td>/,
  );
  assert.match(
    operator.page!.text,
    /\(active\)<\/td><td>0<\/td><td>0 B<\/td><td>–/,
  );

  await keepReport(app.sql, OUTCOMES, { at: app.now(), warn: assert.fail });
  const overview = await operator.open("/");
  assert.match(
    overview.text,
    /class="problem">The last check[^<]+<a href="\/machine">/,
  );
  assert.match(overview.text, /<b>\d+<\/b>vaultboxes<\/li>/);
  const { text } = await operator.open("/machine");
  assert.doesNotMatch(text, /<code>encimap doctor|should run each day/);
  // What has to be looked at comes first, each with its state in words.
  const states = [
    ...text.matchAll(/<tr><td><span class="\w+">([^<]+)<\/span>/g),
  ];
  assert.deepEqual(
    states.map(([, state]) => state),
    ["failed", "to be looked at", "not looked at", "fine", "fine"],
  );
  assert.match(text, /is failed<\/div><p class="help">See &quot;systemctl/);
  assert.match(text, /as of &lt;mail\.example\.test&gt;/);
  assert.match(
    text,
    /<h2>Backups<\/h2><span class="good">fine<\/span><div>the last one is 7 hours old<\/div>/,
  );

  const old = new Date(Date.now() - 51 * 3_600_000);
  await keepReport(app.sql, OUTCOMES, { at: old, warn: assert.fail });
  assert.match((await operator.open("/machine")).text, /should run each day/);
  const well = OUTCOMES.filter(({ status }) => status === "ok");
  await keepReport(app.sql, well, { at: app.now(), warn: assert.fail });
  assert.doesNotMatch((await operator.open("/")).text, /class="problem"/);
  assert.match((await operator.open("/machine")).text, /All is well\./);

  const customer = await dashboard.signedIn(CUSTOMER);
  assert.doesNotMatch(customer.page!.text, /machine|doctor/i);
  assert.equal((await customer.open("/machine")).status, 404);
  // The API would refuse, too; it is not even asked.
  const route = dashboardRoutes(dashboard.world)
    .find(({ path }) => path === "/machine");
  assert.deepEqual(route!.roles, ["operator"]);
});

Deno.test("a full disk, a silent intake and a queue that is not read are told", async () => {
  await using peers = await machinePeers({ total: 40e9, free: 1, min: 1e9 });
  await using made = await place({ ...EVERYTHING_ON, ...peers.env });
  const browser = await made.dashboard.signedIn({ role: "operator" });
  const full = await browser.open("/machine");
  assert.match(full.text, /role="alert">The disk is full/);
  await using bare = await place();
  const other = await bare.dashboard.signedIn({ role: "operator" });
  const { text, status } = await other.open("/machine");
  assert.equal(status, 200);
  assert.match(text, /queue cannot be read now/);
  assert.match(text, /intake does not answer/);
  await bare.world.database.allowConnections(false);
  // Its answers are kept for two seconds.
  await until("it is seen", async () => {
    const { text } = await other.open("/machine");
    return /The database does not answer/.test(text);
  });
  assert.doesNotMatch(other.page!.text, /no report yet/);
  await bare.world.database.allowConnections(true);
});

Deno.test("without the API pages say what to do", async () => {
  await using dashboard = testDashboard();
  const browser = await dashboard.signedIn(CUSTOMER);
  const page = await browser.open("/vaultboxes");
  assert.equal(page.status, 503);
  assert.match(page.text, /Try again in a minute/);
});
