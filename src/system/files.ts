/**
 * Files that are complete or absent, also after a power failure.
 *
 * @module
 */

import { type FileHandle, lstat, open } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a new file and makes its content durable.
 *
 * The name is durable only after {@linkcode syncDirectory}.
 *
 * @param path File to make; it must not exist.
 * @param content Content.
 * @param mode Permission bits, less the umask.
 */
export async function writeDurable(
  path: string,
  content: Uint8Array,
  mode: number,
): Promise<void> {
  const file = await open(path, "wx", mode);
  try {
    await writeAll(file, content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Writes octets to an open file, all of them.
 *
 * @param file The file.
 * @param octets What is written.
 * @param position Offset in the file; where the last write ended if left out.
 */
export async function writeAll(
  file: FileHandle,
  octets: Uint8Array,
  position?: number,
): Promise<void> {
  for (let offset = 0; offset < octets.length;) {
    const { bytesWritten } = await file.write(
      octets,
      offset,
      octets.length - offset,
      position === undefined ? null : position + offset,
    );
    offset += bytesWritten;
  }
}

/**
 * Makes the names in a directory durable.
 *
 * @param path The directory.
 */
export async function syncDirectory(path: string): Promise<void> {
  // To open a directory takes microseconds and waits for no disk that the file
  // in it has not waited for; to have another thread do it takes longer.
  // deno-lint-ignore no-sync-fn-in-async-fn
  using directory = Deno.openSync(path);
  await directory.sync();
}

/**
 * Makes a directory, durably, if it is not there.
 *
 * @param path The directory; its parent must exist.
 * @param mode Permission bits, less the umask.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await Deno.mkdir(path, { mode });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Replaces a file in one step: a reader sees the old content or the new, never
 * a part, even across a power failure.
 *
 * @param path File to replace; its directory must exist.
 * @param content New content.
 * @param mode Permission bits, less the umask.
 */
export async function replaceFile(
  path: string,
  content: Uint8Array,
  mode: number,
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await writeDurable(temporary, content, mode);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(path));
}

/**
 * Says whether something is at a path, be it a link that leads nowhere.
 *
 * @param path The path.
 * @returns Whether it is; false as well where this process may not look.
 */
export async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(() => true, () => false);
}

/**
 * Removes a file or a whole directory.
 *
 * @param path What to remove.
 * @returns Whether it was there.
 */
export async function removeIfThere(path: string): Promise<boolean> {
  try {
    await Deno.remove(path, { recursive: true });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Destroys files that may be there: each is overwritten with random octets and
 * removed, and when this returns no power failure brings one back. What the
 * disk, a snapshot or a backup keeps of the old octets is beyond a program.
 *
 * @param directory Their directory.
 * @param paths The files, all in it.
 */
export async function destroyFiles(
  directory: string,
  paths: readonly string[],
): Promise<void> {
  for (const path of paths) {
    try {
      await overwrite(path);
      await Deno.remove(path);
    } catch (error) {
      // Gone before; the synchronization below is for that removal, too.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  if (paths.length > 0) await syncDirectory(directory);
}

async function overwrite(path: string): Promise<void> {
  using file = await Deno.open(path, { write: true });
  const { size } = await file.stat();
  const noise = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)));
  await file.write(noise);
  await file.syncData();
}
