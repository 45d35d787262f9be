/**
 * Whom a creation is for.
 *
 * @module
 */

import type { Actor } from "../../app.ts";
import { AppError } from "../../errors.ts";
import { wrong } from "../fields.ts";

/**
 * Finds the user that something is made for: a service names it, a user acts
 * for itself alone.
 *
 * @param actor Who asks.
 * @param named `user_id` of the request.
 * @returns UUID of the user.
 * @throws {AppError} `invalid_request` if a service names nobody, `forbidden` if
 * it is not who the actor acts for.
 */
export function actingFor(actor: Actor, named: string | undefined): string {
  const userId = named ?? actor.owner;
  if (userId === undefined) throw wrong("user_id", "is missing");
  if (actor.owner === undefined || userId === actor.owner) return userId;
  throw new AppError("forbidden", "user_id is not yours");
}
