/**
 * Routes of vaultboxes and their usage.
 *
 * @module
 */

import type { Actor, App } from "../../app.ts";
import {
  getVaultbox,
  listVaultboxes,
  type Vaultbox,
  VAULTBOX_ORDERS,
} from "../../db/vaultboxes.ts";
import { MAX_ADDRESS_OCTETS } from "../../mail/address.ts";
import { createVaultbox, type NewVaultbox } from "../../vaultbox/create.ts";
import { changeVaultbox } from "../../vaultbox/limits.ts";
import { removeVaultbox } from "../../vaultbox/remove.ts";
import {
  CREATED,
  createdJson,
  type Json,
  USAGE,
  usageJson,
  VAULTBOX,
  vaultboxJson,
} from "../answers.ts";
import {
  ALIAS,
  described,
  DOMAIN,
  MAX_BYTES,
  MAX_MESSAGES,
  NAME,
  oneOf,
  optional,
  USER_ID,
  type Values,
  VAULTBOX_ID,
  wrong,
} from "../fields.ts";
import { KEY_TYPE } from "../key_fields.ts";
import { PUBLISH_CERTIFICATE } from "../boolean_field.ts";
import { CERTIFICATE_PEM, CSR_PEM } from "../pem_fields.ts";
import { CHANGED_POLICY, EXPLICIT, policyOf } from "../policy_fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Answer, type ApiRequest, type Route, route } from "../route.ts";
import { actingFor } from "./acting_for.ts";

/** Fields of a creation. */
export const NEW_VAULTBOX = {
  "user_id": optional(
    described(USER_ID, "Needed from a service; a user may leave it out."),
  ),
  domain: DOMAIN,
  alias: ALIAS,
  name: optional(described(NAME, "For people; the address if left out.")),
  custody: optional(
    described(
      oneOf("server", "client", "external"),
      "Who holds the private key; `server` if left out.",
    ),
  ),
  certificate: optional(
    described(CERTIFICATE_PEM, "For `external`, which needs it or `csr`."),
  ),
  csr: optional(
    described(CSR_PEM, "For `external`: PKCS#10, PEM, to be issued one for."),
  ),
  "key_type": KEY_TYPE,
};

