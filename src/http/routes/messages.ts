/**
 * The route of messages: what is known of them, nothing of their content.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { listMessages, MESSAGE_ORDERS } from "../../db/messages.ts";
import { getVaultbox } from "../../db/vaultboxes.ts";
import { MESSAGE, messageJson } from "../answers.ts";
import { described, optional, TIME, UUID } from "../fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function messageRoutes(app: App): Route[] {
  return [
    route({
      method: "GET",
      path: "/messages",
      operation: "listMessages",
      summary: "Lists the messages of a vaultbox, without content",
      scope: "vaultbox:read",
      query: {
        ...pageFields(MESSAGE_ORDERS),
        "vaultbox_id": UUID,
        "received_from": optional(described(TIME, "Only those from then on.")),
        "received_before": optional(described(TIME, "Only those before.")),
      },
      answer: { status: 200, page: MESSAGE },
      async handle({ actor, query }) {
        const page = pageOf(MESSAGE_ORDERS, query);
        const { "vaultbox_id": vaultboxId } = query;
        await getVaultbox(app.sql, vaultboxId, actor);
        const { rows, next } = await listMessages(app.sql, actor.owner, page, {
          vaultboxId,
          receivedFrom: query["received_from"],
          receivedBefore: query["received_before"],
        });
        return {
          rows: rows.map(messageJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
  ];
}
