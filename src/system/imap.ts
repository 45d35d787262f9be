/**
 * A reader of IMAP mailboxes: folders, flags and messages, nothing else.
 *
 * What the server says is hostile: lines, names and times have limits.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc3501 | RFC 3501}
 */

import {
  ImapConnection,
  ImapRefusal,
  type ImapStream,
  isEnd,
} from "./imap_connection.ts";

/** Folders, at most. */
const FOLDERS_MAX = 10_000;

/** Flags and keywords of a message that are known, at most. */
const FLAGS_MAX = 100;

/** Where a mailbox is. */
export interface ImapServer {
  /** Host name, which its certificate must have. */
  readonly hostname: string;
  /** Port of IMAP with TLS from the start, RFC 8314 §3.2. */
  readonly port: number;
  /** User name, printable ASCII. */
  readonly user: string;
  /** Password, printable ASCII. */
  readonly password: string;
  /** Certificates of authorities besides the known ones, PEM. */
  readonly caCerts: readonly string[];
}

/** A folder. */
export interface ImapFolder {
  /** Name as the server has it, in modified UTF-7. */
  readonly name: string;
  /** What is between levels of a name; undefined if there are none. */
  readonly separator: string | undefined;
  /** Attributes, as `\Sent` (RFC 6154). */
  readonly attributes: readonly string[];
}

/** A message in the folder that is open. */
export interface ImapMessage {
  /** UID. */
  readonly uid: number;
  /** Flags and keywords. */
  readonly flags: readonly string[];
  /** INTERNALDATE. */
  readonly internalDate: Date;
}

/** A connection to a mailbox; disposing of it closes it. */
export class ImapReader implements Disposable {
  readonly #connection: ImapConnection;

  private constructor(connection: ImapConnection) {
    this.#connection = connection;
  }

  /**
   * Connects and logs in.
   *
   * @param server Where.
   * @returns The connection.
   * @throws {Error} If it cannot be done; the message has no password.
   */
  static async open(server: ImapServer): Promise<ImapReader> {
    const { hostname, port, caCerts } = server;
    const options = { hostname, port, caCerts: [...caCerts] };
    return await ImapReader.over(await Deno.connectTls(options), server);
  }

