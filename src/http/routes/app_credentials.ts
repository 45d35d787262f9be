/**
 * Routes of app credentials.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { APP_CREDENTIAL_ORDERS } from "../../db/app_credentials.ts";
import {
  appCredentialsOf,
  changeAppCredential,
  createAppCredential,
  regenerateAppPassword,
  removeAppCredential,
  showAppCredential,
} from "../../vaultbox/app_credentials.ts";
import {
  APP_CREDENTIAL,
  appCredentialJson,
  NEW_APP_CREDENTIAL,
  newAppCredentialJson,
} from "../credential_answers.ts";
import {
  described,
  type Field,
  inPath,
  listOf,
  nullable,
  oneOf,
  optional,
  plainText,
  TIME,
  UUID,
  VAULTBOX_ID,
} from "../fields.ts";
import { NETWORK } from "../networks.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";

const PARAMS = {
  id: VAULTBOX_ID,
  "credential_id": inPath(UUID, "credential"),
};

const LABEL = described(plainText(100), "For people, such as the device.");

const SCOPE = oneOf("imap", "smtp", "both");

const EXPIRES_AT = optional(
  described(
    nullable(TIME),
    "In the future; it opens nothing from then on. null: never.",
  ),
);

const ALLOWED_NETWORKS: Field<string[] | null | undefined> = optional(
  described(
    nullable(listOf(NETWORK, 20)),
    "Where logins may come from. null: anywhere.",
  ),
);

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function appCredentialRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/vaultboxes/{id}/app-credentials",
      operation: "createAppCredential",
      summary: "Makes a credential for one device",
      scope: "credential:write",
      params: { id: VAULTBOX_ID },
      body: {
        label: LABEL,
        scope: optional(described(SCOPE, "`both` if left out.")),
        "expires_at": EXPIRES_AT,
        "allowed_networks": ALLOWED_NETWORKS,
      },
      answer: { status: 201, data: NEW_APP_CREDENTIAL },
      async handle({ actor, params: { id }, body }) {
        const made = await createAppCredential(app, actor, id, {
          label: body.label,
          scope: body.scope ?? "both",
          expiresAt: body["expires_at"] ?? null,
          allowedNetworks: body["allowed_networks"] ?? null,
        });
        return { data: newAppCredentialJson(app, made) };
      },
    }),
    route({
      method: "GET",
      path: "/vaultboxes/{id}/app-credentials",
      operation: "listAppCredentials",
      summary: "Lists the credentials of devices",
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      query: pageFields(APP_CREDENTIAL_ORDERS),
      answer: { status: 200, page: APP_CREDENTIAL },
      async handle({ actor, params: { id }, query }) {
        const page = pageOf(APP_CREDENTIAL_ORDERS, query);
        const { rows, next } = await appCredentialsOf(app, actor, id, page);
        return {
          rows: rows.map((row) => appCredentialJson(app, row)),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
    route({
      method: "GET",
      path: "/vaultboxes/{id}/app-credentials/{credential_id}",
      operation: "getAppCredential",
      summary: "Shows a device's credential",
      scope: "vaultbox:read",
      params: PARAMS,
      answer: { status: 200, data: APP_CREDENTIAL },
      async handle({ actor, params }) {
        const found = await showAppCredential(app, actor, pathOf(params));
        return { data: appCredentialJson(app, found) };
      },
    }),
    route({
      method: "PATCH",
      path: "/vaultboxes/{id}/app-credentials/{credential_id}",
      operation: "changeAppCredential",
      summary: "Changes what a device's credential opens",
      scope: "credential:write",
      params: PARAMS,
      body: {
        label: optional(LABEL),
        scope: optional(SCOPE),
        "expires_at": EXPIRES_AT,
        "allowed_networks": ALLOWED_NETWORKS,
      },
      answer: { status: 200, data: APP_CREDENTIAL },
      async handle({ actor, params, body }) {
        const changed = await changeAppCredential(app, actor, pathOf(params), {
          label: body.label,
          scope: body.scope,
          expiresAt: body["expires_at"],
          allowedNetworks: body["allowed_networks"],
        });
        return { data: appCredentialJson(app, changed) };
      },
    }),
    route({
      method: "DELETE",
      path: "/vaultboxes/{id}/app-credentials/{credential_id}",
      operation: "deleteAppCredential",
      summary: "Deletes a device's credential",
      scope: "credential:write",
      params: PARAMS,
      answer: { status: 200, message: true },
      async handle({ actor, params }) {
        await removeAppCredential(app, actor, pathOf(params));
        return { message: "Credential deleted successfully" };
      },
    }),
    route({
      method: "POST",
      path: "/vaultboxes/{id}/app-credentials/{credential_id}/regenerate",
      operation: "regenerateAppPassword",
      summary: "Gives a device's credential a new password",
      scope: "credential:write",
      params: PARAMS,
      answer: { status: 200, data: NEW_APP_CREDENTIAL },
      async handle({ actor, params }) {
        const made = await regenerateAppPassword(app, actor, pathOf(params));
        return { data: newAppCredentialJson(app, made) };
      },
    }),
  ];
}

function pathOf(
  params: { id: string; "credential_id": string },
): { vaultboxId: string; id: string } {
  return { vaultboxId: params.id, id: params["credential_id"] };
}
