import assert from "node:assert/strict";
import { Encimap, EncimapError } from "../../clients/typescript/encimap.ts";
import { servedApi } from "../helpers/api.ts";
import { bearer } from "../helpers/http.ts";
import { ALICE, BOB, testWorld } from "../helpers/app.ts";

Deno.test("the typed client goes the main way through the API", async (t) => {
  await using world = await testWorld();
  await using api = servedApi(world);
  const encimap = new Encimap({ baseUrl: api.url, token: () => bearer() });
  const ids: string[] = [];

  await t.step("creates vaultboxes", async () => {
    for (const alias of ["cat", "dog", "owl"]) {
      const made = await encimap.createVaultbox({
        "user_id": ALICE,
        domain: "pets.example",
        alias,
      }, { idempotencyKey: crypto.randomUUID() });
      assert.equal(made.alias, alias);
      ids.push(made["vaultbox_id"]);
    }
  });
  await t.step("makes credentials", async () => {
    const imap = await encimap.createImapCredential(ids[0]!);
    const smtp = await encimap.createSmtpCredential(ids[0]!);
    assert.equal(imap.username, smtp.username);
    assert.equal(smtp["security_type"], "STARTTLS");
    const next = await encimap.regenerateImapPassword(ids[0]!);
    assert.notEqual(next.password, imap.password);
  });
  await t.step("lists by page and by row", async () => {
    const page = await encimap.listVaultboxes({ limit: 2, sort: "-address" });
    assert.deepEqual(page.data.map(({ alias }) => alias), ["owl", "dog"]);
    const found: string[] = [];
    for await (
      const box of encimap.listAllVaultboxes({ limit: 2, sort: "-address" })
    ) found.push(box.alias);
    assert.deepEqual(found, ["owl", "dog", "cat"]);
  });
  await t.step("acts for one user", async () => {
    const options = { userId: BOB };
    assert.deepEqual((await encimap.listUsage({}, options)).data, []);
    await assert.rejects(encimap.getVaultbox(ids[0]!, options), {
      code: "not_found",
    });
  });
  await t.step("downloads octets", async () => {
    const bundle = await encimap.downloadBundle({
      "vaultbox_id": ids[0]!,
      password: "bundle-password",
    });
    assert(bundle instanceof Uint8Array);
    assert.deepEqual([...bundle.slice(0, 2)], [0x50, 0x4b]);
  });
  await t.step("deletes", async () => {
    await encimap.deleteVaultbox(ids[0]!);
    await assert.rejects(encimap.getVaultbox(ids[0]!), { status: 404 });
  });
  await t.step("throws what was wrong", async () => {
    await assert.rejects(
      encimap.createVaultbox({ domain: "pets", alias: "cat" }),
      (error) => {
        assert(error instanceof EncimapError);
        assert.equal(error.status, 400);
        assert.equal(error.code, "invalid_request");
        assert.deepEqual(error.details, { field: "domain" });
        assert.match(error.requestId!, /^[0-9a-f-]{36}$/);
        return true;
      },
    );
    const stranger = new Encimap({ baseUrl: api.url, token: "nonsense" });
    await assert.rejects(stranger.listUsage(), { code: "unauthorized" });
  });
  await t.step("gives health also when it is bad", async () => {
    const { services } = await encimap.health();
    assert.equal(services.database, "connected");
  });
});
