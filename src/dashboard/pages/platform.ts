/**
 * Signing in from the platform: one of its pages sends a form with a token.
 *
 * @module
 */

import { decodeJwt } from "jose";
import { authenticate, SUBJECT_REGEXP } from "../../http/auth.ts";
import { AppError } from "../../errors.ts";
import { CUSTOMER_SCOPES } from "../api_access.ts";
import { sessionCookie } from "../cookies.ts";
import type { DashboardRoute } from "../route.ts";
import { insertSession, spendToken } from "../store/sessions.ts";
import type { DashboardWorld } from "../world.ts";
import { endFormer } from "./sign_in.tsx";

/** Milliseconds for which a used token is remembered: longer than it works. */
const REMEMBERED_MS = 3_600_000;

/** Characters of a UUID that stand for a user without a name. */
const SHORT_ID = 8;

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @returns The pages; none where no platform is set.
 */
export function platformRoutes(world: DashboardWorld): DashboardRoute[] {
  const { platform, store, now } = world;
  if (platform === undefined) return [];
  return [{
    method: "POST",
    path: "/session",
    roles: "anybody",
    // Else anybody could sign others in as himself, and see what they do there.
    from: platform.origin,
    async handle({ form: { token = "" }, userAgent: client, cookies }) {
      const bearer = `Bearer ${token}`;
      const caller = await authenticate(platform.tokens, bearer, now());
      const { userId, scopes } = caller;
      // A session is a customer's whole: a token for less is none for that.
      if (
        userId === undefined ||
        !CUSTOMER_SCOPES.every((each) => scopes.has(each))
      ) {
        throw new AppError("unauthorized", "The token is not a customer's");
      }
      const expiresAt = new Date(now().getTime() + REMEMBERED_MS);
      if (!spendToken(store, signedPart(token), expiresAt)) {
        throw new AppError("unauthorized", "The token was used before");
      }
      endFormer(world, cookies);
      const who = {
        accountId: null,
        name: nameOf(token, userId),
        grant: { role: "customer", userId },
        client,
      } as const;
      const secret = insertSession(store, who, now());
      world.log.write("info", "signed in by the platform", { user: userId });
      return { to: "/", cookies: [sessionCookie(secret)] };
    },
  }];
}

/**
 * A token without its signature, which has other forms that are as valid: unused
 * bits of base64url, and of ECDSA the other root.
 */
function signedPart(token: string): string {
  return token.slice(0, token.lastIndexOf("."));
}

/** What a token that is checked calls its user. */
function nameOf(token: string, userId: string): string {
  const { sub } = decodeJwt(token);
  return sub !== undefined && SUBJECT_REGEXP.test(sub)
    ? sub
    : userId.slice(0, SHORT_ID);
}
