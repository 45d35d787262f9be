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

/** Programs that `encimap doctor` alone starts. */
export const DOCTORS_PROGRAMS: readonly string[] = [
  "/usr/sbin/postconf",
  "/usr/sbin/dovecot",
  "/usr/bin/doveconf",
  "/usr/bin/openssl",
  "/usr/bin/systemctl",
  "/usr/bin/timedatectl",
];

/**
 * Gives up the start of some programs, which works where the grant names each.
 *
 * @param programs Absolute paths.
 */
export function dropPrograms(programs: readonly string[]): void {
  for (const command of programs) {
    Deno.permissions.revokeSync({ name: "run", command });
  }
}
