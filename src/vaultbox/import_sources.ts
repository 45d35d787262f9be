/**
 * Sources of an import that are files.
 *
 * @module
 */

import { fieldTexts, splitEntity } from "../mail/header.ts";
import { mboxMessages, separatorTime } from "../mail/mbox.ts";
import { readFound } from "../storage/mail_files.ts";
import {
  flagsOf,
  sourceFiles,
  sourceFolders,
} from "../storage/maildir_source.ts";
import type { SourceMessage } from "./import.ts";
import { readable } from "./left_out.ts";

/**
 * Reads a tree of Maildirs.
 *
 * @param root Its directory.
 * @param leftOut Is told of what is no plain file or cannot be read.
 * @yields Its messages, folder by folder.
 */
export async function* maildirSource(
  root: string,
  leftOut: (path: string) => void,
): AsyncGenerator<SourceMessage, void> {
  for (const { folder, path } of await sourceFolders(root)) {
    for (const each of await sourceFiles(path)) {
      const found = await readFound(each.path);
      // Gone: its program has changed its flags meanwhile; the next run has it.
      if (found.is !== "file") {
        leftOut(each.path);
        continue;
      }
      await using file = found;
      const { flags } = each;
      yield {
        folder,
        name: each.path,
        origin: undefined,
        hasLabels: each.hasKeywords,
        chunks: () => readable(file.chunks()),
        facts: () => ({ flags, modified: file.modified }),
      };
    }
  }
}

/** Letters of `Status` and `X-Status`, and what they are in a Maildir. */
const STATUS_FLAGS: Readonly<Record<string, string>> = {
  R: "S",
  A: "R",
  F: "F",
  T: "D",
  D: "T",
};

/** Bits of `X-Mozilla-Status`, and what they are in a Maildir. */
const MOZILLA_FLAGS: readonly (readonly [number, string])[] = [
  [0x0001, "S"],
  [0x0002, "R"],
  [0x0004, "F"],
  [0x1000, "P"],
];

/** The message was moved or removed, and the file not compacted since. */
const MOZILLA_EXPUNGED = 0x0008;

/**
 * Reads an mbox. Flags are those of Status and X-Status, or of Thunderbird's
 * X-Mozilla-Status.
 *
 * @param input The file.
 * @param folder Where its messages go, as Maildir++ has it.
 * @param now When messages came that say nothing of it.
 * @yields Its messages.
 * @throws {SyntaxError} If it is no mbox.
 */
export async function* mboxSource(
  input: AsyncIterable<Uint8Array<ArrayBuffer>>,
  folder: string,
  now: Date,
): AsyncGenerator<SourceMessage, void> {
  let number = 0;
  for await (const { separator, chunks } of mboxMessages(input)) {
    number++;
    yield {
      folder,
      name: `message ${number}`,
      origin: undefined,
      hasLabels: false,
      chunks: () => chunks,
      facts(head) {
        const { header } = splitEntity(head);
        const textOf = (name: string): string =>
          fieldTexts(header, name)[0] ?? "";
        const mozilla = parseInt(textOf("X-Mozilla-Status"), 16) || 0;
        if (mozilla & MOZILLA_EXPUNGED) return undefined;
        const status = textOf("Status") + textOf("X-Status");
        const letters = [...status].map((each) => STATUS_FLAGS[each] ?? "");
        for (const [bit, letter] of MOZILLA_FLAGS) {
          if (mozilla & bit) letters.push(letter);
        }
        const date = new Date(textOf("Date"));
        const modified = separatorTime(separator) ??
          (Number.isNaN(date.getTime()) ? now : date);
        return { flags: flagsOf(letters.join("")), modified };
      },
    };
  }
}
