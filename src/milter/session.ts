/**
 * One connection of Postfix's submission service: mail after mail is judged,
 * counted and signed.
 *
 * @module
 */

import { DkimBodyHash, type HeaderField } from "../mail/dkim.ts";
import { type Log, reason } from "../log.ts";
import type { Refusal, Submitted } from "../vaultbox/submission.ts";
import {
  ACTIONS,
  COMMAND,
  OPTIONS,
  type Packet,
  packet,
  ProtocolError,
  REPLY,
  strings,
  VERSION,
} from "./packets.ts";

/** Octets that fields of a message may have together; the rest is forgotten. */
const HEADER_MAX = 2 * 1024 * 1024;

/** Fields that a message may have. */
const FIELDS_MAX = 20_000;

/** What is done with submitted mail. */
export interface SubmissionEngine {
  /** Judges a login before its message comes. */
  begin(username: string): Promise<Refusal | undefined>;
  /** Judges, counts and signs a message. */
  finish(message: Submitted): Promise<Refusal | { signature: string }>;
}

/** What is answered when we cannot say: the client tries again. */
const TRY_AGAIN = "451 4.3.0 Try again later";

/** What is answered to a header that stays too large: the client gives up. */
const TOO_LARGE =
  "552 5.3.4 The header section has more than 2 MiB or 20000 fields";

/** A connection. */
export class Session {
  readonly #engine: SubmissionEngine;
  readonly #log: Log;
  #username = "";
  #sender = "";
  #recipients = 0;
  #fields: HeaderField[] = [];
  #headerOctets = 0;
  #body = new DkimBodyHash();

  /**
   * Begins.
   *
   * @param engine What is done with the mail.
   * @param log Log.
   */
  constructor(engine: SubmissionEngine, log: Log) {
    this.#engine = engine;
    this.#log = log;
  }

  /**
   * Takes a packet.
   *
   * @param packet What Postfix says.
   * @returns What is answered; undefined to end the connection.
   * @throws {ProtocolError} If it makes no sense.
   */
  async answer(
    { command, data }: Packet,
  ): Promise<Uint8Array<ArrayBuffer>[] | undefined> {
    switch (command) {
      case COMMAND.negotiate:
        return [negotiated(data)];
      case COMMAND.macros:
        this.#macros(data);
        return [];
      case COMMAND.mail:
        this.#reset();
        this.#sender = (strings(data)[0] ?? "").replace(/^<|>$/g, "");
        return [
          await this.#guarded(() => this.#engine.begin(this.#username)) ??
            packet(REPLY.continue),
        ];
      case COMMAND.recipient:
        this.#recipients++;
        return [];
      case COMMAND.header:
        this.#field(data);
        return [];
      case COMMAND.body:
        this.#body.update(data);
        return [];
      case COMMAND.end:
        return await this.#end();
      case COMMAND.abort:
      case COMMAND.quitConnection:
        this.#reset();
        return [];
      case COMMAND.quit:
        return undefined;
    }
    throw new ProtocolError(`Command ${command.charCodeAt(0)}`);
  }

  /** `{auth_authen}` comes with MAIL FROM; its name begins with the stage. */
  #macros(data: Uint8Array<ArrayBuffer>): void {
    if (data[0] !== COMMAND.mail.charCodeAt(0)) return;
    const words = strings(data.subarray(1));
    const at = words.indexOf("{auth_authen}");
    this.#username = at >= 0 && at % 2 === 0 ? words[at + 1] ?? "" : "";
  }

  #field(data: Uint8Array<ArrayBuffer>): void {
    this.#headerOctets += data.length;
    if (this.#isTooLarge()) return;
    const [name = "", value = ""] = strings(data);
    this.#fields.push({ name, value });
  }

  #isTooLarge(): boolean {
    return this.#headerOctets > HEADER_MAX || this.#fields.length > FIELDS_MAX;
  }

  async #end(): Promise<Uint8Array<ArrayBuffer>[]> {
    if (this.#isTooLarge()) {
      this.#reset();
      return [packet(REPLY.replyCode, TOO_LARGE)];
    }
    const answers: Uint8Array<ArrayBuffer>[] = [];
    const refused = await this.#guarded(async () => {
      const told = await this.#engine.finish({
        username: this.#username,
        sender: this.#sender,
        recipients: this.#recipients,
        fields: this.#fields,
        bodyHash: this.#body.digest(),
      });
      if ("reply" in told) return told;
      answers.push(
        ...withoutResults(this.#fields),
        packet(REPLY.insertHeader, 0, "DKIM-Signature", told.signature),
      );
      return undefined;
    });
    this.#reset();
    return refused === undefined
      ? [...answers, packet(REPLY.continue)]
      : [refused];
  }

  /** What fails is a temporary failure: nothing goes out unsigned. */
  async #guarded(
    judge: () => Promise<Refusal | undefined>,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const refusal = await judge();
      return refusal && packet(REPLY.replyCode, refusal.reply);
    } catch (error) {
      this.#log.write("error", "submission not judged", {
        cause: reason(error),
      });
      return packet(REPLY.replyCode, TRY_AGAIN);
    }
  }

  #reset(): void {
    this.#recipients = 0;
    this.#fields = [];
    this.#headerOctets = 0;
    this.#body = new DkimBodyHash();
  }
}

function negotiated(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (data.length < 12) throw new ProtocolError("Negotiation is too short");
  const view = new DataView(data.buffer, data.byteOffset);
  const [version, actions, options] = [0, 4, 8].map((at) => view.getUint32(at));
  const isEnough = version! >= VERSION &&
    (actions! & ACTIONS) === ACTIONS && (options! & OPTIONS) === OPTIONS;
  if (!isEnough) throw new ProtocolError("Postfix offers too little");
  return packet(COMMAND.negotiate, VERSION, ACTIONS, OPTIONS);
}

/** What a filter for incoming mail writes; this mail may stay here. */
const RESULTS = "authentication-results";

/** Takes Authentication-Results out, the last one first: they have numbers. */
function withoutResults(
  fields: readonly HeaderField[],
): Uint8Array<ArrayBuffer>[] {
  return fields
    .filter(({ name }) => name.trim().toLowerCase() === RESULTS)
    .map(({ name }, i) => packet(REPLY.changeHeader, i + 1, name, ""))
    .reverse();
}
