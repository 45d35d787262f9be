/**
 * A mailbox on another server as the source of an import.
 *
 * @module
 */

import type { ImapFolder, ImapReader } from "../system/imap.ts";
import { ImapRefusal } from "../system/imap_connection.ts";
import type { SourceMessage } from "./import.ts";
import { UnreadableMessage } from "./left_out.ts";

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

/** Messages of a folder that are named as not listed, at most. */
const UNLISTED_MAX = 20;

/** Characters of a folder's name, at most. */
const NAME_MAX = 200;

/**
 * Reads a mailbox. What is there already is not fetched: UIDs stand for
 * messages.
 *
 * @param connection The mailbox; it is closed at the end.
 * @param account Server and user, which stand for it in identities.
 * @param leftOut Is told of folders, and of messages, that the server does not
 * give.
 * @yields Its messages, folder by folder.
 */
export async function* imapSource(
  connection: ImapReader,
  account: string,
  leftOut: (what: string, why: string) => void,
): AsyncGenerator<SourceMessage, void> {
  using reader = connection;
  for (const folder of await reader.folders()) {
    const opened = await examined(reader, folder.name);
    if (opened instanceof ImapRefusal) {
      leftOut(`folder ${folder.name}`, opened.message);
      continue;
    }
    const { uidValidity, messages, unlisted } = opened;
    for (let n = 0; n < Math.min(unlisted, UNLISTED_MAX); n++) {
      leftOut(
        `a message in ${folder.name}`,
        "is there, and the server does not list it",
      );
    }
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
        chunks: () => message(reader, uid),
        facts: () => facts,
      };
    }
  }
}

/** One folder that cannot be opened does not keep the others out. */
async function examined(
  reader: ImapReader,
  name: string,
): Promise<Awaited<ReturnType<ImapReader["examine"]>> | ImapRefusal> {
  try {
    return await reader.examine(name);
  } catch (error) {
    if (error instanceof ImapRefusal) return error;
    throw error;
  }
}

async function* message(
  reader: ImapReader,
  uid: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  try {
    yield* reader.message(uid);
  } catch (error) {
    if (!(error instanceof ImapRefusal)) throw error;
    throw new UnreadableMessage(error.message, { cause: error });
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
