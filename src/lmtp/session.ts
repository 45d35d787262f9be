/**
 * One LMTP session: commands in, replies out.
 *
 * Postfix bounces mail on a reply of class 5. So that class is for what the
 * table of failures says is final, and for commands that it never sends; what
 * is wrong with one that it does send is refused for now.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc2033 | RFC 2033}
 */

import { AppError, toAppError } from "../errors.ts";
import { type Command, type Misunderstood, parseCommand } from "./command.ts";
import { Input, LineTooLong } from "./input.ts";
import { Patience } from "../system/patience.ts";
import { MailData } from "./mail_data.ts";
import { capabilities, refusal } from "./reply.ts";

/**
 * Octets of a command line. RFC 5321 has 512, but Postfix takes addresses of some
 * 2000 octets, quotes what is odd in them, and adds parameters.
 */
const LINE_MAX = 8192;

/** Recipients of a message. RFC 5321 §4.5.3.1.8 asks for 100. */
const RECIPIENTS_MAX = 1000;

/** Messages of a session. */
const SESSION_MESSAGES_MAX = 1000;

/** Commands of a session that are refused. */
const ERRORS_MAX = 20;

/** Commands in a row that bring no message on. */
const IDLE_COMMANDS_MAX = 100;

/** Milliseconds for the next command. RFC 5321 §4.5.3.2.7. */
const COMMAND_MS = 300_000;

/** Milliseconds for the next octets of a message. RFC 5321 §4.5.3.2.5. */
const CHUNK_MS = 60_000;

/** A message that is so many times as large as allowed is not read to its end. */
const ENDLESS = 2;

/** Milliseconds for a whole message. */
const MESSAGE_MS = 220_000;

/** The two directions of a connection. */
export interface Wire {
  /**
   * Waits for octets.
   *
   * @param ms Milliseconds at most.
   * @param isOver Asked now and then, with the milliseconds of this wait, whether
   * it is enough.
   * @returns Undefined at their end, also where the connection broke.
   * @throws {TimedOut} After so many milliseconds, or when it is enough.
   * @throws {Interrupted} If {@linkcode Wire.interrupt} was called meanwhile.
   */
  read(
    ms: number,
    isOver?: (ms: number) => boolean,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Sends text; resolves when there is room for more, or the connection broke.
   */
  write(text: string): Promise<void>;
  /** Ends a wait for octets. */
  interrupt(): void;
  /** Breaks the connection. */
  cut(): void;
}

/** The client was silent for too long. */
export class TimedOut extends Error {}

/** The process stops. */
export class Interrupted extends Error {}

/** The client went away in the middle of a message. */
class CutOff extends Error {}

/** Who has sent a message, and for whom. */
export interface Envelope {
  /** Envelope sender; empty for bounces. */
  readonly sender: string;
  /** Envelope recipients, at least one. */
  readonly recipients: readonly string[];
  /** XFORWARD IDENT, if there is one. */
  readonly ident: string | undefined;
}

/** What a session asks of the rest of the intake. */
export interface Engine {
  /** Name of this host. */
  readonly hostname: string;
  /** Largest message, in octets. */
  readonly maxOctets: number;
  /**
   * Runs a task when there is room for one more message.
   *
   * @param octets Its length, if the client has said it.
   * @throws {AppError} If there will be none soon.
   */
  admit<T>(octets: number, task: () => Promise<T>): Promise<T>;
  /** Says whether messages wait until there is room for them. */
  isCrowded(): boolean;
  /**
   * Notes that no message was taken.
   *
   * @param error Why.
   * @param ident XFORWARD IDENT, if there is one.
   */
  refused(error: AppError, ident: string | undefined): void;
  /**
   * Delivers a message.
   *
   * @param envelope Envelope.
   * @param chunks The message; it throws where the client is cut off.
   * @returns A reply for each recipient.
   */
  take(
    envelope: Envelope,
    chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  ): Promise<readonly string[]>;
}

/** One session. */
export class Session {
  readonly #wire: Wire;
  readonly #engine: Engine;
  readonly #input: Input;
  /** Replies that were not sent yet: RFC 2920 §3.2. */
  #replies = "";
  #hasGreeted = false;
  #ident: string | undefined;
  #sender: string | undefined;
  #recipients: string[] = [];
  #messages = 0;
  #errors = 0;
  #idleCommands = 0;
  #size = 0;
  #isStopping = false;
  #waitsFor: "a message" | "commands" | "octets" | undefined;

