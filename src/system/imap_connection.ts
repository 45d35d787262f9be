/**
 * What goes to and fro on a connection to an IMAP server: commands, lines and
 * literals. What the server says is hostile: all of it has limits.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc3501 | RFC 3501}
 */

/** Octets of a line, at most. */
const LINE_MAX = 65_536;

/** Octets of a literal, at most: 2 GiB. Of a larger one nobody waits for the end. */
const LITERAL_MAX = 2_147_483_648;

/** Octets of all lines of an answer, at most: some million messages' flags. */
const ANSWER_MAX = 134_217_728;

/** Milliseconds that the server has for its next octets. */
const WAIT_MS = 60_000;

const LF = 0x0a;

/** The server has refused a command, and takes others. */
export class ImapRefusal extends Error {}

/** A line of an answer. */
export interface Line {
  /** Its text without its end, octets as ISO 8859-1. */
  readonly text: string;
  /** Octets of the literal that follows; undefined if none does. */
  readonly literal: number | undefined;
}

/** What goes to a server and comes from it. */
export type ImapStream = Pick<Deno.Conn, "read" | "write" | "close">;

/** A connection; disposing of it closes it. */
export class ImapConnection implements Disposable {
  readonly #connection: ImapStream;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array();
  #tag = 0;
  /** Octets that the lines of this answer may still have. */
  #allowed = ANSWER_MAX;
  /** Why nothing more comes. */
  #failure: Error | undefined;

  private constructor(connection: ImapStream) {
    this.#connection = connection;
  }

  /**
   * Waits for the server's greeting.
   *
   * @param stream The connection to the server; it is closed if that fails.
   * @returns The connection, on which the server waits for commands.
   * @throws {Error} If it cannot be done.
   */
  static async open(stream: ImapStream): Promise<ImapConnection> {
    const connection = new ImapConnection(stream);
    try {
      const greeting = await connection.line();
      if (greeting.text.startsWith("* OK")) return connection;
      throw refused("greeting", greeting);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }

  /**
   * Sends a command.
   *
   * @param command It, without its tag and line end.
   * @returns Its tag.
   */
  async send(command: string): Promise<string> {
    const tag = `A${++this.#tag}`;
    this.#allowed = ANSWER_MAX;
    const octets = new TextEncoder().encode(`${tag} ${command}\r\n`);
    for (let rest = octets; rest.length > 0;) {
      rest = rest.subarray(await this.#connection.write(rest));
    }
    return tag;
  }

  /**
   * Sends a command and reads the answer.
   *
   * @param command It, without its tag and line end.
   * @param name What it is called in errors.
   * @param take Is given each line of the answer, and the literal behind it.
   * @throws {ImapRefusal} If the server refuses it.
   */
  async command(
    command: string,
    name: string,
    take: (line: Line, literal: string | undefined) => void = () => {},
  ): Promise<void> {
    await this.answer(await this.send(command), name, take);
  }

  /**
   * Reads what the server says to a command, to its end.
   *
   * @param tag Tag of the command.
   * @param name What it is called in errors.
   * @param take Is given each line of the answer, and the literal behind it.
   * @throws {ImapRefusal} If the server refuses it.
   */
  async answer(
    tag: string,
    name: string,
    take: (line: Line, literal: string | undefined) => void,
  ): Promise<void> {
    for (;;) {
      const line = await this.line();
      if (isEnd(line, tag, name)) return;
      const literal = line.literal === undefined
        ? undefined
        : await this.shortLiteral(line.literal);
      take(line, literal);
    }
  }

  /**
   * Reads a line; of the octets behind a literal's length none is read.
   *
   * @returns The line.
   */
  async line(): Promise<Line> {
    if (this.#failure !== undefined) throw this.#failure;
    let end: number;
    while ((end = this.#buffer.indexOf(LF)) < 0) {
      if (this.#buffer.length > LINE_MAX) {
        throw this.#failure = new Error("a line is too long");
      }
      await this.#fill();
    }
    this.#allow(end + 1);
    const octets = this.#buffer.subarray(0, end);
    const text = new TextDecoder("latin1").decode(octets).replace(/\r$/, "");
    this.#buffer = this.#buffer.subarray(end + 1);
    const match = /\{(\d{1,10})\}$/.exec(text);
    return match === null ? { text, literal: undefined } : {
      text: text.slice(0, match.index),
      literal: Number(match[1]),
    };
  }

  /** Where an answer has no end, neither have memory and time. */
  #allow(octets: number): void {
    this.#allowed -= octets;
    if (this.#allowed < 0) {
      throw this.#failure = new Error("the server's answer does not end");
    }
  }

  /**
   * Reads a literal.
   *
   * @param length Its octets.
   * @yields Them; those that nobody takes are passed over.
   * @throws {Error} If there are too many.
   */
  async *octets(
    length: number,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    if (length > LITERAL_MAX) {
      throw this.#failure = new Error("a literal is too long");
    }
    let left = length;
    const take = async (): Promise<Uint8Array<ArrayBuffer>> => {
      if (this.#buffer.length === 0) await this.#fill();
      const part = this.#buffer.slice(0, left);
      this.#buffer = this.#buffer.subarray(part.length);
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

  /**
   * Reads a literal that is short.
   *
   * @param length Its octets.
   * @returns Them, as ISO 8859-1.
   */
  async shortLiteral(length: number): Promise<string> {
    if (length > LINE_MAX) {
      throw this.#failure = new Error("a literal is too long");
    }
    this.#allow(length);
    let text = "";
    const decoder = new TextDecoder("latin1");
    for await (const part of this.octets(length)) text += decoder.decode(part);
    return text;
  }

  async #fill(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#read();
    } catch (error) {
      this.#failure = error as Error;
      throw error;
    }
  }

  async #read(): Promise<void> {
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

/**
 * Says whether a line ends the answer to a command.
 *
 * @param line The line.
 * @param tag Tag of the command.
 * @param name What it is called in errors.
 * @returns Whether it does.
 * @throws {ImapRefusal} If it does and is not OK.
 */
export function isEnd(line: Line, tag: string, name: string): boolean {
  if (line.text.startsWith("* BYE")) {
    throw new Error(refused(name, line).message);
  }
  if (!line.text.startsWith(`${tag} `)) return false;
  if (!/^\S+ OK\b/i.test(line.text)) throw refused(name, line);
  return true;
}

function refused(name: string, { text }: Line): ImapRefusal {
  const said = text.replace(/[^ -~]/g, "?").slice(0, 200);
  return new ImapRefusal(`the server refuses ${name}: ${said}`);
}
