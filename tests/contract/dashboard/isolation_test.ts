import assert from "node:assert/strict";
import type { Grant } from "../../../src/dashboard/roles.ts";
import { dashboardRoutes } from "../../../src/dashboard/server.ts";
import { createAppCredential } from "../../../src/vaultbox/app_credentials.ts";
import { ALICE, BOB, user } from "../../helpers/app.ts";
import { formsOf } from "../../helpers/dashboard.ts";
import { box, place } from "../../helpers/dashboard_place.ts";

/** What the forms of all pages want, each in a form that is valid. */
const FIELDS: Readonly<Record<string, string>> = {
  address: "secret@bob.example",
  again: "violet-otter-bench",
  certificate: "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
  code: "aaaaa-aaaaa",
  confirmed: "yes",
  "content_cipher": "aes-256-cbc",
  custody: "client",
  file: "bundle",
  fingerprint: "0".repeat(64),
  label: "x",
  name: "x",
  password: "violet-otter-bench",
  sha256: "0".repeat(64),
  status: "suspended",
};

Deno.test("no page shows or changes what is another customer's, or another owner's", async () => {
  await using made = await place();
  const { dashboard, world: { app } } = made;
  const own = await box(made, ALICE, "pets.example");
  const others = [
    [await box(made, BOB, "bob.example", "secret"), BOB, "bob.example"],
    // Of the same customer, for who owns one vaultbox.
    [await box(made, ALICE, "pets.example", "dog"), ALICE, "pets.example"],
  ] as const;
  const owner: Grant = { role: "owner", userId: ALICE, vaultboxId: own };
  for (
    const [grant, [id, userId, domain]] of [
      [{ role: "customer", userId: ALICE }, others[0]],
      [owner, others[0]],
      [owner, others[1]],
    ] as const
  ) {
    const { id: credential } = await createAppCredential(
      app,
      user(userId),
      id,
      { label: "x", scope: "both", expiresAt: null, allowedNetworks: null },
    );
    const [certificate] = await app.sql`
      select id from vaultbox_certs where vaultbox_id = ${id}`;
    const before = await app.sql`
      select count(*) from audit_log where vaultbox_id = ${id}`;
    const browser = await dashboard.signedIn(grant);
    const { text } = await browser.open("/account");
    const { formToken } = formsOf(text)[0]!.values;
    let asked = 0;
    for (const { method, path: pattern } of dashboardRoutes(dashboard.world)) {
      if (!/:(id|domain)\b/.test(pattern)) continue;
      const path = pattern.replace(":id", id).replace(":domain", domain)
        .replace(":credential", credential)
        .replace(":certificate", certificate!["id"])
        .replace(":link", crypto.randomUUID());
      const once = crypto.randomUUID();
      const form = { ...FIELDS, formToken: formToken!, once };
      const page = method === "GET"
        ? await browser.open(path)
        : await browser.post(path, form);
      assert.equal(page.status, 404, `${grant.role} ${method} ${path}`);
      assert.doesNotMatch(page.text, /secret@|dog@/, path);
      asked++;
    }
    assert.ok(asked > 30, String(asked));
    assert.deepEqual(
      await app.sql`select count(*) from audit_log where vaultbox_id = ${id}`,
      before,
    );
  }
});
