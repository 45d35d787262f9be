/**
 * How to make a good request for each operation of docs/openapi.yaml.
 *
 * @module
 */

import assert from "node:assert/strict";
import "reflect-metadata";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { keepReport } from "../../src/cli/doctor/report.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../src/x509/self_signed.ts";
import type { Schema } from "../../src/http/fields.ts";
import type { Input, Operation, Reply, ServedApi } from "./api.ts";
import { bearer } from "./http.ts";
import { outcome, OUTCOMES } from "./machine_peers.ts";
import type { TestWorld } from "./app.ts";
import { readTrialMail } from "./trial.ts";
import { lastingIssuer } from "../../src/vaultbox/issuer.ts";

/** A user with a domain, and vaultboxes in it. */
export interface Tenant {
  /** The user. */
  readonly userId: string;
  /** The user's token. */
  readonly token: string;
  /** The user's domain. */
  readonly domain: string;
  /** A vaultbox with both credentials and a message. */
  readonly vaultboxId: string;
  /** Its address. */
  readonly address: string;
  /** A vaultbox without credentials, for what would change the other one. */
  readonly bareId: string;
  /** The API. */
  readonly api: ServedApi;
  /** The world. */
  readonly world: TestWorld;
  /** Sends a request of the user and wants success. */
  post(path: string, body?: unknown): Promise<Reply>;
}

/**
 * Good requests by `operationId`. An operation that is not here gets what can
 * be known from its description: {@linkcode inputFor} says what that is.
 */
const INPUTS: Readonly<
  Record<string, (tenant: Tenant) => Input | Promise<Input>>
