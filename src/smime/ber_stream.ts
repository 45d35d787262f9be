/**
 * Reads BER that may be hostile and larger than memory.
 *
 * @module
 */

import { CONSTRUCTED, OCTET_STRING } from "./der.ts";
import type { OctetStream, Taken } from "./octet_stream.ts";

/** Deepest nesting that CMS needs is about half of this. */
const MAX_DEPTH = 32;

/** Length octet that announces the indefinite form. */
const INDEFINITE = 0x80;

/** An element that was entered. */
interface Frame {
  /** Offset where the content ends; for the indefinite form, at most ends. */
  readonly end: number;
  /** Whether end-of-contents octets end it. */
  readonly isIndefinite: boolean;
}

/** A primitive element. */
export interface Primitive extends Taken {
  /** Octets of its content. */
  readonly length: number;
}

/** A string of octets, primitive or in chunks. */
export interface StringFacts {
  /** Its octets. */
  readonly length: number;
  /** Whether all of them are US-ASCII. */
  readonly isText: boolean;
}

/** What a step of a reader is: it yields where octets are missing. */
export type Step<T> = Generator<void, T, void>;

/**
 * A cursor over BER elements that come in chunks. It goes forward only, over
 * each octet once, and at most 32 elements deep. Each method throws a
 * SyntaxError if the octets are not what it was asked to read.
 *
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §8.1}
 */
export class BerStream {
  readonly #stream: OctetStream;
  readonly #frames: Frame[] = [];

  /**
   * Starts before the first element.
   *
   * @param stream Elements.
   */
  constructor(stream: OctetStream) {
    this.#stream = stream;
  }

