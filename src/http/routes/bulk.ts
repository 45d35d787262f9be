/**
 * Routes that do one thing to many vaultboxes; each item has its own result.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { AppError, toAppError } from "../../errors.ts";
import { reason } from "../../log.ts";
import { createVaultbox } from "../../vaultbox/create.ts";
import { regeneratePassword } from "../../vaultbox/credentials.ts";
import { removeVaultbox } from "../../vaultbox/remove.ts";
import { CREATED, createdJson, type Json, shape } from "../answers.ts";
import { NEW_CREDENTIAL, newCredentialJson } from "../credential_answers.ts";
import { FAILURE_REASON, failureJson } from "../failure.ts";
import { oneOf, type Schema, UUID } from "../fields.ts";
import { itemsOf } from "../items.ts";
import { type Answer, type Route, route } from "../route.ts";
import { actingFor } from "./acting_for.ts";
import { NEW_VAULTBOX, newVaultbox } from "./vaultboxes.ts";

/** Items of one request, at most. */
const ITEMS_MAX = 100;

/** Items that are worked on at a time. */
const PARALLEL = 4;

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function bulkRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/vaultboxes/bulk-create",
      operation: "bulkCreateVaultboxes",
      summary: "Creates up to 100 vaultboxes; each has its own result",
      scope: "vaultbox:write",
      body: { items: itemsOf(NEW_VAULTBOX, ITEMS_MAX) },
      answer: { status: 200, data: results("BulkCreated", { data: CREATED }) },
      handle: ({ actor, body }) =>
        each(app, body.items, async (item) => {
          const userId = actingFor(actor, item["user_id"]);
          const input = newVaultbox(actor, userId, item);
          const made = await createVaultbox(app, actor, input);
          return { data: createdJson(made) };
        }),
    }),
    route({
      method: "POST",
      path: "/vaultboxes/bulk-delete",
      operation: "bulkDeleteVaultboxes",
      summary: "Deletes up to 100 vaultboxes; each has its own result",
      scope: "vaultbox:write",
      body: { items: itemsOf({ "vaultbox_id": UUID }, ITEMS_MAX) },
      answer: { status: 200, data: results("BulkDeleted", {}) },
      handle: ({ actor, body }) =>
        each(app, body.items, async (item) => {
          await removeVaultbox(app, actor, item["vaultbox_id"]);
          return {};
        }),
    }),
    route({
      method: "POST",
      path: "/vaultboxes/bulk-regenerate",
      operation: "bulkRegeneratePasswords",
      summary: "Gives up to 100 credentials new passwords; each has its own " +
        "result",
      scope: "credential:write",
      body: {
        items: itemsOf(
          { "vaultbox_id": UUID, service: oneOf("imap", "smtp") },
          ITEMS_MAX,
        ),
      },
      answer: {
        status: 200,
        data: results("BulkRegenerated", { data: NEW_CREDENTIAL }),
      },
      handle: ({ actor, body }) =>
        each(app, body.items, async (item) => {
          const { "vaultbox_id": id, service } = item;
          const made = await regeneratePassword(app, actor, id, service);
          return { data: newCredentialJson(made) };
        }),
    }),
  ];
}

/** Works on items, a few at a time; the results are in the items' order. */
async function each<T extends object>(
  app: Pick<App, "log">,
  items: readonly (T | AppError)[],
  work: (item: T) => Promise<Json>,
): Promise<Answer> {
  const results: Json[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      try {
        if (item instanceof AppError) throw item;
        results[index] = { index, success: true, ...await work(item) };
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.code === "internal") {
          app.log.write("error", "item failed", { cause: reason(error.cause) });
        }
        results[index] = { index, success: false, error: failureJson(error) };
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return { data: results };
}

function results(
  title: string,
  done: Readonly<Record<string, Schema>>,
): Schema {
  const index = { type: "integer", minimum: 0 };
  const success = { const: true };
  const error = FAILURE_REASON;
  return {
    type: "array",
    items: {
      anyOf: [
        shape(title, { index, success, ...done }),
        shape("BulkFailure", { index, success: { const: false }, error }),
      ],
    },
  };
}