> = {
  createVaultbox: ({ userId, domain }) => ({
    body: { "user_id": userId, domain, alias: "owl", name: "Owl" },
  }),
  bulkCreateVaultboxes: ({ userId, domain }) => ({
    body: { items: [{ "user_id": userId, domain, alias: "bat" }] },
  }),
  bulkDeleteVaultboxes: ({ bareId }) => ({
    body: { items: [{ "vaultbox_id": bareId }] },
  }),
  bulkRegeneratePasswords: ({ vaultboxId }) => ({
    body: { items: [{ "vaultbox_id": vaultboxId, service: "imap" }] },
  }),
  listMessages: ({ vaultboxId }) => ({ query: { "vaultbox_id": vaultboxId } }),
  registerDomain: ({ userId }) => ({
    body: { "user_id": userId, domain: `${randomName()}.example` },
  }),
  deleteDomain: async ({ post }) => {
    const domain = `${randomName()}.example`;
    await post("/domains", { domain });
    return { params: { domain } };
  },
  createImapCredential: ({ bareId }) => ({ params: { id: bareId } }),
  createSmtpCredential: ({ bareId }) => ({
    params: { id: bareId },
    body: {
      host: "smtp.pets.example",
      port: 465,
      "security_type": "SSL/TLS",
    },
  }),
  generateCertificate: ({ address }) => ({
    body: { email: address, days: 30 },
  }),
  generatePassword: () => ({}),
  downloadPkcs12: ({ vaultboxId }) => ({
    body: {
      "vaultbox_id": vaultboxId,
      password: "bundle-password",
      format: "compatible",
    },
  }),
  downloadBundle: ({ vaultboxId }) => ({
    body: { "vaultbox_id": vaultboxId, password: "bundle-password" },
  }),
  downloadProfile: ({ vaultboxId }) => ({
    params: { id: vaultboxId },
    body: { password: "bundle-password", "with_credential": true },
  }),
  createSetupLink: ({ vaultboxId }) => ({ params: { id: vaultboxId } }),
  listSetupLinks: setupLinkOf,
  deleteSetupLink: setupLinkOf,
  listSmimeaRecords: async ({ vaultboxId, domain, world }) => {
    await world.app.sql`
      update vaultboxes set publish_certificate = true where id = ${vaultboxId}
    `;
    return { params: { domain } };
  },
  createAlias: ({ bareId, domain }) => ({
    params: { id: bareId },
    body: { address: `new@${domain}` },
  }),
  listAliases: aliasOf,
  deleteAlias: async (tenant) => {
    const address = `${randomName()}@${tenant.domain}`;
    await tenant.post(`/vaultboxes/${tenant.vaultboxId}/aliases`, { address });
    return { params: { id: tenant.vaultboxId, address } };
  },
  getCatchAll: catchAllOf,
  deleteCatchAll: catchAllOf,
  setCatchAll: ({ domain, vaultboxId }) => ({
    params: { domain },
    body: { "vaultbox_id": vaultboxId },
  }),
  listCustomers: customerOf,
  getCustomer: customerOf,
  updateCustomer: ({ userId }) => ({
    params: { "user_id": userId },
    body: { "max_vaultboxes": 10 },
  }),
  updateVaultbox: ({ vaultboxId }) => ({
    params: { id: vaultboxId },
    body: {
      name: "Cat",
      status: "suspended",
      "max_messages": 10,
      "content_cipher": "aes-128-cbc",
      "key_transport": null,
      "header_protection": "hide",
      explicit: true,
    },
  }),
  beginEncryptionTrial: newTrialOf,
  confirmEncryptionTrial: async (tenant) => {
    const { params, body } = await newTrialOf(tenant);
    const { vaultboxId, world } = tenant;
    await tenant.post(`/vaultboxes/${vaultboxId}/encryption-trial`, body);
    const { code } = await readTrialMail(world, vaultboxId);
    return { params, body: { code } };
  },
  createAppCredential: ({ vaultboxId }) => ({
    params: { id: vaultboxId },
    body: {
      label: "Phone",
      scope: "both",
      "allowed_networks": ["192.0.2.0/24"],
    },
  }),
  listAppCredentials: appCredentialOf,
  getAppCredential: appCredentialOf,
  changeAppCredential: async (tenant) => ({
    ...await appCredentialOf(tenant),
    body: { label: "Tablet" },
  }),
  deleteAppCredential: appCredentialOf,
  regenerateAppPassword: appCredentialOf,
  uploadCertificate: async ({ vaultboxId, address }) => ({
    params: { id: vaultboxId },
    body: { certificate: await certificateFor(address) },
  }),
  getCertificate: certificateOf,
  downloadCertificate: certificateOf,
  retireCertificate: certificateOf,
  getCertificateUses: certificateOf,
  setCustody: ({ bareId }) => ({
    params: { id: bareId },
    body: { custody: "client" },
  }),
  confirmHandOut: async (tenant) => ({
    params: { id: tenant.bareId },
    body: { sha256: await handOutOf(tenant) },
  }),
  takeHandOutBack: async (tenant) => {
    await handOutOf(tenant);
    return { params: { id: tenant.bareId } };
  },
  destroyKey: async (tenant) => {
    const { params } = await certificateOf(tenant);
    const [row] = await tenant.world.app.sql<{ fingerprint: string }[]>`
      select fingerprint_sha256 as fingerprint from vaultbox_certs
      where id = ${params["certificate_id"]!}
    `;
    return { params, body: { "fingerprint_sha256": row!.fingerprint } };
  },
  restoreCertificate: async (tenant) => {
    const input = await certificateOf(tenant);
    const { id, certificate_id: certificateId } = input.params;
    await tenant.post(`/vaultboxes/${id}/certificates/${certificateId}/retire`);
    return input;
  },
  requestCertificate: async ({ vaultboxId, address }) => ({
    params: { id: vaultboxId },
    body: { csr: await csrFor(address), days: 30 },
  }),
  getMachine: async ({ world, address }) => {
    const more = { problem: `1 entries differ, as ${address} in transport` };
    const outcomes = [
      ...OUTCOMES,
      outcome("maps", "failed", "they agree", more),
    ];
    const options = { at: new Date(), warn: assert.fail };
    await keepReport(world.app.sql, outcomes, options);
    return {};
  },
  downloadIssuer: async ({ world }) => {
    const { id } = await lastingIssuer(world.app);
    return { query: { "issuer_id": id } };
  },
};

