import assert from "node:assert/strict";
import { type Api, apiFor } from "../../../src/dashboard/api_access.ts";
import { AppError } from "../../../src/errors.ts";
import { ALICE } from "../../helpers/app.ts";

const OWN = "33333333-3333-4333-8333-333333333333";

const OTHER = "44444444-4444-4444-8444-444444444444";

const WORLD = {
  apiUrl: "http://127.0.0.1:4301/s2s/v1",
  tokens: { secret: "0".repeat(32), audience: "encimap.svc" },
  now: () => new Date(),
};

/** Whether a request would be sent; these tests may not send any. */
async function isSent(ask: (api: Api) => Promise<unknown>): Promise<boolean> {
  const grant = { role: "owner", userId: ALICE, vaultboxId: OWN } as const;
  try {
    await ask(apiFor(WORLD, { grant, name: "kid" }));
  } catch (error) {
    if (error instanceof AppError) return false;
    assert.ok(error instanceof Deno.errors.NotCapable, String(error));
  }
  return true;
}

const password = "violet-otter-bench";

Deno.test("an owner's client sends what is about that vaultbox", async () => {
  const asks: ((api: Api) => Promise<unknown>)[] = [
    (api) => api.getVaultbox(OWN),
    (api) => api.listAliases(OWN),
    (api) => api.listCertificates(OWN),
    (api) => api.getCustody(OWN),
    (api) => api.listMessages({ "vaultbox_id": OWN }),
    (api) => api.generatePassword(),
    (api) => api.createAppCredential(OWN, { label: "x" }),
    (api) => api.deleteAppCredential(OWN, OTHER),
    (api) => api.downloadProfile(OWN, { password }),
    (api) => api.downloadBundle({ "vaultbox_id": OWN, password }),
    (api) => api.downloadPkcs12({ "vaultbox_id": OWN, password }),
    (api) => api.createSetupLink(OWN),
    (api) => api.confirmHandOut(OWN, { sha256: "0".repeat(64) }),
  ];
  for (const ask of asks) assert.equal(await isSent(ask), true, String(ask));
});

Deno.test("an owner's client sends nothing else, not even its customer's", async () => {
  const asks: ((api: Api) => Promise<unknown>)[] = [
    (api) => api.getVaultbox(OTHER),
    (api) => api.listVaultboxes(),
    (api) => api.listDomains(),
    (api) => api.listAudit({ "vaultbox_id": OWN }),
    (api) => api.getCustomer(ALICE),
    (api) => api.listMessages({ "vaultbox_id": OTHER }),
    (api) => api.downloadBundle({ "vaultbox_id": OTHER, password }),
    (api) => api.downloadPkcs12({ "vaultbox_id": OTHER, password }),
    (api) => api.generateCertificate({ email: "cat@pets.example" }),
    (api) => api.updateVaultbox(OWN, { name: "x" }),
    (api) => api.deleteVaultbox(OWN),
    (api) => api.createAlias(OWN, { address: "x@pets.example" }),
    (api) => api.setCustody(OWN, { custody: "external" }),
    (api) => api.takeHandOutBack(OWN),
    (api) => api.uploadCertificate(OWN, { certificate: "x" }),
    (api) => api.retireCertificate(OWN, OTHER),
    (api) => api.destroyKey(OWN, OTHER, { "fingerprint_sha256": "x" }),
    (api) => api.beginEncryptionTrial(OWN),
    (api) => api.bulkDeleteVaultboxes({ items: [{ "vaultbox_id": OWN }] }),
  ];
  for (const ask of asks) assert.equal(await isSent(ask), false, String(ask));
});
