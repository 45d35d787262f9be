/**
 * Routes of customers and their limits.
 *
 * @module
 */

import type { Actor, App } from "../../app.ts";
import {
  type Customer,
  CUSTOMER_ORDERS,
  type CustomerLimits,
  findCustomer,
  listCustomers,
} from "../../db/customers.ts";
import { AppError } from "../../errors.ts";
import { changeCustomer } from "../../vaultbox/limits.ts";
import { COUNT, COUNT_OR_NULL, ID, type Json, shape } from "../answers.ts";
import {
  described,
  inPath,
  integer,
  MAX_BYTES,
  MAX_MESSAGES,
  nullable,
  optional,
  USER_ID,
} from "../fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";

const CUSTOMER = shape("Customer", {
  "user_id": ID,
  "max_vaultboxes": COUNT_OR_NULL,
  "max_bytes": COUNT_OR_NULL,
  "max_messages": COUNT_OR_NULL,
  "vaultbox_count": COUNT,
  "used_bytes": COUNT_OR_NULL,
  "used_messages": COUNT_OR_NULL,
});

const PARAMS = { "user_id": inPath(USER_ID, "customer") };

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function customerRoutes(app: App): Route[] {
  return [
    route({
      method: "GET",
      path: "/customers",
      operation: "listCustomers",
      summary: "Lists users with their limits and what they use",
      scope: "admin",
      query: pageFields(CUSTOMER_ORDERS),
      answer: { status: 200, page: CUSTOMER },
      async handle({ actor, query }) {
        const page = pageOf(CUSTOMER_ORDERS, query);
        const found = await listCustomers(app.sql, page, actor.owner);
        return {
          rows: found.rows.map(customerJson),
          next: found.next && encodeCursor(page.sort, found.next),
        };
      },
    }),
    route({
      method: "GET",
      path: "/customers/{user_id}",
      operation: "getCustomer",
      summary: "Shows a user's limits and what it uses",
      scope: "vaultbox:read",
      params: PARAMS,
      answer: { status: 200, data: CUSTOMER },
      async handle({ actor, params: { "user_id": userId } }) {
        checkSelf(actor, userId);
        return { data: customerJson(await findCustomer(app.sql, userId)) };
      },
    }),
    route({
      method: "PATCH",
      path: "/customers/{user_id}",
      operation: "updateCustomer",
      summary: "Sets limits of a user",
      scope: "admin",
      params: PARAMS,
      body: {
        "max_vaultboxes": optional(
          described(
            nullable(integer(0, 1_000_000_000)),
            "Vaultboxes at most; null is no limit.",
          ),
        ),
        "max_bytes": optional(MAX_BYTES),
        "max_messages": optional(MAX_MESSAGES),
      },
      answer: { status: 200, data: CUSTOMER },
      async handle({ actor, params: { "user_id": userId }, body }) {
        checkSelf(actor, userId);
        const {
          "max_vaultboxes": maxVaultboxes,
          "max_bytes": maxBytes,
          "max_messages": maxMessages,
        } = body;
        const limits: Partial<CustomerLimits> = {
          ...maxVaultboxes !== undefined && { maxVaultboxes },
          ...maxBytes !== undefined && { maxBytes },
          ...maxMessages !== undefined && { maxMessages },
        };
        const customer = Object.keys(limits).length === 0
          ? await findCustomer(app.sql, userId)
          : await changeCustomer(app, actor, userId, limits);
        return { data: customerJson(customer) };
      },
    }),
  ];
}

/** Another user is as if it were not there. */
function checkSelf(actor: Actor, userId: string): void {
  if (actor.owner === undefined || actor.owner === userId) return;
  throw new AppError("not_found", "No such customer");
}

function customerJson(customer: Customer): Json {
  return {
    "user_id": customer.userId,
    "max_vaultboxes": customer.maxVaultboxes,
    "max_bytes": customer.maxBytes,
    "max_messages": customer.maxMessages,
    "vaultbox_count": customer.vaultboxCount,
    "used_bytes": customer.usedBytes,
    "used_messages": customer.usedMessages,
  };
}
