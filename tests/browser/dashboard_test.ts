import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import type { Grant } from "../../src/dashboard/roles.ts";
import { keepReport } from "../../src/cli/doctor/report.ts";
import { createAppCredential } from "../../src/vaultbox/app_credentials.ts";
import { createAlias } from "../../src/vaultbox/addresses.ts";
import { EVERYTHING_ON } from "../helpers/api.ts";
import { ALICE, BOB, SERVICE, user } from "../helpers/app.ts";
import { PASSWORD } from "../helpers/dashboard.ts";
import { box, type Place, place } from "../helpers/dashboard_place.ts";
import { machinePeers, OUTCOMES } from "../helpers/machine_peers.ts";
import { isMissing } from "../helpers/openssl.ts";
import {
  assertQuiet,
  judge,
  type Look,
  openWindow,
  signIn,
  startChromium,
} from "./chromium.ts";

const OPERATOR: Grant = { role: "operator" };

const CUSTOMER: Grant = { role: "customer", userId: ALICE };

/** A telephone by night. */
const PHONE: Look = { width: 360, colours: "dark" };

/** A desk by day. */
const DESK: Look = { width: 1280, colours: "light" };

/** A vaultbox in which something is. */
async function filled(made: Place): Promise<string> {
  const { app } = made.world;
  await keepReport(app.sql, OUTCOMES, { at: app.now(), warn: assert.fail });
  const id = await box(made, ALICE, "pets.example");
  await createAlias(app, SERVICE, id, {
    alias: "kitty",
    domain: "pets.example",
  });
  await createAppCredential(app, user(ALICE), id, {
    label: "Ann's <telephone>",
    scope: "both",
    expiresAt: null,
    allowedNetworks: null,
  });
  const octets = new TextEncoder().encode(
    "From: a@mouse.example\r\nSubject: x\r\n\r\nHi\r\n",
  );
  for (let i = 0; i < 3; i++) {
    const recipient = "cat@pets.example";
    await app.intake.store({ vaultboxId: id, recipient, octets });
  }
  return id;
}

