/**
 * Routes of aliases and catch-alls.
 *
 * @module
 */

import type { App } from "../../app.ts";
import {
  type Alias,
  ALIAS_ORDERS,
  type CatchAll,
  getCatchAll,
  listAliases,
} from "../../db/addresses.ts";
import { getVaultbox } from "../../db/vaultboxes.ts";
import {
  createAlias,
  removeAlias,
  removeCatchAll,
  setCatchAll,
} from "../../vaultbox/addresses.ts";
import { ID, type Json, shape, TEXT, TIME } from "../answers.ts";
import {
  ADDRESS,
  described,
  DOMAIN,
  inPath,
  UUID,
  VAULTBOX_ID,
} from "../fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";

const ALIAS = shape("Alias", { address: TEXT, "created_at": TIME });

const CATCH_ALL = shape("CatchAll", {
  domain: TEXT,
  "vaultbox_id": ID,
  "created_at": TIME,
});

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function addressRoutes(app: App): Route[] {
  return [...aliasRoutes(app), ...catchAllRoutes(app)];
}

function aliasRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/vaultboxes/{id}/aliases",
      operation: "createAlias",
      summary: "Gives a vaultbox another address, which only receives",
      scope: "vaultbox:write",
      params: { id: VAULTBOX_ID },
      body: { address: ADDRESS },
      answer: { status: 201, data: ALIAS },
      async handle({ actor, params: { id }, body: { address } }) {
        return { data: aliasJson(await createAlias(app, actor, id, address)) };
      },
    }),
    route({
      method: "GET",
      path: "/vaultboxes/{id}/aliases",
      operation: "listAliases",
      summary: "Lists the aliases of a vaultbox",
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      query: pageFields(ALIAS_ORDERS),
      answer: { status: 200, page: ALIAS },
      async handle({ actor, params: { id }, query }) {
        await getVaultbox(app.sql, id, actor);
        const page = pageOf(ALIAS_ORDERS, query);
        const { rows, next } = await listAliases(app.sql, id, page);
        return {
          rows: rows.map(aliasJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
    route({
      method: "DELETE",
      path: "/vaultboxes/{id}/aliases/{address}",
      operation: "deleteAlias",
      summary: "Takes an alias from a vaultbox",
      scope: "vaultbox:write",
      params: { id: VAULTBOX_ID, address: inPath(ADDRESS, "alias") },
      answer: { status: 200, message: true },
      async handle({ actor, params: { id, address } }) {
        await removeAlias(app, actor, id, address);
        return { message: "Alias deleted successfully" };
      },
    }),
  ];
}

function catchAllRoutes(app: App): Route[] {
  const path = "/domains/{domain}/catch-all";
  const params = { domain: inPath(DOMAIN, "domain") };
  return [
    route({
      method: "GET",
      path,
      operation: "getCatchAll",
      summary: "Shows who gets the mail for all other addresses of a domain",
      scope: "vaultbox:read",
      params,
      answer: { status: 200, data: CATCH_ALL },
      async handle({ actor, params: { domain } }) {
        const found = await getCatchAll(app.sql, domain, actor.owner);
        return { data: catchAllJson(found) };
      },
    }),
    route({
      method: "PUT",
      path,
      operation: "setCatchAll",
      summary:
        "Sends the mail for all other addresses of a domain to a vaultbox",
      scope: "vaultbox:write",
      params,
      body: {
        "vaultbox_id": described(UUID, "A vaultbox of the domain's user."),
      },
      answer: { status: 200, data: CATCH_ALL },
      async handle({ actor, params: { domain }, body }) {
        const id = body["vaultbox_id"];
        return {
          data: catchAllJson(await setCatchAll(app, actor, domain, id)),
        };
      },
    }),
    route({
      method: "DELETE",
      path,
      operation: "deleteCatchAll",
      summary: "Refuses mail for all other addresses of a domain again",
      scope: "vaultbox:write",
      params,
      answer: { status: 200, message: true },
      async handle({ actor, params: { domain } }) {
        await removeCatchAll(app, actor, domain);
        return { message: "Catch-all deleted successfully" };
      },
    }),
  ];
}

function aliasJson({ domain, alias, createdAt }: Alias): Json {
  return { address: `${alias}@${domain}`, "created_at": createdAt };
}

function catchAllJson({ domain, vaultboxId, createdAt }: CatchAll): Json {
  return { domain, "vaultbox_id": vaultboxId, "created_at": createdAt };
}
