/**
 * Routes of credentials.
 *
 * @module
 */

import type { App } from "../../app.ts";
import {
  createImapCredential,
  createSmtpCredential,
  regeneratePassword,
} from "../../vaultbox/credentials.ts";
import { credentialJson, NEW_CREDENTIAL } from "../answers.ts";
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
        return { data: credentialJson(made) };
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
        return { data: credentialJson(made) };
      },
    }),
    ...(["imap", "smtp"] as const).map((service) =>
      route({
        method: "POST",
        path: `/vaultboxes/{id}/${service}-credentials/regenerate`,
        operation: service === "imap"
          ? "regenerateImapPassword"
          : "regenerateSmtpPassword",
        summary: `Gives the credential for ${
          service === "imap" ? "IMAP" : "submission"
        } a new password`,
        scope: "credential:write",
        params: { id: VAULTBOX_ID },
        answer: { status: 200, data: NEW_CREDENTIAL },
        async handle({ actor, params: { id } }) {
          const made = await regeneratePassword(app, actor, id, service);
          return { data: credentialJson(made) };
        },
      })
    ),
  ];
}
