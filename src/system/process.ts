/**
 * What the system says of this process.
 *
 * @module
 */

/**
 * Says how much memory is resident.
 *
 * @returns Octets.
 */
export function residentBytes(): number {
  return Deno.memoryUsage().rss;
}

/**
 * Says when the process started.
 *
 * @returns Seconds since 1970, by the clock of that time.
 */
export function startSeconds(): number {
  return Math.round(performance.timeOrigin) / 1000;
}
