import assert from "node:assert/strict";
import { ASSETS } from "../../../src/dashboard/assets.ts";
import type { Grant } from "../../../src/dashboard/roles.ts";
import { EVERY_ROLE } from "../../../src/dashboard/route.ts";
import { dashboardRoutes } from "../../../src/dashboard/server.ts";
import { ALICE } from "../../helpers/app.ts";
import {
  type Browser,
  formsOf,
  type TestDashboard,
  testDashboard,
} from "../../helpers/dashboard.ts";

const ID = "33333333-3333-4333-8333-333333333333";

const GRANTS: readonly Grant[] = [
  { role: "operator" },
  { role: "customer", userId: ALICE },
  { role: "owner", userId: ALICE, vaultboxId: ID },
];

/** Every page with a path that could be asked. */
function pagesOf({ world }: TestDashboard) {
  return dashboardRoutes(world).map((route) => ({
    ...route,
    asked: route.path.replace(/:domain/, "pets.example")
      .replace(/:secret/, "A".repeat(43)).replace(/:\w+/g, ID),
  }));
}

function isSignedIn(browser: Browser): Promise<boolean> {
  return browser.open("/account").then(({ path }) => path === "/account");
}

Deno.test("every answer forbids frames, foreign scripts and caches", async () => {
  await using dashboard = testDashboard();
  const browser = await dashboard.signedIn({ role: "operator" });
  const visitor = dashboard.browser();
  const answers = [];
  for (const { method, asked } of pagesOf(dashboard)) {
    if (asked === "/sign-out" || asked.endsWith("everywhere")) continue;
    for (const who of [browser, visitor]) {
      answers.push(
        method === "GET" ? await who.open(asked) : await who.post(asked, {}),
      );
    }
  }
  answers.push(await visitor.open("/nothing"));
  answers.push(await visitor.send("/sign-in", { method: "PUT" }));
  answers.push(await visitor.open("/%ff"));
  for (const { path, headers, text } of answers) {
    const csp = headers.get("content-security-policy") ?? "";
    assert.match(csp, /^default-src 'none';/, path);
    assert.match(csp, /; frame-ancestors 'none'; base-uri 'none'$/, path);
    // There is no script: none runs, whatever gets into a page.
    assert.doesNotMatch(csp, /script|unsafe|https?:|\*/, path);
    assert.match(headers.get("strict-transport-security")!, /^max-age=\d+$/);
    assert.equal(headers.get("cache-control"), "no-store", path);
    assert.equal(headers.get("referrer-policy"), "strict-origin", path);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    // What the policy would block, and what another host would learn.
    assert.doesNotMatch(text, /<script>|<style|\son\w+=|\sstyle=/, path);
    assert.doesNotMatch(text, /(?:src|href|action)="(?:https?:)?\/\//, path);
  }
});

Deno.test("every page has what screen readers and keyboards need", async () => {
  await using dashboard = testDashboard();
  const operator = await dashboard.signedIn({ role: "operator" });
  for (const { method, asked } of pagesOf(dashboard)) {
    if (method === "POST") continue;
    for (const who of [operator, dashboard.browser()]) {
      const { text, path } = await who.open(asked);
      assert.match(text, /^<!DOCTYPE html><html lang="en">/, path);
      assert.match(text, /<title>[^<]+ – Encimap<\/title>/, path);
      assert.equal(text.match(/<h1>[^<]+<\/h1>/g)?.length, 1, path);
      assert.match(text, /<a class="skip" href="#content">/, path);
      assert.match(text, /<main id="content"/, path);
      const ids = [...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length, `${path}: ${ids}`);
      for (
        const [tag] of text.matchAll(/<(?:input|select|textarea)\b[^>]*>/g)
      ) {
        if (/type="(hidden|submit)"/.test(tag)) continue;
        const id = / id="([^"]+)"/.exec(tag)?.[1];
        assert.ok(text.includes(`<label for="${id}">`), `${path}: ${tag}`);
      }
    }
  }
});

Deno.test("a form without its session's token, or from another site, changes nothing", async () => {
  await using dashboard = testDashboard();
  const browser = await dashboard.signedIn({ role: "operator" }, "ann");
  const other = await dashboard.signedIn({ role: "operator" }, "bob");
  const tokenOf = async (who: Browser): Promise<string> =>
    formsOf((await who.open("/account")).text)[0]!.values["formToken"]!;
  const own = await tokenOf(browser);
  const others = await tokenOf(other);
  assert.notEqual(own, others);
  for (const { method, roles, asked } of pagesOf(dashboard)) {
    if (method === "GET" || roles === "anybody") continue;
    for (const form of [{}, { formToken: "" }, { formToken: others }]) {
      assert.equal((await browser.post(asked, form)).status, 403, asked);
    }
    for (const origin of ["https://evil.example", "null", ""]) {
      const form = { formToken: own };
      const page = await browser.post(asked, form, { origin });
      assert.equal(page.status, 403, `${asked} ${origin}`);
    }
    // A form that scripts of other sites may send without asking.
    const page = await browser.post(asked, { formToken: own }, {
      "content-type": "text/plain",
    });
    assert.ok(page.status >= 400, asked);
  }
  assert.ok(await isSignedIn(browser));
});

Deno.test("signing in from another site's form is refused", async () => {
  await using dashboard = testDashboard();
  for (const { method, roles, asked } of pagesOf(dashboard)) {
    if (method === "GET" || roles !== "anybody") continue;
    for (const origin of ["https://evil.example", "null", ""]) {
      const page = await dashboard.browser().post(asked, {}, { origin });
      assert.equal(page.status, 403, asked);
    }
  }
});

Deno.test("a page that is not for a role is not there, and without a session none is", async () => {
  await using dashboard = testDashboard();
  for (const grant of GRANTS) {
    const browser = await dashboard.signedIn(grant);
    const { text } = await browser.open("/account");
    const token = formsOf(text)[0]!.values["formToken"]!;
    for (const { method, roles, asked } of pagesOf(dashboard)) {
      if (roles === "anybody") continue;
      const visitor = dashboard.browser();
      const refused = method === "GET"
        ? await visitor.open(asked)
        : await visitor.post(asked, { formToken: token });
      assert.equal(refused.path, "/sign-in", asked);
      if (roles.includes(grant.role)) continue;
      const page = method === "GET"
        ? await browser.open(asked)
        : await browser.post(asked, { formToken: token });
      assert.equal(page.status, 404, `${grant.role} ${asked}`);
    }
  }
  assert.equal(EVERY_ROLE.length, GRANTS.length);
});

Deno.test("the files of a page fit into 60 KB and may be kept", async () => {
  await using dashboard = testDashboard();
  const browser = dashboard.browser();
  let octets = (await browser.open("/sign-in")).text.length;
  for (const { path, text } of ASSETS) {
    const answer = await browser.open(path);
    assert.equal(answer.text, text);
    assert.match(answer.headers.get("cache-control")!, /immutable/);
    octets += text.length;
  }
  assert.ok(octets < 60_000, String(octets));
});
