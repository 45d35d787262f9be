/**
 * The API, as far as somebody who is signed in may use it. Which customer's
 * things there are is the API's own check: the token names the customer.
 *
 * @module
 */

import { Encimap } from "../../clients/typescript/encimap.ts";
import { AppError } from "../errors.ts";
import { type Caller, mintToken, type Scope } from "../http/auth.ts";
import type { Grant } from "./roles.ts";
import type { Session } from "./store/sessions.ts";
import type { DashboardWorld } from "./world.ts";

/** Seconds for which a token works: one is made for each request. */
const TOKEN_SECONDS = 60;

/** What a customer's token is allowed. */
export const CUSTOMER_SCOPES: readonly Scope[] = [
  "vaultbox:read",
  "vaultbox:write",
  "credential:write",
  "certificate:write",
  "domain:write",
];

const OWNER_SCOPES: readonly Scope[] = [
  "vaultbox:read",
  "credential:write",
  "certificate:write",
];

/**
 * What an owner may ask for below the vaultbox, besides reading: method and
 * path. Neither the custody nor a certificate is among it.
 */
const OWNER_CHANGES: readonly RegExp[] = [
  /^POST \/app-credentials$/,
  /^DELETE \/app-credentials\/[^/]+$/,
  /^POST \/mobileconfig$/,
  /^POST \/setup-links$/,
  /^DELETE \/setup-links\/[^/]+$/,
  /^POST \/custody\/confirm$/,
];

/**
 * The API's client, which is documented where it is.
 *
 * @internal
 */
export type Api = Encimap;

/**
 * Opens the API for a session.
 *
 * @param world The dashboard's world.
 * @param session Who asks.
 * @returns The client.
 */
export function apiFor(
  world: Pick<DashboardWorld, "apiUrl" | "tokens" | "now">,
  session: Pick<Session, "grant" | "name">,
): Api {
  const { grant, name } = session;
  const caller = callerOf(grant, name);
  return new Encimap({
    baseUrl: world.apiUrl,
    token: () =>
      mintToken(world.tokens, caller, {
        now: world.now(),
        seconds: TOKEN_SECONDS,
      }),
    ...grant.role === "owner" && {
      fetch: onlyVaultbox(world.apiUrl, grant.vaultboxId),
    },
  });
}

/** In the audit log an operator's name stands; a customer is its own. */
function callerOf(
  grant: Grant,
  name: string,
): Pick<Caller, "userId" | "subject"> & Partial<Pick<Caller, "scopes">> {
  if (grant.role === "operator") {
    return { userId: undefined, subject: `dashboard:${name}` };
  }
  const scopes = grant.role === "customer" ? CUSTOMER_SCOPES : OWNER_SCOPES;
  return { userId: grant.userId, scopes: new Set(scopes) };
}

/**
 * A token cannot name a vaultbox, so the client of an owner is closed here, for
 * everything that is not that vaultbox's.
 */
function onlyVaultbox(
  apiUrl: string,
  vaultboxId: string,
): typeof globalThis.fetch {
  const own = `${apiUrl}/vaultboxes/${vaultboxId}`;
  return (input, init = {}) => {
    const { origin, pathname, searchParams } = new URL(String(input));
    const path = `${origin}${pathname}`;
    const isOwn = path === own || path.startsWith(`${own}/`)
      ? mayAsk(`${init.method} ${path.slice(own.length)}`)
      : isAbout(path, searchParams, init);
    if (!isOwn) throw new AppError("not_found", "Not this vaultbox's");
    return fetch(input, init);
  };

  function mayAsk(asked: string): boolean {
    return asked.startsWith("GET ") ||
      OWNER_CHANGES.some((each) => each.test(asked));
  }

  /**
   * Of what names the vaultbox elsewhere: its messages and its key files. A
   * password that is made for a file names nothing.
   */
  function isAbout(
    path: string,
    query: URLSearchParams,
    init: RequestInit,
  ): boolean {
    if (path === `${apiUrl}/messages`) {
      return init.method === "GET" && query.get("vaultbox_id") === vaultboxId;
    }
    if (path === `${apiUrl}/generate-password`) return true;
    if (path !== `${apiUrl}/bundle` && path !== `${apiUrl}/p12`) return false;
    const body = JSON.parse(String(init.body)) as Record<string, unknown>;
    return body["vaultbox_id"] === vaultboxId;
  }
}
