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
import { type Route, success } from "../route.ts";
import { credentialJson } from "../answers.ts";
import {
  parseNothing,
  parseSubmissionServer,
  parseVaultboxId,
} from "../wire.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function credentialRoutes(app: App): Route[] {
  return [
    {
      method: "POST",
      path: "/vaultboxes/:id/imap-credentials",
      async handle({ caller, params, json }) {
        const id = parseVaultboxId(params["id"]);
        parseNothing(await json());
        const made = await createImapCredential(app, id, caller.userId);
        return success(credentialJson(made), 201);
      },
    },
    {
      method: "POST",
      path: "/vaultboxes/:id/smtp-credentials",
      async handle({ caller, params, json }) {
        const id = parseVaultboxId(params["id"]);
        const server = parseSubmissionServer(await json());
        const made = await createSmtpCredential(app, id, caller.userId, server);
        return success(credentialJson(made), 201);
      },
    },
    ...(["imap", "smtp"] as const).map((service): Route => ({
      method: "POST",
      path: `/vaultboxes/:id/${service}-credentials/regenerate`,
      async handle({ caller, params, json }) {
        const id = parseVaultboxId(params["id"]);
        parseNothing(await json());
        const made = await regeneratePassword(app, id, caller.userId, service);
        return success(credentialJson(made));
      },
    })),
  ];
}
