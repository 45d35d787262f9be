/**
 * Saying that a route will go.
 *
 * @module
 */

/** When a route is deprecated, and when it ends. */
export interface Deprecation {
  /** Since when it should not be used any more. */
  readonly since: Date;
  /** When it answers no more; not before a year after `since`. */
  readonly sunset: Date;
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
