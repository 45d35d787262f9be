/**
 * Private keys as files, each encrypted under the master key.
 *
 * A file is what {@linkcode seal} makes; the additional authenticated data bind
 * it to its vaultbox and certificate, so that a file put in another's place does
 * not open.
 *
 * @module
 */

import { join } from "node:path";
import type { KeyName, PrivateKeys } from "../app.ts";
import { destroyFiles, replaceFile } from "../system/files.ts";
import { open, seal } from "./sealed.ts";

/** Ending of a key's file. */
const SUFFIX = ".key";

/**
 * Reads the file of a 256-bit key.
 *
 * @param path File with 64 hexadecimal digits.
 * @returns The key, 32 octets.
 * @throws {Error} If it cannot be read or holds something else; the message
 * names the file and not its content.
 */
export async function readKeyFile(
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const text = (await Deno.readTextFile(path)).trim();
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new Error(`${path} must hold 64 hexadecimal digits`);
  }
  return Uint8Array.fromHex(text);
}

/**
 * Opens the store.
 *
 * @param directory Folder of the files, which must exist.
 * @param masterKey Key of {@linkcode importMasterKey}.
 * @returns The store.
 */
export function openPrivateKeys(
  directory: string,
  masterKey: CryptoKey,
): PrivateKeys {
  const pathOf = (id: string): string => join(directory, `${id}${SUFFIX}`);
  return {
    async store(name, pkcs8) {
      const content = await seal(masterKey, bound(name), pkcs8);
      await replaceFile(pathOf(name.certificateId), content, 0o600);
    },
    async read(name) {
      let content: Uint8Array;
      try {
        content = await Deno.readFile(pathOf(name.certificateId));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
      return await open(masterKey, bound(name), content);
    },
    async remove(certificateIds) {
      await destroyFiles(directory, certificateIds.map(pathOf));
    },
    async list() {
      const ids: string[] = [];
      for await (const entry of Deno.readDir(directory)) {
        if (entry.isFile && entry.name.endsWith(SUFFIX)) {
          ids.push(entry.name.slice(0, -SUFFIX.length));
        }
      }
      return ids;
    },
  };
}

function bound(name: KeyName): string {
  return `encimap key 1\n${name.vaultboxId}\n${name.fingerprintSha256}`;
}
