/**
 * A reader of IMAP mailboxes: folders, flags and messages, nothing else.
 *
 * What the server says is hostile: lines, names and times have limits.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc3501 | RFC 3501}
 */

/** Octets of a line, at most. */
const LINE_MAX = 65_536;

/** Milliseconds that the server has for its next octets. */
const WAIT_MS = 60_000;

const LF = 0x0a;

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

/** Some octets of an answer: a line without its end, or a literal. */
interface Line {
  readonly text: string;
  /** Octets of the literal that follows; undefined if none does. */
  readonly literal: number | undefined;
}

/** A connection to a mailbox; disposing of it closes it. */
export class ImapReader implements Disposable {
  readonly #connection: Deno.TlsConn;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array();
  #tag = 0;

  private constructor(connection: Deno.TlsConn) {
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
    const connection = await Deno.connectTls({
      hostname,
      port,
      caCerts: [...caCerts],
    });
    const reader = new ImapReader(connection);
    try {
      const greeting = await reader.#line();
      if (!greeting.text.startsWith("* OK")) {
        throw refused("greeting", greeting);
      }
      const login = `LOGIN ${quoted(server.user)} ${quoted(server.password)}`;
      await reader.#command(login, "LOGIN");
      return reader;
    } catch (error) {
      connection.close();
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
    await this.#command('LIST "" "*"', "LIST", async (line) => {
      const match = /^\* LIST \(([^)]*)\) (NIL|"(?:\\.|[^"\\])") (.*)$/i
        .exec(line.text);
      if (match === null) return;
      const [, attributes, separator, rest] = match;
      const name = line.literal === undefined
        ? unquoted(rest!)
        : await this.#shortLiteral(line.literal);
      const has = attributes!.split(" ").filter((each) => each !== "");
      if (has.some((each) => /^\\(?:noselect|nonexistent)$/i.test(each))) {
        return;
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
   * @returns UIDVALIDITY, and the messages; some hundred octets of memory each.
   */
  async examine(
    name: string,
  ): Promise<{ uidValidity: string; messages: ImapMessage[] }> {
    let uidValidity = "";
    await this.#command(`EXAMINE ${quoted(name)}`, "EXAMINE", (line) => {
      uidValidity = /^\* OK \[UIDVALIDITY (\d+)\]/i.exec(line.text)?.[1] ??
        uidValidity;
    });
    const messages: ImapMessage[] = [];
    const fetch = "UID FETCH 1:* (UID FLAGS INTERNALDATE)";
    await this.#command(fetch, "FETCH", ({ text }) => {
      const uid = /\bUID (\d{1,10})/i.exec(text)?.[1];
      const flags = /\bFLAGS \(([^)]*)\)/i.exec(text)?.[1];
      const date = /\bINTERNALDATE "([^"]*)"/i.exec(text)?.[1];
      if (uid === undefined || flags === undefined || date === undefined) {
        return;
      }
      messages.push({
        uid: Number(uid),
        flags: flags.split(" ").filter((each) => each !== ""),
        internalDate: dateOf(date),
      });
    });
    return { uidValidity, messages };
  }

  /**
   * Reads a message of the folder that is open, and leaves it unseen.
   *
   * @param uid Its UID.
   * @yields Its octets; those that nobody takes are passed over.
   * @throws {Error} If it is gone.
   */
  async *message(uid: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const tag = await this.#send(`UID FETCH ${uid} (BODY.PEEK[])`);
    let isThere = false;
    for (;;) {
      const line = await this.#line();
      if (isEnd(line, tag, "FETCH")) break;
      if (line.literal === undefined) {
        if (/\bBODY\[\] ""/i.test(line.text)) isThere = true;
        continue;
      }
      if (!/\bBODY\[\]$/i.test(line.text.trimEnd())) {
        await this.#shortLiteral(line.literal);
        continue;
      }
      isThere = true;
      yield* this.#octets(line.literal);
    }
    if (!isThere) throw new Error("the message is gone from the server");
  }

  /** Ends the connection. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }

  async #send(command: string): Promise<string> {
    const tag = `A${++this.#tag}`;
    const octets = new TextEncoder().encode(`${tag} ${command}\r\n`);
    for (let rest = octets; rest.length > 0;) {
      rest = rest.subarray(await this.#connection.write(rest));
    }
    return tag;
  }

  async #command(
    command: string,
    name: string,
    take: (line: Line) => void | Promise<void> = () => {},
  ): Promise<void> {
    const tag = await this.#send(command);
    for (;;) {
      const line = await this.#line();
      if (isEnd(line, tag, name)) return;
      await take(line);
    }
  }

  /** Reads a line; of the octets behind a literal's length none is read. */
  async #line(): Promise<Line> {
    let end: number;
    while ((end = this.#buffer.indexOf(LF)) < 0) {
      if (this.#buffer.length > LINE_MAX) throw new Error("a line is too long");
      await this.#fill();
    }
    const octets = this.#buffer.subarray(0, end);
    const text = new TextDecoder("latin1").decode(octets).replace(/\r$/, "");
    this.#buffer = this.#buffer.slice(end + 1);
    const match = /\{(\d{1,10})\}$/.exec(text);
    return match === null ? { text, literal: undefined } : {
      text: text.slice(0, match.index),
      literal: Number(match[1]),
    };
  }

  async *#octets(
    length: number,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    let left = length;
    const take = async (): Promise<Uint8Array<ArrayBuffer>> => {
      if (this.#buffer.length === 0) await this.#fill();
      const part = this.#buffer.slice(0, left);
      this.#buffer = this.#buffer.slice(part.length);
      left -= part.length;
      return part;
    };
    let isWanted = false;
    try {
      while (left > 0) {
        const part = await take();
        isWanted = true;
        yield part;
        isWanted = false;
      }
    } finally {
      // Whoever has sent a message that is read no further must not write what is
      // taken for answers of the server.
      while (isWanted && left > 0) await take();
    }
  }

  async #shortLiteral(length: number): Promise<string> {
    if (length > LINE_MAX) throw new Error("a literal is too long");
    let text = "";
    const decoder = new TextDecoder("latin1");
    for await (const part of this.#octets(length)) text += decoder.decode(part);
    return text;
  }

  async #fill(): Promise<void> {
    const chunk = new Uint8Array(LINE_MAX);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new Error("the server does not answer")),
        WAIT_MS,
      );
    });
    const reading = this.#connection.read(chunk);
    reading.catch(() => {});
    const length = await Promise.race([reading, late])
      .finally(() => clearTimeout(timer));
    if (length === null) {
      throw new Error("the server has closed the connection");
    }
    const all = new Uint8Array(this.#buffer.length + length);
    all.set(this.#buffer);
    all.set(chunk.subarray(0, length), this.#buffer.length);
    this.#buffer = all;
  }
}

/** Whether it is the answer that ends a command; throws if that is not OK. */
function isEnd(line: Line, tag: string, name: string): boolean {
  if (line.text.startsWith("* BYE")) throw refused(name, line);
  if (!line.text.startsWith(`${tag} `)) return false;
  if (!/^\S+ OK\b/i.test(line.text)) throw refused(name, line);
  return true;
}

function refused(name: string, { text }: Line): Error {
  const said = text.replace(/[^ -~]/g, "?").slice(0, 200);
  return new Error(`the server refuses ${name}: ${said}`);
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
