/**
 * Routes of vaultboxes and their usage.
 *
 * @module
 */

import type { App } from "../../app.ts";
import {
  getVaultbox,
  listVaultboxes,
  type Vaultbox,
} from "../../db/vaultboxes.ts";
import { AppError } from "../../errors.ts";
import { createVaultbox } from "../../vaultbox/create.ts";
import { removeVaultbox } from "../../vaultbox/remove.ts";
import type { Caller } from "../auth.ts";
import { type Answer, type ApiRequest, type Route, success } from "../route.ts";
import {
  createdJson,
  type Json,
  pageJson,
  usageJson,
  vaultboxJson,
} from "../answers.ts";
import { parseNewVaultbox, parsePage, parseVaultboxId } from "../wire.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function vaultboxRoutes(app: App): Route[] {
  return [
    {
      method: "POST",
      path: "/vaultboxes",
      async handle({ caller, json }) {
        const { userId, ...input } = parseNewVaultbox(await json());
        const vaultbox = await createVaultbox(app, {
          ...input,
          userId: actingFor(caller, userId),
          mayClaimDomain: caller.userId === undefined,
        });
        return success(createdJson(vaultbox), 201);
      },
    },
    {
      method: "GET",
      path: "/vaultboxes",
      handle: (request) => page(app, request, vaultboxJson),
    },
    {
      method: "GET",
      path: "/vaultboxes/:id",
      async handle({ caller, params }) {
        const id = parseVaultboxId(params["id"]);
        return success(
          vaultboxJson(await getVaultbox(app.sql, id, caller.userId)),
        );
      },
    },
    {
      method: "DELETE",
      path: "/vaultboxes/:id",
      async handle({ caller, params }) {
        await removeVaultbox(app, parseVaultboxId(params["id"]), caller.userId);
        const message = "Vaultbox deleted successfully";
        return { body: { success: true, message } };
      },
    },
    {
      method: "GET",
      path: "/usage",
      handle: (request) => page(app, request, usageJson),
    },
  ];
}

async function page(
  app: App,
  { caller, query }: ApiRequest,
  shape: (vaultbox: Vaultbox) => Json,
): Promise<Answer> {
  const { userId, ...wanted } = parsePage(query);
  const owner = ownerOf(caller, userId);
  const { rows, next } = await listVaultboxes(app.sql, owner, wanted);
  return { body: pageJson(rows.map(shape), next) };
}

/** A service names the user that it acts for; a user acts for itself alone. */
function actingFor(caller: Caller, named: string | undefined): string {
  const userId = ownerOf(caller, named);
  if (userId !== undefined) return userId;
  throw new AppError("invalid_request", "user_id is missing");
}

/** Whose vaultboxes are meant; to a service without a user_id, everybody's. */
function ownerOf(
  caller: Caller,
  named: string | undefined,
): string | undefined {
  if (caller.userId === undefined) return named;
  if (named === undefined || named === caller.userId) return caller.userId;
  throw new AppError("forbidden", "user_id is not yours");
}