  /**
   * Logs in over a connection.
   *
   * @param stream The connection; it is closed if that fails.
   * @param login User name and password.
   * @returns The connection.
   * @throws {Error} If it cannot be done; the message has no password.
   */
  static async over(
    stream: ImapStream,
    { user, password }: Pick<ImapServer, "user" | "password">,
  ): Promise<ImapReader> {
    const connection = await ImapConnection.open(stream);
    try {
      const login = `LOGIN ${quoted(user)} ${quoted(password)}`;
      await connection.command(login, "LOGIN");
      return new ImapReader(connection);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Lists the folders that can be opened.
   *
   * @returns The folders.
   */
  async folders(): Promise<ImapFolder[]> {
    const folders: ImapFolder[] = [];
    await this.#connection.command('LIST "" "*"', "LIST", (line, literal) => {
      const match = /^\* LIST \(([^)]*)\) (NIL|"(?:\\.|[^"\\])") (.*)$/i
        .exec(line.text);
      if (match === null) return;
      const [, attributes, separator, rest] = match;
      const name = literal ?? unquoted(rest!);
      const has = attributes!.split(" ").filter((each) => each !== "");
      if (has.some((each) => /^\\(?:noselect|nonexistent)$/i.test(each))) {
        return;
      }
      if (folders.length >= FOLDERS_MAX) {
        throw new Error("the server has too many folders");
      }
      folders.push({
        name,
        separator: separator!.toUpperCase() === "NIL"
          ? undefined
          : unquoted(separator!),
        attributes: has,
      });
    });
    return folders;
  }

  /**
   * Opens a folder, read-only, and lists its messages.
   *
   * @param name Its name.
   * @returns UIDVALIDITY, the messages (some hundred octets of memory each), and
   * how many more the server has said that there are.
   * @throws {ImapRefusal} If the folder cannot be opened, or the server does not
   * say its UIDVALIDITY: without it a UID stands for nothing.
   */
  async examine(
    name: string,
  ): Promise<
    { uidValidity: string; messages: ImapMessage[]; unlisted: number }
  > {
    let uidValidity: string | undefined;
    let exists = 0;
    const count = (text: string): void => {
      const [, number, what] = /^\* (\d{1,10}) (EXISTS|EXPUNGE)$/i.exec(text) ??
        [];
      if (number === undefined) return;
      exists = what!.toUpperCase() === "EXISTS" ? Number(number) : exists - 1;
    };
    await this.#connection.command(
      `EXAMINE ${quoted(name)}`,
      "EXAMINE",
      ({ text }) => {
        count(text);
        uidValidity = /^\* OK \[UIDVALIDITY (\d{1,10})\]/i.exec(text)?.[1] ??
          uidValidity;
      },
    );
    if (uidValidity === undefined) {
      throw new ImapRefusal("the server says no UIDVALIDITY");
    }
    const messages: ImapMessage[] = [];
    const fetch = "UID FETCH 1:* (UID FLAGS INTERNALDATE)";
    await this.#connection.command(fetch, "FETCH", ({ text }) => {
      count(text);
      const uid = /\bUID (\d{1,10})/i.exec(text)?.[1];
      const flags = /\bFLAGS \(([^)]*)\)/i.exec(text)?.[1];
      const date = /\bINTERNALDATE "([^"]*)"/i.exec(text)?.[1];
      if (uid === undefined || flags === undefined || date === undefined) {
        return;
      }
      messages.push({
        uid: Number(uid),
        flags: flags.split(" ", FLAGS_MAX).filter((each) => each !== ""),
        internalDate: dateOf(date),
      });
    });
    const unlisted = Math.max(0, exists - messages.length);
    return { uidValidity, messages, unlisted };
  }

  /**
   * Reads a message of the folder that is open, and leaves it unseen.
   *
   * @param uid Its UID.
   * @yields Its octets; those that nobody takes are passed over.
   * @throws {ImapRefusal} If it is gone, or the server does not give it.
   */
  async *message(uid: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const tag = await this.#connection.send(`UID FETCH ${uid} (BODY.PEEK[])`);
    let isThere = false;
    for (;;) {
      const line = await this.#connection.line();
      if (isEnd(line, tag, "FETCH")) break;
      if (line.literal === undefined) {
        if (/\bBODY\[\] ""/i.test(line.text)) isThere = true;
        continue;
      }
      // A second one is no part of it.
      if (isThere || !/\bBODY\[\]$/i.test(line.text.trimEnd())) {
        await this.#connection.shortLiteral(line.literal);
        continue;
      }
      isThere = true;
      let isWhole = false;
      try {
        yield* this.#connection.octets(line.literal);
        isWhole = true;
      } finally {
        // Whoever reads no further has the next answer before him.
        if (!isWhole) await this.#connection.answer(tag, "FETCH", () => {});
      }
    }
    if (!isThere) {
      throw new ImapRefusal("the server does not give the message");
    }
  }

  /** Ends the connection. */
  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

/** Reads a date-time, as ` 1-Jan-2020 12:00:00 +0100`. */
function dateOf(text: string): Date {
  const match = /^ ?(\d{1,2})-([A-Z][a-z]{2})-(\d{4}) ([\d:]{8}) ([+-]\d{4})$/
    .exec(text);
  if (match === null) return new Date(NaN);
  const [, day, month, year, time, zone] = match;
  return new Date(`${day} ${month} ${year} ${time} ${zone}`);
}

function quoted(text: string): string {
  if (!/^[ -~]*$/.test(text)) {
    throw new RangeError("Cannot send it as it must be printable ASCII");
  }
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

function unquoted(text: string): string {
  const match = /^"(.*)"$/.exec(text);
  return match === null ? text : match[1]!.replace(/\\(.)/g, "$1");
}
