/**
 * The hunt for plaintext: looks for canaries in files, in all the forms that a
 * program could write them in.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { run } from "../helpers/openssl.ts";
import type { Canaries } from "./mail.ts";

/**
 * Makes the forms of the canaries: as they are, in base64 at each of its three
 * places, in hexadecimal, in UTF-16.
 *
 * @param canaries The words.
 * @returns The forms, octets.
 */
export function formsOf(canaries: Canaries): Uint8Array<ArrayBuffer>[] {
  return [canaries.body, canaries.attachment].flatMap((word) => {
    const octets = Buffer.from(word);
    const texts = [word, octets.toString("hex")];
    for (const offset of [0, 1, 2]) {
      // The letters at both ends depend on what stands beside the word.
      const base64 = Buffer.concat([Buffer.alloc(offset), octets])
        .toString("base64").replace(/=+$/, "");
      const lead = offset === 0 ? 0 : offset + 1;
      // One line of base64 may break in the middle of it: a part is enough.
      texts.push(base64.slice(lead, lead + 24));
    }
    return [
      ...texts.map((text) => new Uint8Array(Buffer.from(text))),
      new Uint8Array(Buffer.from(word, "utf16le")),
    ];
  });
}

/**
 * Looks for canaries.
 *
 * @param canaries The words.
 * @param places Files and folders; what is missing is passed over.
 * @returns Files that have one. Files that vanish meanwhile are passed over.
 */
export async function hunt(
  canaries: Canaries,
  places: readonly string[],
): Promise<string[]> {
  const patterns = formsOf(canaries).flatMap((form) => [...form, 10]);
  const there = places.filter((place) => {
    try {
      return Deno.lstatSync(place) !== undefined;
    } catch {
      return false;
    }
  });
  if (there.length === 0) return [];
  // By a pipe: a file of patterns would be found itself.
  const stdout = await run("grep", [
    ...["-rlasF", "--devices=skip", "-f", "-", "--"],
    ...there,
    // Octets, not letters: else what is no UTF-8 is passed over. Status 2: a
    // file has vanished.
  ], {
    cwd: "/",
    stdin: Uint8Array.from(patterns),
    env: { LC_ALL: "C" },
    statuses: [0, 1, 2],
  });
  return new TextDecoder().decode(stdout).split("\n").filter((l) => l !== "");
}

/**
 * Lists regular files that a process has open, unlinked ones too, as paths that
 * can be read.
 *
 * @param pid The process.
 * @returns Paths under /proc.
 */
export function openFiles(pid: number): string[] {
  const found: string[] = [];
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${name}`;
      try {
        // Only what it has made itself: not the program and its libraries.
        if (Deno.statSync(path).isFile) found.push(path);
      } catch {
        // Closed meanwhile.
      }
    }
  } catch {
    // The process has ended.
  }
  return found;
}
