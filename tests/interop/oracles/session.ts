/**
 * An engine at work on many messages.
 *
 * @module
 */

import { temporaryDirectory } from "../../helpers/openssl.ts";
import type {
  Issued,
  Octets,
  TemporaryDirectory,
} from "../../helpers/openssl.ts";

/** It goes away with its scope. */
export interface Session extends AsyncDisposable {
  /**
   * Decrypts a ContentInfo.
   *
   * @param recipient Whose key to use.
   * @param contentInfo EnvelopedData or AuthEnvelopedData.
   * @returns Its content.
   * @throws {Error} If the engine cannot, or does not want to.
   */
  open(recipient: Issued, contentInfo: Octets): Promise<Octets>;
}

/** A program that works in a directory. */
export interface DirectoryProgram {
  /** Puts the recipient's key where the program finds it. */
  prepare(cwd: string, recipient: Issued): Promise<void>;
  /** Makes `content` of `message.der`. */
  open(cwd: string, recipient: Issued): Promise<void>;
  /** Ends what still runs. */
  end?(cwd: string): Promise<void>;
}

/** The directory of one recipient. */
interface Place {
  readonly directory: TemporaryDirectory;
  readonly ready: Promise<void>;
}

/**
 * Gives each recipient a directory with the key in it, once. Two keys in one
 * place would leave open which of them opens a message to both.
 *
 * @param program What works there.
 * @returns What starts it.
 */
export function directorySession(program: DirectoryProgram): () => Session {
  return () => {
    const places = new Map<Issued, Place>();
    const placeOf = async (recipient: Issued): Promise<Place> => {
      const found = places.get(recipient);
      if (found !== undefined) return found;
      const directory = await temporaryDirectory();
      const ready = program.prepare(directory.path, recipient);
      const place = { directory, ready };
      places.set(recipient, place);
      return place;
    };
    return {
      async open(recipient, contentInfo) {
        const { directory: { path }, ready } = await placeOf(recipient);
        await ready;
        await Deno.writeFile(`${path}/message.der`, contentInfo);
        await Deno.remove(`${path}/content`).catch(() => {});
        await program.open(path, recipient);
        return await Deno.readFile(`${path}/content`);
      },
      async [Symbol.asyncDispose]() {
        for (const { directory } of places.values()) {
          await program.end?.(directory.path);
          await directory[Symbol.asyncDispose]();
        }
      },
    };
  };
}