/** All pages that links lead to from a page, each once. */
async function crawl(
  browser: Browser,
  made: Place,
  { grant, look, from }: { grant: Grant; look: Look; from: string[] },
): Promise<string[]> {
  const { dashboard } = made;
  const window = await openWindow(browser, dashboard, look);
  const { page } = window;
  await signIn(window, dashboard, grant);
  const seen = new Map<string, string>();
  const left = [...from];
  for (let path = left.shift(); path !== undefined; path = left.shift()) {
    const kind = path.replace(/[0-9a-f-]{36}/g, "ID");
    if (seen.has(kind)) continue;
    seen.set(kind, path);
    const answer = await page.goto(path);
    assert.equal(answer!.status(), 200, path);
    await judge(window, `${grant.role} ${look.width} ${kind}`);
    const links = await page.evaluate(
      "[...document.querySelectorAll('a[href^=\"/\"]')].map((a) => a.getAttribute('href'))",
    ) as string[];
    // A download is no page, and further pages of a list are like the first.
    left.push(
      ...links.filter((each) => !/download|cursor=|#/.test(each)),
    );
  }
  assertQuiet(window, dashboard);
  await window.context.close();
  return [...seen.keys()].sort();
}

Deno.test({
  name: "the dashboard in Chromium",
  ignore: isMissing("chromium", "zbarimg"),
}, async (t) => {
  await using peers = await machinePeers();
  await using made = await place({ ...EVERYTHING_ON, ...peers.env });
  const { dashboard } = made;
  const id = await filled(made);
  await using browser = await startChromium();

  await t.step("the first page has 60 KB at most, in all", async () => {
    const window = await openWindow(browser, dashboard);
    await window.page.goto("/sign-in", { waitUntil: "networkidle" });
    const octets = window.asked.reduce((sum, each) => sum + each.octets, 0);
    assert.ok(octets > 2000 && octets < 60_000, String(octets));
    assertQuiet(window, dashboard);
    await window.context.close();
  });

  for (const look of [PHONE, DESK]) {
    const parts = ["", "/device", "/messages", "/certificates", "/custody"];
    const kinds = ["apple", "thunderbird", "outlook", "android", "other"];
    const own = [
      "/account",
      "/account/codes",
      ...parts.map((part) => `/vaultboxes/ID${part}`),
      "/vaultboxes/ID/certificates/ID",
      ...kinds.map((kind) => `/vaultboxes/ID/device?for=${kind}`),
    ];
    const customers = [
      ...["/", "/audit", "/domains", "/domains/pets.example", "/vaultboxes"],
      ...["/vaultboxes/many", "/vaultboxes/new", "/vaultboxes/ID/delete"],
      ...["/vaultboxes/ID/people", "/vaultboxes/ID/settings"],
    ];
    const operators = [
      ...["/customers", "/customers/ID", "/machine", "/people", "/tokens"],
    ];
    for (
      const [grant, pages] of [
        [{ role: "owner", userId: ALICE, vaultboxId: id }, own],
        [CUSTOMER, [...own, ...customers]],
        [OPERATOR, [...own, ...customers, ...operators]],
      ] as const
    ) {
      // The operator has all pages; the others' are looked at in one way each.
      if (grant.role === "owner" && look !== PHONE) continue;
      if (grant.role === "customer" && look !== DESK) continue;
      await t.step(
        `pages of the ${grant.role}, ${look.width} pixels, ${look.colours}: no serious finding of axe-core, no other host, no violation of the policy`,
        async () => {
          const from = [
            grant.role === "owner" ? `/vaultboxes/${id}` : "/",
            "/account",
          ];
          const seen = await crawl(browser, made, { grant, look, from });
          const missing = pages.filter((page) => !seen.includes(page));
          assert.deepEqual(missing, [], `seen: ${seen}`);
        },
      );
    }
  }

  await t.step("nobody needs a mouse", async () => {
    const window = await openWindow(browser, dashboard);
    const { page } = window;
    await signIn(window, dashboard, CUSTOMER);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto("/sign-in");
    await page.keyboard.press("Tab");
    const first = page.getByRole("link", { name: "Skip to the content" });
    assert.ok(await first.evaluate((link) => link.matches(":focus")));
    const box = await first.boundingBox();
    assert.ok(box!.x >= 0, "it is seen when it has the focus");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.type("nobody");
    await page.keyboard.press("Tab");
    await page.keyboard.type("wrong password!");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    assert.match(await page.getByRole("alert").innerText(), /wrong/);
    assertQuiet(window, dashboard);
    await window.context.close();
  });

  await t.step("QR codes are read by another program", async () => {
    const window = await openWindow(browser, dashboard, { colours: "dark" });
    const { page } = window;
    await signIn(window, dashboard, CUSTOMER);
    await page.goto(`/vaultboxes/${id}/device`);
    await page.getByRole("button", { name: "Make a link" }).click();
    const url = await page.locator("a.secret").innerText();
    assert.equal(await scanned(page), url);
    await page.goto("/account/codes");
    const link = page.getByRole("link", { name: /authenticator app/ });
    assert.equal(await scanned(page), await link.getAttribute("href"));
    await window.context.close();
  });

  await t.step("two customers see nothing of each other's", async () => {
    const window = await openWindow(browser, dashboard);
    const { page } = window;
    await signIn(window, dashboard, { role: "customer", userId: BOB });
    for (const path of ["", "/device", "/certificates", "/people"]) {
      const answer = await page.goto(`/vaultboxes/${id}${path}`);
      assert.equal(answer!.status(), 404, path);
      await page.getByRole("heading", { name: "There is nothing here" })
        .waitFor();
    }
    await page.goto("/vaultboxes");
    assert.doesNotMatch(await page.content(), /cat@pets\.example<\/a>/);
    await window.context.close();
  });

  await t.step(
    "without scripts a new customer comes from a link to a key on the device",
    async () => {
      const look = { scripts: false, width: 360 };
      const window = await openWindow(browser, dashboard, look);
      const { page } = window;
      let clicks = 0;
      const press = async (
        role: "button" | "link",
        name: string | RegExp,
      ): Promise<void> => {
        clicks++;
        await page.getByRole(role, { name, exact: true }).first().click();
      };
      await signIn(window, dashboard, { role: "customer", userId: BOB });
      await press("link", "Add a domain");
      await page.getByLabel("Domain", { exact: true }).fill("bob.example");
      await press("button", "Add");
      const record = await page.locator("td code").nth(1).innerText();
      made.records.push(record);
      await press("button", "Look for the record");
      await page.goto("/");
      await press("link", "New vaultbox");
      await page.getByLabel("Name before the @").fill("bob");
      await press("button", "Create");
      await press("link", "Set up a device");
      await press("link", "iPhone, iPad or Mac");
      const name = await page.getByLabel("Password of the file").inputValue();
      assert.match(name, /^[a-z0-9-]{29}$/);
      const download = page.waitForEvent("download");
      await press("button", "Download setup.mobileconfig");
      const path = await (await download).path();
      const text = new TextDecoder().decode(await Deno.readFile(path));
      // The account, the key, and the mail password: nothing is left to type.
      assert.match(text, /com\.apple\.mail\.managed/);
      assert.match(text, /com\.apple\.security\.pkcs12/);
      assert.match(text, /IncomingPassword/);
      assert.equal(clicks, 8);
      assertQuiet(window, dashboard);
      await window.context.close();
    },
  );

  await t.step("many new vaultboxes of a list", async () => {
    const window = await openWindow(browser, dashboard, PHONE);
    const { page } = window;
    await signIn(window, dashboard, CUSTOMER);
    await page.goto("/vaultboxes/many");
    const names = Array.from({ length: 12 }, (_, i) => `n${i}@pets.example`);
    await page.getByLabel("Addresses").fill(names.join("\n"));
    await page.getByRole("button", { name: "Create them" }).click();
    await page.getByText("Vaultboxes created: 12 of 12").waitFor();
    assert.equal(await page.getByRole("link", { name: "created" }).count(), 12);
    await judge(window, "customer 360 made of a list");
    assertQuiet(window, dashboard);
    await window.context.close();
  });

  await t.step("signing in again takes one form", async () => {
    const window = await openWindow(browser, dashboard);
    const { page } = window;
    await page.goto(dashboard.invite(CUSTOMER));
    await page.getByLabel("Name or mail address").fill("again");
    await page.getByLabel("New password").fill(PASSWORD);
    await page.getByLabel("The same password again").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Name or mail address").fill("again");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    const [session] = await window.context.cookies();
    assert.ok(session!.httpOnly && session!.secure);
    await window.context.close();
  });
});

/** What zbarimg reads of the picture on a page. */
async function scanned(
  page: Awaited<ReturnType<typeof openWindow>>["page"],
): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".png" });
  try {
    await page.locator("svg.qr").screenshot({ path });
    const { stdout } = await new Deno.Command("zbarimg", {
      args: ["-q", "--raw", path],
    }).output();
    return new TextDecoder().decode(stdout).trim();
  } finally {
    await Deno.remove(path);
  }
}