  /**
   * Makes a session.
   *
   * @param wire The connection.
   * @param engine The rest of the intake.
   */
  constructor(wire: Wire, engine: Engine) {
    this.#wire = wire;
    this.#engine = engine;
    this.#input = new Input(() => wire.read(COMMAND_MS), LINE_MAX);
  }

  /**
   * Lets a message that has begun end, and no further one begin. A session that
   * was just opened may bring its one: its client would defer it.
   */
  stop(): void {
    this.#isStopping = true;
    if (this.#waitsFor === "a message") this.#wire.interrupt();
  }

  /** Lets no message begin, also no first one. */
  stopCommands(): void {
    if (this.#waitsFor === "commands") this.#wire.interrupt();
  }

  /** Breaks the connection where the client is still sending a message. */
  cutOctets(): void {
    if (this.#waitsFor === "octets") this.#wire.cut();
  }

  /**
   * Talks until the client is gone or has to go.
   */
  async run(): Promise<void> {
    try {
      this.#reply(`220 ${this.#engine.hostname} LMTP`);
      while (await this.#command());
    } catch (error) {
      if (error instanceof TimedOut) this.#reply("421 4.4.2 Timeout");
      else if (error instanceof Interrupted) this.#replyStopping();
      else if (error instanceof LineTooLong) {
        this.#reply("421 4.5.2 Line is too long");
      } else if (!(error instanceof CutOff)) throw error;
    }
    await this.#flush();
  }

  /** @returns Whether the session goes on. */
  async #command(): Promise<boolean> {
    if (!this.#input.hasLine) {
      await this.#flush();
      const isBetween = this.#messages > 0 && this.#sender === undefined;
      if (isBetween && this.#isStopping) throw new Interrupted();
      this.#waitsFor = isBetween ? "a message" : "commands";
    }
    const line = await this.#input.line();
    this.#waitsFor = undefined;
    if (line === undefined) return false;
    const command = parseCommand(line);
    if (command.verb === "QUIT") {
      this.#reply("221 2.0.0 Bye");
      return false;
    }
    const reply = await this.#answer(command);
    if (reply !== undefined) {
      if (/^[45]/.test(reply)) this.#errors++;
      this.#reply(reply);
    }
    if (
      this.#errors >= ERRORS_MAX || ++this.#idleCommands > IDLE_COMMANDS_MAX ||
      this.#messages >= SESSION_MESSAGES_MAX
    ) {
      this.#reply("421 4.7.0 Too much for one session");
      return false;
    }
    return true;
  }

  /** @returns The reply, if it was not given yet. */
  async #answer(
    command: Command | Misunderstood,
  ): Promise<string | undefined> {
    switch (command.verb) {
      case "":
        return "500 5.5.2 Command is not known";
      case "refused":
        return refusal(new AppError("invalid_request", "Command is malformed"));
      case "NOOP":
        return "250 2.0.0 OK";
      case "RSET":
        this.#reset();
        return "250 2.0.0 OK";
      case "LHLO":
        this.#reset();
        this.#hasGreeted = true;
        return capabilities(this.#engine.hostname, this.#engine.maxOctets)
          .join("\r\n");
      case "XFORWARD":
        if (!this.#hasGreeted || this.#sender !== undefined) return SEQUENCE;
        this.#ident = command.ident;
        return "250 2.0.0 OK";
      case "MAIL":
        if (!this.#hasGreeted || this.#sender !== undefined) return SEQUENCE;
        if (command.size > this.#engine.maxOctets) return TOO_LARGE;
        this.#sender = command.sender;
        this.#size = command.size;
        return "250 2.1.0 OK";
      case "RCPT":
        if (this.#sender === undefined) return SEQUENCE;
        if (this.#recipients.length >= RECIPIENTS_MAX) {
          return "452 4.5.3 Too many recipients";
        }
        this.#recipients.push(command.recipient);
        this.#idleCommands = 0;
        return "250 2.1.5 OK";
      case "DATA":
        if (this.#sender === undefined) return SEQUENCE;
        // RFC 2033 §4.2.
        if (this.#recipients.length === 0) {
          return "503 5.5.1 No valid recipients";
        }
        return await this.#data(this.#sender);
      default:
        return SEQUENCE;
    }
  }

  async #data(sender: string): Promise<string | undefined> {
    const envelope = {
      sender,
      recipients: this.#recipients,
      ident: this.#ident,
    };
    let replies: readonly string[];
    try {
      replies = await this.#engine.admit(this.#size, async () => {
        this.#reply("354 Go on");
        await this.#flush();
        return await this.#message(envelope);
      });
    } catch (error) {
      if (isOfConnection(error)) throw error;
      const failure = toAppError(error);
      this.#engine.refused(failure, envelope.ident);
      return refusal(failure);
    } finally {
      this.#reset();
    }
    this.#messages++;
    this.#idleCommands = 0;
    this.#reply(replies.join("\r\n"));
    return undefined;
  }

  /** RFC 2033 §4.2: a reply for each recipient. */
  async #message(envelope: Envelope): Promise<readonly string[]> {
    const octets = this.#octets();
    try {
      return await this.#engine.take(envelope, each(octets));
    } catch (error) {
      if (isOfConnection(error)) throw error;
      // The rest of the message would be taken for commands.
      while (await octets() !== undefined);
      const failure = toAppError(error);
      this.#engine.refused(failure, envelope.ident);
      const reply = refusal(failure);
      return envelope.recipients.map(() => reply);
    }
  }

  /** Gives the octets of a message, then undefined, again and again. */
  #octets(): () => Promise<Uint8Array<ArrayBuffer> | undefined> {
    const data = new MailData();
    const end = performance.now() + MESSAGE_MS;
    const patience = new Patience(() => this.#engine.isCrowded());
    let hasEnded = false;
    let left = ENDLESS * this.#engine.maxOctets;
    return async () => {
      while (!hasEnded) {
        const leftMs = end - performance.now();
        if (leftMs <= 0) throw new TimedOut();
        this.#waitsFor = "octets";
        const chunk = this.#input.held() ?? await this.#wait(patience, leftMs);
        this.#waitsFor = undefined;
        if (chunk === undefined) throw new CutOff();
        const { octets, rest } = data.push(chunk);
        left -= octets.length;
        if (left < 0) throw new CutOff();
        if (rest !== undefined) {
          this.#input.unread(rest);
          hasEnded = true;
        }
        if (octets.length > 0) return octets;
      }
      return undefined;
    };
  }

  /** Waits for octets of a message, as long as the client may take. */
  async #wait(
    patience: Patience,
    leftMs: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const begin = performance.now();
    const ms = Math.min(leftMs, CHUNK_MS);
    const chunk = await this.#wire.read(ms, (ms) => patience.isOver(ms));
    patience.waited(performance.now() - begin, chunk?.length ?? 0);
    if (patience.isOver()) throw new TimedOut();
    return chunk;
  }

  #reset(): void {
    this.#sender = undefined;
    this.#recipients = [];
    this.#ident = undefined;
  }

  #reply(lines: string): void {
    this.#replies += `${lines}\r\n`;
  }

  #replyStopping(): void {
    this.#reply("421 4.3.2 Service stops");
  }

  async #flush(): Promise<void> {
    const replies = this.#replies;
    this.#replies = "";
    if (replies !== "") await this.#wire.write(replies);
  }
}

const SEQUENCE = "503 5.5.1 Not now";

const TOO_LARGE = refusal(
  new AppError("message_too_large", "Message is too large"),
);

function isOfConnection(error: unknown): boolean {
  return error instanceof CutOff || error instanceof TimedOut;
}

async function* each<T>(
  next: () => Promise<T | undefined>,
): AsyncGenerator<T> {
  for (let item = await next(); item !== undefined; item = await next()) {
    yield item;
  }
}
