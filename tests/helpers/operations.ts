/**
 * How to make a good request for each operation of docs/openapi.yaml.
 *
 * @module
 */

import type { Schema } from "../../src/http/fields.ts";
import type { Input, Operation, Reply, ServedApi } from "./api.ts";
import { tokenOf } from "./api.ts";
import type { TestWorld } from "./app.ts";

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
  /** A vaultbox without credentials. */
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
  downloadPkcs12: ({ vaultboxId }) => ({
    body: {
      "vaultbox_id": vaultboxId,
      password: "bundle-password",
      format: "compat",
    },
  }),
  downloadBundle: ({ vaultboxId }) => ({
    body: { "vaultbox_id": vaultboxId, password: "bundle-password" },
  }),
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
  const service = await tokenOf();
  const token = await tokenOf(userId);
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
  await world.app.sql`
    insert into messages ${
    world.app.sql({
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
