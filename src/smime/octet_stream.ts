/**
 * Octets that come in chunks, for readers that are written as if all of them
 * were there.
 *
 * @module
 */

import { concat, isAscii } from "../mail/octets.ts";

/** Octets that are there before a header is read: longer than any header. */
const LOOKAHEAD_OCTETS = 192;

/** First octets of what was taken that are kept. */
const KEPT_OCTETS = 32;

/** What a reader needs to know of octets that it took. */
export interface Taken {
  /** The first of them, 32 at most. */
  readonly first: Uint8Array<ArrayBuffer>;
  /** Whether all of them are US-ASCII. */
  readonly isText: boolean;
}

/**
 * A cursor over octets of which only a window is in memory.
 *
 * A reader is a generator: where octets are missing it yields, and it is
 * resumed when more have come. Before it reads a header it waits while
 * {@linkcode OctetStream.isShort}; then the header is there as a whole, or what
 * is missing will never come.
 */
export class OctetStream {
  #octets: Uint8Array<ArrayBuffer> = new Uint8Array();
  #at = 0;
  #before = 0;
  #isEnded = false;

  /** Octets that were read. */
  get position(): number {
    return this.#before + this.#at;
  }

  /** Whether a reader should wait before it reads a header. */
  get isShort(): boolean {
    return !this.#isEnded && this.#octets.length - this.#at < LOOKAHEAD_OCTETS;
  }

  /** Octets that can be read now. */
  get available(): number {
    return this.#octets.length - this.#at;
  }

  /** Whether no more octets come. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * Adds octets behind those that are there.
   *
   * @param octets Octets; they must not change before they are read.
   */
  add(octets: Uint8Array<ArrayBuffer>): void {
    const rest = this.#octets.subarray(this.#at);
    this.#before += this.#at;
    this.#at = 0;
    this.#octets = rest.length === 0 ? octets : concat([rest, octets]);
  }

  /** Says that no more octets come. */
  finish(): void {
    this.#isEnded = true;
  }

  /**
   * Copies what was not read yet, as its memory is about to be used again.
   */
  keep(): void {
    this.#octets = this.#octets.slice(this.#at);
    this.#before += this.#at;
    this.#at = 0;
  }

  /**
   * Looks ahead.
   *
   * @param offset How far.
   * @returns The octet; undefined if it is not there.
   */
  peek(offset: number): number | undefined {
    return this.#octets[this.#at + offset];
  }

  /**
   * Goes on.
   *
   * @param count Octets that are there.
   */
  advance(count: number): void {
    this.#at += count;
  }

  /**
   * Takes octets, all at once if they are there.
   *
   * @param count How many.
   * @returns What is known of them; undefined if not all of them are there.
   */
  takeNow(count: number): Taken | undefined {
    if (count > this.available) return undefined;
    const octets = this.#octets.subarray(this.#at, this.#at + count);
    this.#at += count;
    return { first: octets.subarray(0, KEPT_OCTETS), isText: isAscii(octets) };
  }

  /**
   * Takes octets as they come.
   *
   * @param count How many.
   * @returns What is known of them.
   * @throws {SyntaxError} If there are fewer.
   */
  *take(count: number): Generator<void, Taken, void> {
    const now = this.takeNow(count);
    if (now !== undefined) return now;
    // A header was read just now, so these are there if they ever come.
    const first = this.#octets.slice(this.#at, this.#at + KEPT_OCTETS);
    let isText = true;
    for (let missing = count; missing > 0;) {
      if (this.available === 0) {
        if (this.#isEnded) throw new SyntaxError("Truncated");
        yield;
        continue;
      }
      const part = this.#octets.subarray(this.#at, this.#at + missing);
      isText &&= isAscii(part);
      missing -= part.length;
      this.#at += part.length;
    }
    return { first, isText };
  }
}
