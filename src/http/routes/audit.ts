/**
 * The route of the audit log.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { AUDIT_ORDERS, listAudit } from "../../db/audit.ts";
import { AUDIT_ENTRY, auditJson } from "../answers.ts";
import { optional, text, UUID } from "../fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function auditRoutes(app: App): Route[] {
  return [
    route({
      method: "GET",
      path: "/audit",
      operation: "listAudit",
      summary: "Lists changes: who did what, when; the newest first",
      scope: "vaultbox:read",
      query: {
        ...pageFields(AUDIT_ORDERS),
        "vaultbox_id": optional(UUID),
        action: optional(
          text("must be words with dots between", /^[a-z_.]{1,64}$/),
        ),
      },
      answer: { status: 200, page: AUDIT_ENTRY },
      async handle({ actor, query }) {
        const page = pageOf(AUDIT_ORDERS, query);
        const { "vaultbox_id": vaultboxId, action } = query;
        const filter = { vaultboxId, action };
        const { rows, next } = await listAudit(
          app.sql,
          actor.owner,
          page,
          filter,
        );
        return {
          rows: rows.map(auditJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
  ];
}
