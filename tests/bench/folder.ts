/**
 * Where the bench writes.
 *
 * @module
 */

/**
 * Makes all temporary folders of this process lie on the disk, each in another
 * part of it.
 *
 * ext4 gives the inode of a removed file to nobody for minutes, and looks at each
 * such inode again for every new file nearby: a run after a run that has cleaned
 * up would pay for it, with a third of its time. Folders below one that has the
 * attribute T of chattr(1) are put far from each other.
 *
 * @returns What removes it.
 */
export async function benchFolder(): Promise<AsyncDisposable> {
  // Not in /tmp, which may be memory.
  const path = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "encimap-" });
  await Deno.chmod(path, 0o755);
  // Other file systems have no such attribute, and no such habit.
  await new Deno.Command("chattr", { args: ["+T", path], stderr: "null" })
    .output();
  Deno.env.set("TMPDIR", path);
  return {
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