/**
 * Makes a good request.
 *
 * Without an entry of its own an operation gets the tenant's vaultbox for the
 * `id` behind `/vaultboxes/`, the tenant's domain for the name behind
 * `/domains/`, and no body.
 *
 * @param operation The operation.
 * @param tenant Whose request it is.
 * @returns The request.
 * @throws {Error} If more is needed than can be known; it names the operation.
 */
export async function inputFor(
  operation: Operation,
  tenant: Tenant,
): Promise<Input> {
  const make = INPUTS[operation.id];
  if (make !== undefined) return await make(tenant);
  const unknown = (what: string): Error =>
    new Error(
      `tests/helpers/operations.ts has no entry for ${operation.id}, which needs ${what}`,
    );
  const required = operation.body?.["required"] as string[] ?? [];
  if (required.length > 0) throw unknown(`a body with ${required.join(", ")}`);
  const parameters = operation.parameters.filter((each) => each.required);
  const params = parameters.map(({ name, in: where }): [string, string] => {
    if (where === "path") {
      const before = operation.path.split(`/{${name}}`)[0];
      if (before === "/vaultboxes") return [name, tenant.vaultboxId];
      if (before === "/domains") return [name, tenant.domain];
    }
    throw unknown(`${where} parameter ${name}`);
  });
  return { params: Object.fromEntries(params) };
}

/** `operationId`s that have an entry. */
export function entries(): string[] {
  return Object.keys(INPUTS);
}

/**
 * Makes a tenant over the API.
 *
 * @param world The world.
 * @param api Its API.
 * @param userId The user.
 * @param domain The user's domain, which nobody has yet.
 * @returns The tenant.
 */
export async function newTenant(
  world: TestWorld,
  api: ServedApi,
  userId: string,
  domain: string,
): Promise<Tenant> {
  const service = await bearer();
  const token = await bearer(userId);
  const send = async (
    path: string,
    by: string,
    body: unknown = {},
  ): Promise<Reply> => {
    const init = { method: "POST", body: JSON.stringify(body) };
    const reply = await api.fetch(path, by, init);
    if (reply.status < 300) return reply;
    throw new Error(`POST ${path}: ${reply.status} ${reply.text}`);
  };
  const create = async (alias: string): Promise<string> => {
    const box = { "user_id": userId, domain, alias };
    const { json } = await send("/vaultboxes", service, box);
    return json.data["vaultbox_id"];
  };
  const vaultboxId = await create("cat");
  const bareId = await create("dog");
  await send(`/vaultboxes/${vaultboxId}/imap-credentials`, service);
  await send(`/vaultboxes/${vaultboxId}/smtp-credentials`, service);
  const { sql } = world.database;
  await sql`
    insert into messages ${
    sql({
      id: crypto.randomUUID(),
      vaultboxId,
      messageId: `<1@${domain}>`,
      fromDomain: "sender.example",
      toAlias: "cat",
      sizeBytes: 1234,
      storage: { file: "f", hmac: "00", "encrypted_by": "appliance" },
    })
  }
  `;
  return {
    userId,
    token,
    domain,
    vaultboxId,
    address: `cat@${domain}`,
    bareId,
    api,
    world,
    post: (path, body) => send(path, token, body),
  };
}

/** Follows a reference into the document. */
export function resolve(
  document: Readonly<Record<string, unknown>>,
  schema: Schema,
): Schema {
  const ref = schema["$ref"];
  if (typeof ref !== "string") return schema;
  const found = ref.slice(2).split("/").reduce<unknown>(
    (value, key) => (value as Record<string, unknown> | undefined)?.[key],
    document,
  );
  if (found === undefined) throw new Error(`${ref} does not resolve`);
  return found as Schema;
}

function randomName(): string {
  return `x${crypto.randomUUID().slice(0, 8)}`;
}

/** The tenant's vaultbox with a one-time link. */
async function setupLinkOf(tenant: Tenant): Promise<Input> {
  const path = `/vaultboxes/${tenant.vaultboxId}/setup-links`;
  const { json } = await tenant.post(path);
  return { params: { id: tenant.vaultboxId, "link_id": json.data.id } };
}

