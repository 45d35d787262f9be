/**
 * Routes of the set-up of mail clients.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { vaultboxProfile } from "../../vaultbox/profile.ts";
import { BOOLEAN } from "../boolean_field.ts";
import { described, type Field, optional, VAULTBOX_ID } from "../fields.ts";
import { type Route, route } from "../route.ts";
import { PASSWORD } from "./certificates.ts";

/** Of a new app credential in an Apple profile. */
export const WITH_CREDENTIAL: Field<boolean | undefined> = optional(
  described(
    BOOLEAN,
    "Whether an Apple profile has a new app credential in it, in clear, so that the device asks for no mail password; false if left out.",
  ),
);

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function setupRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/vaultboxes/{id}/mobileconfig",
      operation: "downloadProfile",
      summary: "Downloads the profile that sets Apple devices up",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID },
      body: { password: PASSWORD, "with_credential": WITH_CREDENTIAL },
      answer: { status: 200, file: "application/x-apple-aspen-config" },
      async handle({ actor, params: { id: vaultboxId }, body }) {
        const { password, "with_credential": withCredential = false } = body;
        const request = { vaultboxId, password, withCredential };
        return {
          octets: await vaultboxProfile(app, actor, request),
          filename: "setup.mobileconfig",
        };
      },
    }),
  ];
}
