/**
 * Whether a key is being rotated.
 *
 * @module
 */

/**
 * Says whether the rotation of a key is not finished: its former one lies beside
 * it until nothing needs that any more.
 *
 * @param keyFile File of the key.
 * @returns Whether the former one is there.
 */
export async function isUnfinished(keyFile: string): Promise<boolean> {
  try {
    await Deno.lstat(`${keyFile}.former`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