/** The tenant's vaultbox with an alias. */
async function aliasOf(tenant: Tenant): Promise<Input> {
  const address = `${randomName()}@${tenant.domain}`;
  await tenant.post(`/vaultboxes/${tenant.vaultboxId}/aliases`, { address });
  return { params: { id: tenant.vaultboxId } };
}

/** The tenant's domain with a catch-all. */
async function catchAllOf(tenant: Tenant): Promise<Input> {
  const path = `/domains/${tenant.domain}/catch-all?user_id=${tenant.userId}`;
  const init = {
    method: "PUT",
    body: JSON.stringify({ "vaultbox_id": tenant.vaultboxId }),
  };
  const { status, text } = await tenant.api.fetch(path, await bearer(), init);
  if (status >= 300) throw new Error(`PUT ${path}: ${status} ${text}`);
  return { params: { domain: tenant.domain } };
}

/** The tenant with a limit. */
async function customerOf(tenant: Tenant): Promise<Input> {
  const path = `/customers/${tenant.userId}`;
  const init = { method: "PATCH", body: '{"max_vaultboxes":1000}' };
  const { status, text } = await tenant.api.fetch(path, await bearer(), init);
  if (status >= 300) throw new Error(`PATCH ${path}: ${status} ${text}`);
  return { params: { "user_id": tenant.userId } };
}

/** The tenant's vaultbox with a credential for a device. */
async function appCredentialOf(tenant: Tenant): Promise<Input> {
  const path = `/vaultboxes/${tenant.vaultboxId}/app-credentials`;
  const { json } = await tenant.post(path, { label: "Phone" });
  return { params: { id: tenant.vaultboxId, "credential_id": json.data.id } };
}

/**
 * A certificate of the tenant's vaultbox that is neither retired nor the newest.
 * One is made only where there is none: a vaultbox can have 20.
 */
async function certificateOf(
  tenant: Tenant,
): Promise<{ params: Record<string, string> }> {
  const { vaultboxId: id, address, world } = tenant;
  for (;;) {
    const [row] = await world.app.sql<{ id: string }[]>`
      select id from vaultbox_certs
      where vaultbox_id = ${id} and key_state = 'kept'
        and retired_at is null and not is_newest
      limit 1
    `;
    if (row !== undefined) return { params: { id, "certificate_id": row.id } };
    await tenant.post("/generate-certificate", { email: address });
  }
}

/** SHA-256 of a bundle of the tenant's bare vaultbox, then of custody client. */
async function handOutOf(tenant: Tenant): Promise<string> {
  const { bareId, api, token, post } = tenant;
  const path = `/vaultboxes/${bareId}/custody`;
  const init = { method: "PUT", body: '{"custody":"client"}' };
  const { status, text } = await api.fetch(path, token, init);
  if (status >= 300) throw new Error(`PUT ${path}: ${status} ${text}`);
  await post("/bundle", { "vaultbox_id": bareId, password: "bundle-password" });
  const [row] = await tenant.world.app.sql<{ sha256: Uint8Array }[]>`
    select sha256 from hand_outs where vaultbox_id = ${bareId}
    order by handed_out_at desc limit 1
  `;
  return new Uint8Array(row!.sha256).toHex();
}

/** A trial that need not wait for the end of a minute. */
async function newTrialOf({ vaultboxId, world }: Tenant) {
  await world.app.sql`
    delete from encryption_trials where vaultbox_id = ${vaultboxId}
  `;
  const body = { "content_cipher": "aes-256-gcm", "header_protection": "hide" };
  return { params: { id: vaultboxId }, body };
}

/** A certificate of the tenant's own, PEM. */
async function certificateFor(address: string): Promise<string> {
  const { certificate } = await selfSignedCertificate(address, {
    privateKey: await generateRsaKey(2048),
    notBefore: new Date(Date.now() - 3_600_000),
    validityDays: 30,
  });
  return pemEncode("CERTIFICATE", certificate);
}

/** A request for a certificate, PEM. */
export async function csrFor(address: string): Promise<string> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
  const keys = await crypto.subtle.generateKey(algorithm, true, [
    "sign",
    "verify",
  ]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${address}`,
    keys,
    signingAlgorithm: algorithm,
  });
  return request.toString("pem");
}
