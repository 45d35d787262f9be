/**
 * A mailbox on another server as the source of an import.
 *
 * @module
 */

import type { ImapFolder, ImapReader } from "../system/imap.ts";
import type { SourceMessage } from "./import.ts";

/** Folders that clients expect under one name, RFC 6154. */
const SPECIAL_USE: Readonly<Record<string, string>> = {
  "\\sent": ".Sent",
  "\\drafts": ".Drafts",
  "\\trash": ".Trash",
  "\\junk": ".Junk",
  "\\archive": ".Archive",
};

/** Flags of IMAP, and what they are in a Maildir, in its order. */
const FLAGS: readonly (readonly [string, string])[] = [
  ["\\draft", "D"],
  ["\\flagged", "F"],
  ["$forwarded", "P"],
  ["\\answered", "R"],
  ["\\seen", "S"],
  ["\\deleted", "T"],
];

/** Characters of a folder's name, at most. */
const NAME_MAX = 200;

/**
 * Reads a mailbox. What is there already is not fetched: UIDs stand for
 * messages.
 *
 * @param connection The mailbox; it is closed at the end.
 * @param account Server and user, which stand for it in identities.
 * @yields Its messages, folder by folder.
 */
export async function* imapSource(
  connection: ImapReader,
  account: string,
): AsyncGenerator<SourceMessage, void> {
  using reader = connection;
  for (const folder of await reader.folders()) {
    const { uidValidity, messages } = await reader.examine(folder.name);
    for (const { uid, flags, internalDate } of messages) {
      const has = flags.map((flag) => flag.toLowerCase());
      const letters = FLAGS.filter(([flag]) => has.includes(flag));
      const modified = Number.isNaN(internalDate.getTime())
        ? new Date(0)
        : internalDate;
      const facts = {
        flags: letters.map(([, letter]) => letter).join(""),
        modified,
      };
      yield {
        folder: folderOf(folder),
        name: `UID ${uid} in ${folder.name}`,
        origin: [
          "imap",
          account,
          encodeURI(folder.name),
          uidValidity,
          `${uid}`,
        ],
        hasLabels: has.some((flag) =>
          !flag.startsWith("\\") && flag !== "$forwarded"
        ),
        chunks: () => reader.message(uid),
        facts: () => facts,
      };
    }
  }
}

/**
 * Names a folder as Maildir++ does. Nothing of a server's name becomes a path of
 * its own.
 *
 * @param folder The folder on the other server.
 * @returns `INBOX`, or a name with a dot in front.
 */
export function folderOf(
  { name, separator, attributes }: ImapFolder,
): string {
  for (const attribute of attributes) {
    const special = SPECIAL_USE[attribute.toLowerCase()];
    if (special !== undefined) return special;
  }
  const parts = (separator === undefined ? [name] : name.split(separator))
    .map((part) => part.replace(/[^ -~]|[./]/g, "_") || "_");
  // Some servers have all folders below INBOX.
  if (parts[0]!.toUpperCase() === "INBOX") parts.shift();
  if (parts.length === 0) return "INBOX";
  return `.${parts.join(".")}`.slice(0, NAME_MAX);
}