  /**
   * Says whether the element that was entered last has no more content.
   *
   * @returns True at its end.
   */
  *isAtEnd(): Step<boolean> {
    while (this.#stream.isShort) yield;
    return this.#isAtEnd();
  }

  /**
   * Looks at the next element.
   *
   * @returns Its identifier octet; `undefined` if there is no more.
   */
  *peek(): Step<number | undefined> {
    while (this.#stream.isShort) yield;
    return this.#peek();
  }

  /**
   * Reads a primitive element.
   *
   * @param tag Identifier octet that it must have.
   * @returns What is known of it.
   * @throws {SyntaxError} If there is another element or none.
   */
  *read(tag: number): Step<Primitive> {
    while (this.#stream.isShort) yield;
    const length = this.#primitiveHeader(tag);
    return { length, ...yield* this.#stream.take(length) };
  }

  /**
   * Reads a string of octets, primitive or (X.690 §8.7.3) in chunks.
   *
   * @param tag Identifier octet of the primitive form.
   * @returns What is known of it.
   * @throws {SyntaxError} If there is another element or none.
   */
  *readString(tag: number): Step<StringFacts> {
    if ((yield* this.peek()) === tag) return yield* this.read(tag);
    let length = 0;
    let isText = true;
    const depth = this.#frames.length;
    this.#enter(tag | CONSTRUCTED);
    while (this.#frames.length > depth) {
      while (this.#stream.isShort) yield;
      const next = this.#peek();
      if (next === undefined) {
        this.#leave();
      } else if (next === OCTET_STRING) {
        const octets = this.#primitiveHeader(OCTET_STRING);
        const taken = this.#stream.takeNow(octets) ??
          (yield* this.#stream.take(octets));
        length += octets;
        isText &&= taken.isText;
      } else {
        this.#enter(OCTET_STRING | CONSTRUCTED);
      }
    }
    return { length, isText };
  }

  /**
   * Goes into a constructed element.
   *
   * @param tag Identifier octet that it must have.
   * @throws {SyntaxError} If there is another element or none.
   */
  *enter(tag: number): Step<void> {
    while (this.#stream.isShort) yield;
    this.#enter(tag);
  }

  /**
   * Leaves the element that was entered last.
   *
   * @throws {SyntaxError} If it has more content, or no end.
   */
  *leave(): Step<void> {
    while (this.#stream.isShort) yield;
    this.#leave();
  }

  /**
   * Reads an element of any kind.
   *
   * @returns Octets of all of it, identifier and length included.
   * @throws {SyntaxError} If there is none, or a part of it is missing.
   */
  *skip(): Step<number> {
    const start = this.#stream.position;
    const depth = this.#frames.length;
    do {
      while (this.#stream.isShort) yield;
      const tag = this.#peek();
      if (tag === undefined) {
        if (this.#frames.length === depth) {
          throw new SyntaxError("Element is missing");
        }
        this.#leave();
      } else if (
        (tag & CONSTRUCTED) !== 0 && this.#stream.peek(1) === INDEFINITE
      ) {
        this.#enter(tag);
      } else {
        const octets = this.#primitiveHeader(tag);
        if (this.#stream.takeNow(octets) === undefined) {
          yield* this.#stream.take(octets);
        }
      }
    } while (this.#frames.length > depth);
    return this.#stream.position - start;
  }

  #isAtEnd(): boolean {
    const frame = this.#frames.at(-1);
    const { position } = this.#stream;
    if (frame?.isIndefinite && position + 2 <= frame.end) {
      if (this.#stream.available < 2) throw new SyntaxError("Truncated");
      return this.#stream.peek(0) === 0 && this.#stream.peek(1) === 0;
    }
    return position === this.#limit();
  }

  #peek(): number | undefined {
    if (this.#isAtEnd()) return undefined;
    const tag = this.#stream.peek(0);
    if (tag === undefined) throw new SyntaxError("Truncated");
    return tag;
  }

  #enter(tag: number): void {
    if (this.#frames.length === MAX_DEPTH) {
      throw new SyntaxError("Elements are nested too deeply");
    }
    const length = this.#header(tag);
    this.#frames.push({
      end: length === undefined
        ? this.#limit()
        : this.#stream.position + length,
      isIndefinite: length === undefined,
    });
  }

  #leave(): void {
    if (!this.#isAtEnd()) throw new SyntaxError("More content than expected");
    const frame = this.#frames.pop();
    if (frame === undefined) throw new SyntaxError("No element was entered");
    if (frame.isIndefinite) {
      if (this.#stream.position === frame.end) {
        throw new SyntaxError("Truncated");
      }
      this.#stream.advance(2);
    }
  }

  #primitiveHeader(tag: number): number {
    const length = this.#header(tag);
    if (length === undefined) {
      throw new SyntaxError("Primitive without a length");
    }
    return length;
  }

  /** Reads identifier and length; gives the length, if it is definite. */
  #header(tag: number): number | undefined {
    const stream = this.#stream;
    if (this.#peek() !== tag) throw new SyntaxError("Unexpected element");
    // X.690 §8.1.2.4: tags in several octets, which CMS does not use; §8.1.5:
    // end-of-contents where nothing is open.
    if ((tag & 0x1f) === 0x1f || tag === 0) {
      throw new SyntaxError("Unexpected tag");
    }
    const limit = this.#limit();
    const first = stream.peek(1);
    let octets = 2;
    if (
      first === undefined || first === 0xff || stream.position + octets > limit
    ) {
      throw new SyntaxError("Truncated");
    }
    if (first === INDEFINITE) {
      if ((tag & CONSTRUCTED) === 0) {
        throw new SyntaxError("Unexpected indefinite length");
      }
      stream.advance(octets);
      return undefined;
    }
    let length = first;
    if (first > INDEFINITE) {
      octets += first & 0x7f;
      if (stream.position + octets > limit || stream.available < octets) {
        throw new SyntaxError("Truncated");
      }
      length = 0;
      for (let i = 2; i < octets; i++) length = length * 256 + stream.peek(i)!;
    }
    if (length > limit - stream.position - octets) {
      throw new SyntaxError("Truncated");
    }
    stream.advance(octets);
    return length;
  }

  #limit(): number {
    return this.#frames.at(-1)?.end ?? Infinity;
  }
}
