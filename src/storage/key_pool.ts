/**
 * Private keys made ahead, each in a file encrypted under the master key.
 *
 * A file is named by the kind of its key and a UUID, and holds what
 * {@linkcode seal} makes; the additional authenticated data say that it is of
 * the pool, so that it never opens as the key of a vaultbox, nor one of those
 * here.
 *
 * @module
 */

import { join } from "node:path";
import type { KeyPool } from "../app.ts";
import {
  makeDirectory,
  removeIfThere,
  syncDirectory,
} from "../system/files.ts";
import { open, seal } from "./sealed.ts";

/** Ending of a key's file. */
const SUFFIX = ".key";

/**
 * Opens the pool. Its folder is made with the first key.
 *
 * @param directory Folder of the files; its parent must exist.
 * @param masterKey Key of {@linkcode importMasterKey}.
 * @param kind Kind of the keys that are taken, as `rsa-2048`.
 * @returns The pool.
 */
export function openKeyPool(
  directory: string,
  masterKey: CryptoKey,
  kind: string,
): KeyPool {
  // Names that were there at the last look; others may have taken them.
  let known: string[] = [];
  const isWanted = (name: string): boolean =>
    name.startsWith(`${kind}-`) && name.endsWith(SUFFIX);

  /** Removes a file; only one process sees it succeed. */
  async function claim(name: string): Promise<Uint8Array | undefined> {
    const path = join(directory, name);
    try {
      const content = await Deno.readFile(path);
      return await removeIfThere(path) ? content : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  return {
    async take() {
      if (known.length === 0) {
        known = (await namesIn(directory)).filter(isWanted);
      }
      for (;;) {
        const name = known.pop();
        if (name === undefined) return undefined;
        const content = await claim(name);
        if (content === undefined) continue;
        const key = await open(masterKey, bound(name), content)
          .catch(() => undefined);
        if (key === undefined) continue;
        // Before anybody has the key: after a power failure it must not lie
        // here again.
        await syncDirectory(directory);
        return key;
      }
    },
    async put(pkcs8) {
      const name = `${kind}-${crypto.randomUUID()}${SUFFIX}`;
      const content = await seal(masterKey, bound(name), pkcs8);
      const temporary = join(directory, `${name}.tmp`);
      // Not durable: what a power failure damages does not open.
      await Deno.writeFile(temporary, content, { mode: 0o600 });
      await Deno.rename(temporary, join(directory, name));
    },
    async trim(count) {
      await makeDirectory(directory, 0o700);
      const names = await namesIn(directory);
      const kept = new Set(names.filter(isWanted).slice(0, count));
      for (const name of names) {
        if (!kept.has(name)) await removeIfThere(join(directory, name));
      }
      return kept.size;
    },
  };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function bound(name: string): string {
  return `encimap pool 1\n${name}`;
}