const LIST = {
  ...pageFields(VAULTBOX_ORDERS),
  domain: optional(DOMAIN),
  alias: optional(ALIAS),
  status: optional(oneOf("active", "suspended")),
};

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function vaultboxRoutes(app: App): Route[] {
  const json = (vaultbox: Vaultbox): Json =>
    vaultboxJson(vaultbox, app.config.encryption);
  return [
    route({
      method: "POST",
      path: "/vaultboxes",
      operation: "createVaultbox",
      summary: "Creates a vaultbox with certificate and route",
      scope: "vaultbox:write",
      body: NEW_VAULTBOX,
      answer: { status: 201, data: CREATED },
      async handle({ actor, body }) {
        const userId = actingFor(actor, body["user_id"]);
        const input = newVaultbox(actor, userId, body);
        const vaultbox = await createVaultbox(app, actor, input);
        return { data: createdJson(vaultbox) };
      },
    }),
    route({
      method: "GET",
      path: "/vaultboxes",
      operation: "listVaultboxes",
      summary: "Lists vaultboxes",
      scope: "vaultbox:read",
      query: LIST,
      answer: { status: 200, page: VAULTBOX },
      handle: (request) => list(app, request, json),
    }),
    route({
      method: "GET",
      path: "/vaultboxes/{id}",
      operation: "getVaultbox",
      summary: "Shows a vaultbox",
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, data: VAULTBOX },
      async handle({ actor, params: { id } }) {
        const vaultbox = await getVaultbox(app.sql, id, actor);
        return { data: json(vaultbox) };
      },
    }),
    route({
      method: "PATCH",
      path: "/vaultboxes/{id}",
      operation: "updateVaultbox",
      summary:
        "Renames, suspends or resumes a vaultbox, sets its limits or how its mail is encrypted, or publishes its certificate",
      scope: "vaultbox:write",
      params: { id: VAULTBOX_ID },
      body: {
        name: optional(NAME),
        status: optional(oneOf("active", "suspended")),
        "max_bytes": optional(MAX_BYTES),
        "max_messages": optional(MAX_MESSAGES),
        "publish_certificate": optional(PUBLISH_CERTIFICATE),
        ...CHANGED_POLICY,
        explicit: optional(EXPLICIT),
      },
      answer: { status: 200, data: VAULTBOX },
      async handle({ actor, params: { id }, body }) {
        const { name, status } = body;
        const { "max_bytes": maxBytes, "max_messages": maxMessages } = body;
        const { "publish_certificate": publishCertificate } = body;
        const vaultbox = await changeVaultbox(app, actor, id, {
          ...policyOf(body),
          ...name !== undefined && { name },
          ...status !== undefined && { status },
          ...maxBytes !== undefined && { maxBytes },
          ...maxMessages !== undefined && { maxMessages },
          ...publishCertificate !== undefined && { publishCertificate },
        }, { isExplicit: body.explicit === true });
        return { data: json(vaultbox) };
      },
    }),
    route({
      method: "DELETE",
      path: "/vaultboxes/{id}",
      operation: "deleteVaultbox",
      summary: "Deletes a vaultbox with its mail, keys and credentials",
      scope: "vaultbox:write",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, message: true },
      async handle({ actor, params: { id } }) {
        await removeVaultbox(app, actor, id);
        return { message: "Vaultbox deleted successfully" };
      },
    }),
    route({
      method: "GET",
      path: "/usage",
      operation: "listUsage",
      summary: "Lists messages and octets for each vaultbox",
      scope: "vaultbox:read",
      query: LIST,
      answer: { status: 200, page: USAGE },
      handle: (request) => list(app, request, usageJson),
    }),
  ];
}

async function list(
  app: App,
  { actor, query }: ApiRequest<Record<never, never>, typeof LIST>,
  shape: (vaultbox: Vaultbox) => Json,
): Promise<Answer> {
  const page = pageOf(VAULTBOX_ORDERS, query);
  const { rows, next } = await listVaultboxes(
    app.sql,
    actor,
    page,
    query,
  );
  return {
    rows: rows.map(shape),
    next: next && encodeCursor(page.sort, next),
  };
}

/**
 * Makes the input of a creation.
 *
 * @param actor Who creates it.
 * @param userId UUID of the user that it will belong to.
 * @param body Parsed {@linkcode NEW_VAULTBOX}.
 * @returns The input.
 */
export function newVaultbox(
  actor: Actor,
  userId: string,
  body: Values<typeof NEW_VAULTBOX>,
): NewVaultbox {
  const { domain, alias, name = `${alias}@${domain}` } = body;
  if (alias.length + 1 + domain.length > MAX_ADDRESS_OCTETS) {
    throw wrong(
      "alias",
      `and domain must have at most ${MAX_ADDRESS_OCTETS} octets with the @`,
    );
  }
  const { custody = "server", certificate: certificatePem } = body;
  const { csr: requestPem } = body;
  const isExternal = custody === "external";
  if (isExternal && certificatePem === undefined && requestPem === undefined) {
    throw wrong(
      "certificate",
      "is missing: custody external begins with it or with csr",
    );
  }
  if (
    requestPem !== undefined && (!isExternal || certificatePem !== undefined)
  ) {
    throw wrong("csr", "is for custody external without certificate alone");
  }
  if (!isExternal && certificatePem !== undefined) {
    throw wrong("certificate", "is for custody external alone");
  }
  const { "key_type": keyKind } = body;
  if (custody === "external" && keyKind !== undefined) {
    throw wrong("key_type", "is for keys that are made here");
  }
  const { isService: mayClaimDomain } = actor;
  return {
    userId,
    domain,
    alias,
    name,
    keyKind,
    custody,
    certificatePem,
    requestPem,
    mayClaimDomain,
  };
}
