/**
 * Marionette, the protocol by which programs of Mozilla are driven: numbered
 * commands as JSON, each with its length before it.
 *
 * @module
 */

/** A connection to the program's Marionette port. */
export interface Connection {
  /** What the program says. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What it is told. */
  readonly writable: WritableStream<Uint8Array>;
}

/** A session; one at a time for a program. */
export class Marionette {
  #incoming: ReadableStreamDefaultReader<Uint8Array>;
  #outgoing: WritableStreamDefaultWriter<Uint8Array>;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #count = 0;

  private constructor(connection: Connection) {
    this.#incoming = connection.readable.getReader();
    this.#outgoing = connection.writable.getWriter();
  }

  /**
   * Begins a session that may touch the program itself ("chrome" context).
   *
   * @param connection A fresh one.
   * @param timeout Milliseconds that a script may take.
   * @returns The session.
   */
  static async open(
    connection: Connection,
    timeout: number,
  ): Promise<Marionette> {
    const session = new Marionette(connection);
    await session.#receive(); // It greets with its version.
    await session.#command("WebDriver:NewSession", { capabilities: {} });
    await session.#command("Marionette:SetContext", { value: "chrome" });
    await session.#command("WebDriver:SetTimeouts", { script: timeout });
    return session;
  }

  /**
   * Runs the body of a function with the program's own rights, and waits for
   * what it promises.
   *
   * @param script Uses `arguments` and returns something that JSON can hold.
   * @param args The arguments.
   * @returns What it returned.
   * @throws {Error} If the script throws or takes too long.
   */
  // deno-lint-ignore no-explicit-any
  async run(script: string, ...args: unknown[]): Promise<any> {
    const answer = await this.#command("WebDriver:ExecuteScript", {
      script,
      args,
      sandbox: "system",
    });
    return (answer as { value: unknown }).value;
  }

  async #command(name: string, parameters: unknown): Promise<unknown> {
    const message = JSON.stringify([0, ++this.#count, name, parameters]);
    const octets = new TextEncoder().encode(message);
    const length = new TextEncoder().encode(`${octets.length}:`);
    await this.#outgoing.write(length);
    await this.#outgoing.write(octets);
    const answer = await this.#receive() as [
      number,
      number,
      { error: string; message: string; stacktrace: string } | null,
      unknown,
    ];
    if (answer[1] !== this.#count) throw new Error("Answers are out of order");
    const error = answer[2];
    if (error === null) return answer[3];
    throw new Error(`${error.error}: ${error.message}\n${error.stacktrace}`);
  }

  async #receive(): Promise<unknown> {
    let colon;
    while ((colon = this.#buffer.indexOf(0x3a)) < 0) await this.#more();
    const text = new TextDecoder();
    const start = colon + 1;
    const end = start + Number(text.decode(this.#buffer.subarray(0, colon)));
    while (this.#buffer.length < end) await this.#more();
    const message = text.decode(this.#buffer.subarray(start, end));
    this.#buffer = this.#buffer.slice(end);
    return JSON.parse(message);
  }

  async #more(): Promise<void> {
    const { value } = await this.#incoming.read();
    if (value === undefined) throw new Error("The program has hung up");
    const both = new Uint8Array(this.#buffer.length + value.length);
    both.set(this.#buffer);
    both.set(value, this.#buffer.length);
    this.#buffer = both;
  }
}
