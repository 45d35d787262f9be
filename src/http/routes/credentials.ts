/**
 * Routes of credentials.
 *
 * @module
 */

import type { App } from "../../app.ts";
import type { Service } from "../../db/credentials.ts";
import {
  createImapCredential,
  createSmtpCredential,
  regeneratePassword,
  removeCredential,
  showCredential,
} from "../../vaultbox/credentials.ts";
import {
  CREDENTIAL,
  credentialJson,
  NEW_CREDENTIAL,
  newCredentialJson,
} from "../credential_answers.ts";
import {
  described,
  integer,
  oneOf,
  optional,
  text,
  VAULTBOX_ID,
} from "../fields.ts";
import { type Route, route } from "../route.ts";

const HOST = text(
  "must be a host name",
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i,
  { maxLength: 253 },
);

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function credentialRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/vaultboxes/{id}/imap-credentials",
      operation: "createImapCredential",
      summary: "Makes the credential for IMAP",
      scope: "credential:write",
      params: { id: VAULTBOX_ID },
      answer: { status: 201, data: NEW_CREDENTIAL },
      async handle({ actor, params: { id } }) {
        const made = await createImapCredential(app, actor, id);
        return { data: newCredentialJson(made) };
      },
    }),
    route({
      method: "POST",
      path: "/vaultboxes/{id}/smtp-credentials",
      operation: "createSmtpCredential",
      summary: "Makes the credential for submission",
      scope: "credential:write",
      params: { id: VAULTBOX_ID },
      body: {
        host: optional(
          described(HOST, "Given back to mail clients; changes no server."),
        ),
        port: optional(integer(1, 65535)),
        "security_type": optional(oneOf("STARTTLS", "SSL/TLS")),
      },
      answer: { status: 201, data: NEW_CREDENTIAL },
      async handle({ actor, params: { id }, body }) {
        const { host, port, "security_type": securityType } = body;
        const server = { host, port, securityType };
        const made = await createSmtpCredential(app, actor, id, server);
        return { data: newCredentialJson(made) };
      },
    }),
    ...(["imap", "smtp"] as const).flatMap((service) =>
      serviceRoutes(app, service)
    ),
  ];
}

function serviceRoutes(app: App, service: Service): Route[] {
  const path = `/vaultboxes/{id}/${service}-credentials`;
  const word = service === "imap" ? "Imap" : "Smtp";
  const what = service === "imap" ? "IMAP" : "submission";
  return [
    route({
      method: "GET",
      path,
      operation: `get${word}Credential`,
      summary: `Shows the credential for ${what}`,
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, data: CREDENTIAL },
      async handle({ actor, params: { id } }) {
        const found = await showCredential(app, actor, id, service);
        return { data: credentialJson(found) };
      },
    }),
    route({
      method: "DELETE",
      path,
      operation: `delete${word}Credential`,
      summary: `Deletes the credential for ${what}`,
      scope: "credential:write",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, message: true },
      async handle({ actor, params: { id } }) {
        await removeCredential(app, actor, id, service);
        return { message: "Credential deleted successfully" };
      },
    }),
    route({
      method: "POST",
      path: `${path}/regenerate`,
      operation: `regenerate${word}Password`,
      summary: `Gives the credential for ${what} a new password`,
      scope: "credential:write",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, data: NEW_CREDENTIAL },
      async handle({ actor, params: { id } }) {
        const made = await regeneratePassword(app, actor, id, service);
        return { data: newCredentialJson(made) };
      },
    }),
  ];
}
