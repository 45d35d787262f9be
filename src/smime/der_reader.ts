/**
 * Reads DER that may be hostile.
 *
 * @module
 */

/** Deepest nesting that a certificate needs is about half of this. */
const MAX_DEPTH = 32;

/**
 * A cursor over DER elements.
 *
 * It goes forward only, over each octet once, and at most 32 elements deep, so
 * time and stack are bounded whatever the octets say. Each method throws a
 * SyntaxError if the octets are not what it was asked to read.
 *
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §8.1, §10.1}
 */
export class DerReader {
  readonly #octets: Uint8Array<ArrayBuffer>;
  /** Where the content of each element that was entered ends. */
  readonly #ends: number[] = [];
  #offset = 0;

  /**
   * Starts before the first element.
   *
   * @param octets Elements.
   */
  constructor(octets: Uint8Array<ArrayBuffer>) {
    this.#octets = octets;
  }

  /** Octets that follow what was read; only between top-level elements. */
  get rest(): Uint8Array<ArrayBuffer> {
    return this.#octets.subarray(this.#offset);
  }

  /**
   * Says whether the element that was entered last has no more content.
   *
   * @returns True at its end, or at the end of all octets.
   */
  isAtEnd(): boolean {
    return this.#offset === this.#limit();
  }

  /**
   * Looks at the next element.
   *
   * @returns Its identifier octet; `undefined` if there is no more.
   */
  peek(): number | undefined {
    return this.isAtEnd() ? undefined : this.#octets[this.#offset];
  }

  /**
   * Reads a primitive element.
   *
   * @param tag Identifier octet that it must have.
   * @returns A view of its content.
   * @throws {SyntaxError} If there is another element or none.
   */
  read(tag: number): Uint8Array<ArrayBuffer> {
    const end = this.#header(tag);
    const content = this.#octets.subarray(this.#offset, end);
    this.#offset = end;
    return content;
  }

  /**
   * Goes into a constructed element.
   *
   * @param tag Identifier octet that it must have.
   * @throws {SyntaxError} If there is another element or none.
   */
  enter(tag: number): void {
    if (this.#ends.length === MAX_DEPTH) {
      throw new SyntaxError("Elements are nested too deeply");
    }
    this.#ends.push(this.#header(tag));
  }

  /**
   * Leaves the element that was entered last.
   *
   * @throws {SyntaxError} If it has more content.
   */
  leave(): void {
    if (!this.isAtEnd()) throw new SyntaxError("More content than expected");
    if (this.#ends.pop() === undefined) {
      throw new SyntaxError("No element was entered");
    }
  }

  /**
   * Reads an element of any kind.
   *
   * @returns A view of all of it, identifier and length included.
   * @throws {SyntaxError} If there is none, or a part of it is missing.
   */
  skip(): Uint8Array<ArrayBuffer> {
    const start = this.#offset;
    const tag = this.peek();
    if (tag === undefined) throw new SyntaxError("Element is missing");
    this.read(tag);
    return this.#octets.subarray(start, this.#offset);
  }

  /** Reads identifier and length; gives the end of the content. */
  #header(tag: number): number {
    if (this.peek() !== tag) throw new SyntaxError("Unexpected element");
    // X.690 §8.1.2.4: tags in several octets, which CMS does not use; §8.1.5:
    // end-of-contents where nothing is open.
    if ((tag & 0x1f) === 0x1f || tag === 0) {
      throw new SyntaxError("Unexpected tag");
    }
    const limit = this.#limit();
    const first = this.#octets[this.#offset + 1];
    let offset = this.#offset + 2;
    if (first === undefined || offset > limit || first === 0xff) {
      throw new SyntaxError("Truncated");
    }
    if (first === 0x80) throw new SyntaxError("Unexpected indefinite length");
    let length = first;
    if (first > 0x80) {
      const lengthEnd = offset + (first & 0x7f);
      if (lengthEnd > limit) throw new SyntaxError("Truncated");
      const isShortest = this.#octets[offset] !== 0 &&
        !(lengthEnd === offset + 1 && this.#octets[offset]! < 0x80);
      if (!isShortest) throw new SyntaxError("Length is not DER");
      length = 0;
      while (offset < lengthEnd) {
        length = length * 256 + this.#octets[offset++]!;
      }
    }
    if (length > limit - offset) throw new SyntaxError("Truncated");
    this.#offset = offset;
    return offset + length;
  }

  #limit(): number {
    return this.#ends.at(-1) ?? this.#octets.length;
  }
}
