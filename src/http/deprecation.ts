/**
 * Saying that a route will go.
 *
 * @module
 */

import type { Route } from "./route.ts";

/** When a route is deprecated, and when it ends. */
export interface Deprecation {
  /** Since when it should not be used any more. */
  readonly since: Date;
  /** When it answers no more; not before a year after `since`. */
  readonly sunset: Date;
}

/**
 * Marks every route that is not marked yet, as all of v1 will be when there is
 * a v2.
 *
 * @param routes The routes.
 * @param deprecation When.
 * @returns The routes, marked.
 */
export function deprecateAll(
  routes: readonly Route[],
  deprecation: Deprecation,
): Route[] {
  return routes.map((route) => ({ deprecation, ...route }));
}

/**
 * Says it in header fields.
 *
 * @param deprecation When.
 * @returns `Deprecation` (RFC 9745 section 2) and `Sunset` (RFC 8594 section 3).
 */
export function deprecationHeaders(
  { since, sunset }: Deprecation,
): Record<string, string> {
  return {
    "Deprecation": `@${Math.floor(since.getTime() / 1000)}`,
    "Sunset": sunset.toUTCString(),
  };
}
