/**
 * Private keys as files, each encrypted under the master key.
 *
 * A file is a 12-octet nonce and an AES-256-GCM ciphertext with its 16-octet
 * tag; the additional authenticated data bind it to its vaultbox and
 * certificate, so that a file put in another's place does not open.
 *
 * @module
 */

import { join } from "node:path";
import type { KeyName, PrivateKeys } from "../app.ts";
import { removeIfThere, replaceFile } from "../system/files.ts";

/** Octets of the nonce, NIST SP 800-38D section 5.2.1.1. */
const NONCE_BYTES = 12;

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
 * @param masterKey 32 octets.
 * @returns The store.
 */
export async function openPrivateKeys(
  directory: string,
  masterKey: Uint8Array<ArrayBuffer>,
): Promise<PrivateKeys> {
  const key = await crypto.subtle.importKey(
    "raw",
    masterKey,
    "AES-GCM",
    false,
    [
      "encrypt",
      "decrypt",
    ],
  );
  const pathOf = (id: string): string => join(directory, `${id}${SUFFIX}`);
  return {
    async store(name, pkcs8) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const sealed = await crypto.subtle.encrypt(gcm(iv, name), key, pkcs8);
      const content = new Uint8Array(NONCE_BYTES + sealed.byteLength);
      content.set(iv);
      content.set(new Uint8Array(sealed), NONCE_BYTES);
      await replaceFile(pathOf(name.certificateId), content, 0o600);
    },
    async read(name) {
      let content: Uint8Array<ArrayBuffer>;
      try {
        content = await Deno.readFile(pathOf(name.certificateId));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
      const iv = content.slice(0, NONCE_BYTES);
      const sealed = content.slice(NONCE_BYTES);
      return new Uint8Array(
        await crypto.subtle.decrypt(gcm(iv, name), key, sealed),
      );
    },
    async remove(certificateIds) {
      for (const id of certificateIds) await removeIfThere(pathOf(id));
    },
    async list() {
      const ids: string[] = [];
      for await (const entry of Deno.readDir(directory)) {
        if (entry.name.endsWith(SUFFIX)) {
          ids.push(entry.name.slice(0, -SUFFIX.length));
        }
      }
      return ids;
    },
  };
}

function gcm(iv: Uint8Array<ArrayBuffer>, name: KeyName): AesGcmParams {
  const bound = `encimap key 1\n${name.vaultboxId}\n${name.fingerprintSha256}`;
  return {
    name: "AES-GCM",
    iv,
    additionalData: new TextEncoder().encode(bound),
  };
}
