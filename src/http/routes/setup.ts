/**
 * Routes of the set-up of mail clients.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { NEWEST_FIRST } from "../../db/page.ts";
import { vaultboxProfile } from "../../vaultbox/profile.ts";
import {
  createSetupLink,
  removeSetupLink,
  setupLinksOf,
} from "../../vaultbox/setup_links.ts";
import type { Scope } from "../auth.ts";
import { BOOLEAN } from "../boolean_field.ts";
import {
  type Body,
  described,
  type Field,
  inPath,
  integer,
  optional,
  UUID,
  VAULTBOX_ID,
} from "../fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { NEW_SETUP_LINK, SETUP_LINK, setupLinkJson } from "../setup_answers.ts";
import { type Route, route } from "../route.ts";
import { PASSWORD } from "./certificates.ts";

/** Of a new app credential in an Apple profile. */
const WITH_CREDENTIAL: Field<boolean | undefined> = optional(
  described(
    BOOLEAN,
    "Whether an Apple profile has a new app credential in it, in clear, so that the device asks for no mail password; false if left out.",
  ),
);

/** A credential comes of it, so a token must be allowed to make one. */
function alsoScope(body: Body): Scope | undefined {
  return body["with_credential"] === true ? "credential:write" : undefined;
}

const PATH = "/vaultboxes/{id}/setup-links";

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
      alsoScope,
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
    route({
      method: "POST",
      path: PATH,
      operation: "createSetupLink",
      summary:
        "Makes a link by which one file is fetched once, without a token",
      scope: "certificate:write",
      alsoScope,
      params: { id: VAULTBOX_ID },
      body: {
        seconds: optional(
          described(integer(60, 3600), "How long it works; 900 if left out."),
        ),
        "with_credential": WITH_CREDENTIAL,
      },
      answer: { status: 201, data: NEW_SETUP_LINK },
      async handle({ actor, params: { id }, body }) {
        const made = await createSetupLink(app, actor, id, {
          seconds: body.seconds ?? 900,
          withCredential: body["with_credential"] ?? false,
        });
        return { data: { ...setupLinkJson(made), url: made.url } };
      },
    }),
    route({
      method: "GET",
      path: PATH,
      operation: "listSetupLinks",
      summary: "Lists one-time links, used and ended ones of a month too",
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      query: pageFields(NEWEST_FIRST),
      answer: { status: 200, page: SETUP_LINK },
      async handle({ actor, params: { id }, query }) {
        const page = pageOf(NEWEST_FIRST, query);
        const { rows, next } = await setupLinksOf(app, actor, id, page);
        return {
          rows: rows.map(setupLinkJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
    route({
      method: "DELETE",
      path: `${PATH}/{link_id}`,
      operation: "deleteSetupLink",
      summary: "Takes a one-time link back",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID, "link_id": inPath(UUID, "link") },
      answer: { status: 200, message: true },
      async handle({ actor, params: { id: vaultboxId, "link_id": id } }) {
        await removeSetupLink(app, actor, { vaultboxId, id });
        return { message: "Link deleted successfully" };
      },
    }),
  ];
}
