/**
 * Taking a message in, in constant memory.
 *
 * @module
 */

import { createHash, type Hash } from "node:crypto";
import type { IntakeApp } from "../app.ts";
import { AppError } from "../errors.ts";
import { LineEnds } from "../mail/line_ends.ts";
import {
  MEMORY_OCTETS,
  type Message,
  messageInMemory,
} from "../mail/message.ts";
import { concat } from "../mail/octets.ts";
import { clearSpools, openSpool, type Spool } from "../storage/spool.ts";

/** A message that is so many times as large as allowed is not read to its end. */
const ENDLESS = 2;

/** A message that has come in whole; disposing of it frees what it holds. */
export interface Received extends Message, AsyncDisposable {
  /** SHA-256 of its octets: the same by every way that it may come. */
  readonly digest: Uint8Array;
}

/**
 * Takes a message in: what is larger than 2 MiB goes to a spool file, of which
 * nobody can read anything.
 *
 * What is too large, or cannot be kept, is read to its end all the same, unless it
 * is more than twice as large: a client that is still writing would not see the
 * answer.
 *
 * @param app The intake's world.
 * @param chunks Message with CRLF line ends, or LF ones as pipe(8) gives it. If
 * it throws, nothing is kept.
 * @param options `maxOctets`: length with CRLF line ends that is allowed.
 * `isWireForm`: it did not come by pipe(8), so a bare LF is just that.
 * @returns The message; dispose of it.
 * @throws {AppError} `message_too_large`.
 */
export async function receive(
  app: Pick<IntakeApp, "config">,
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly maxOctets: number; readonly isWireForm?: true },
): Promise<Received> {
  const taking = new Taking(app.config.maildirBasePath, options);
  try {
    for await (const chunk of chunks) await taking.take(chunk);
    return await taking.end();
  } catch (error) {
    await taking.discard();
    throw error;
  }
}

/** A message that is coming in. */
class Taking {
  readonly #base: string;
  readonly #maxOctets: number;
  readonly #lineEnds: LineEnds;
  readonly #hash = createHash("sha256");
  #octets = 0;
  /** All of it, while that fits into memory. */
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #head: Uint8Array<ArrayBuffer> = new Uint8Array();
  #spool: Spool | undefined;
  /** Why nothing of it is kept any more. */
  #failure: unknown;

  constructor(
    base: string,
    options: { maxOctets: number; isWireForm?: true },
  ) {
    this.#base = base;
    this.#maxOctets = options.maxOctets;
    this.#lineEnds = new LineEnds(options.isWireForm);
  }

  async take(chunk: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return this.#count(chunk.length);
    const octets = this.#lineEnds.next(view(chunk));
    this.#octets += octets.length;
    try {
      if (this.#octets > this.#maxOctets) {
        throw new AppError("message_too_large", "Message is too large");
      }
      this.#hash.update(octets);
      if (this.#spool === undefined) this.#chunks.push(octets);
      else await this.#spool.write(octets);
      if (this.#spool === undefined && this.#octets > MEMORY_OCTETS) {
        await this.#startSpool();
      }
    } catch (error) {
      await this.discard();
      this.#failure = error;
    }
  }

  /** Counts what is not kept: there is an end to reading it, too. */
  #count(octets: number): void {
    this.#octets += octets;
    if (this.#octets > ENDLESS * this.#maxOctets) throw this.#failure;
  }

  async #startSpool(): Promise<void> {
    const last = this.#chunks.at(-1)!;
    const overflow = this.#octets - MEMORY_OCTETS;
    const border = last.length - overflow;
    const chunks = [...this.#chunks.slice(0, -1), last.subarray(0, border)];
    this.#chunks = [];
    this.#head = concat(chunks);
    this.#spool = await openSpool(this.#base);
    await this.#spool.write(last.subarray(border));
  }

  async end(): Promise<Received> {
    if (this.#failure !== undefined) throw this.#failure;
    const spool = this.#spool;
    if (spool === undefined) {
      const [only = new Uint8Array()] = this.#chunks;
      const all = this.#chunks.length > 1 ? concat(this.#chunks) : only;
      return ofMemory(all, this.#hash);
    }
    await spool.end();
    return ofSpool(this.#octets, this.#head, spool, this.#hash);
  }

  async discard(): Promise<void> {
    this.#chunks = [];
    const spool = this.#spool;
    this.#spool = undefined;
    await spool?.[Symbol.asyncDispose]();
  }
}

/**
 * Prepares the folder of spool files, and removes what a crash has left there:
 * files without content.
 *
 * @param app The intake's world.
 */
export function prepareSpool(
  { config }: Pick<IntakeApp, "config">,
): Promise<void> {
  return clearSpools(config.maildirBasePath);
}

/**
 * Makes a received message of octets that are in memory.
 *
 * @param octets Message with CRLF or LF line ends.
 * @returns The message; it need not be disposed of.
 */
export function received(octets: Uint8Array<ArrayBuffer>): Received {
  const message = messageInMemory(octets);
  return ofMemory(message.head, createHash("sha256").update(message.head));
}

function ofMemory(octets: Uint8Array<ArrayBuffer>, hash: Hash): Received {
  return {
    octets: octets.length,
    head: octets,
    digest: hash.digest(),
    chunks: (from = 0) => [octets.subarray(from)],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function ofSpool(
  octets: number,
  head: Uint8Array<ArrayBuffer>,
  spool: Spool,
  hash: Hash,
): Received {
  return {
    octets,
    head,
    digest: hash.digest(),
    async *chunks(from = 0) {
      if (from < head.length) yield head.subarray(from);
      yield* spool.read(Math.max(0, from - head.length));
    },
    [Symbol.asyncDispose]: () => spool[Symbol.asyncDispose](),
  };
}

/** A Buffer's slice() would not copy. */
function view(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, length } = chunk as Uint8Array<ArrayBuffer>;
  return new Uint8Array(buffer, byteOffset, length);
}
