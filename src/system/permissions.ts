/**
 * Permissions that a process gives up for good.
 *
 * @module
 */

/**
 * Gives up whole classes of permissions. A single path under a broad grant
 * cannot be given up.
 *
 * @param names Classes.
 */
export function dropPermissions(
  ...names: readonly ("run" | "write" | "env" | "sys")[]
): void {
  for (const name of names) Deno.permissions.revokeSync({ name });
}
