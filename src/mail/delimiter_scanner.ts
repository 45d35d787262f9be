/**
 * Multipart bodies that come in chunks.
 *
 * @module
 */

import { type Delimiter, delimiterKind } from "./multipart.ts";
import { concat, CR, HYPHEN, LF } from "./octets.ts";

/** A delimiter line with more white space behind it is refused. */
const MAX_LINE_OCTETS = 1000;

/** Octets of a section, or the delimiter line behind it. */
export type Found = Uint8Array<ArrayBuffer> | Delimiter;

/**
 * Finds the delimiter lines of a multipart body, as `splitMultipart()` does,
 * but for lines of more than 1000 octets that begin like one: they are
 * ambiguous here.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 | RFC 2046 §5.1.1}
 */
export class DelimiterScanner {
  readonly #dashBoundary: Uint8Array<ArrayBuffer>;
  /** Octets of the section that belong to a delimiter, if one follows. */
  #held: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** A line that may be a delimiter, as far as it has come. */
  #line: Uint8Array<ArrayBuffer> | undefined;
  /** Whether a line begins here. */
  #isAtLine = true;

  /**
   * Starts before the first octet.
   *
   * @param boundary Value of the parameter `boundary`, as it must be.
   */
  constructor(boundary: string) {
    this.#dashBoundary = new TextEncoder().encode(`--${boundary}`);
  }

  /**
   * Takes the next octets.
   *
   * @param octets Octets, cut anywhere.
   * @returns What is known by then, in order.
   */
  *next(octets: Uint8Array<ArrayBuffer>): Generator<Found, void> {
    let at = 0;
    while (at < octets.length) {
      if (this.#line === undefined) {
        const hyphen = this.#lineWithHyphen(octets, at);
        yield* this.#section(octets.subarray(at, hyphen));
        if (hyphen === octets.length) return;
        this.#line = new Uint8Array();
        at = hyphen;
      }
      const lineFeed = octets.indexOf(LF, at);
      const end = lineFeed < 0 ? octets.length : lineFeed + 1;
      this.#line = concat([this.#line, octets.subarray(at, end)]);
      at = end;
      if (lineFeed >= 0 || this.#isDecided(this.#line)) yield* this.#endLine();
    }
  }

  /**
   * Says that no more octets come.
   *
   * @returns What is left.
   */
  *end(): Generator<Found, void> {
    if (this.#line !== undefined) yield* this.#endLine();
    yield this.#held;
  }

  /** Offset of the next line that begins with a hyphen, or the end. */
  #lineWithHyphen(octets: Uint8Array, from: number): number {
    let at = octets.indexOf(HYPHEN, from);
    while (
      at >= 0 && !(at === from ? this.#isAtLine : octets[at - 1] === LF)
    ) {
      at = octets.indexOf(HYPHEN, at + 1);
    }
    return at < 0 ? octets.length : at;
  }

  #isDecided(line: Uint8Array): boolean {
    return line.length > MAX_LINE_OCTETS ||
      this.#dashBoundary.some((octet, i) =>
        i < line.length && line[i] !== octet
      );
  }

  *#endLine(): Generator<Found, void> {
    const line = this.#line!;
    this.#line = undefined;
    const kind = delimiterKind(line, this.#dashBoundary);
    if (kind === "none") {
      yield* this.#section(line);
    } else {
      this.#held = new Uint8Array();
      this.#isAtLine = true;
      yield line.length > MAX_LINE_OCTETS ? "ambiguous" : kind;
    }
  }

  /** Gives octets of a section, but for a line end at their end. */
  *#section(octets: Uint8Array<ArrayBuffer>): Generator<Found, void> {
    if (octets.length === 0) return;
    this.#isAtLine = octets.at(-1) === LF;
    const all = this.#held.length === 0 ? octets : concat([this.#held, octets]);
    let end = all.length;
    if (all[end - 1] === LF) end--;
    if (all[end - 1] === CR) end--;
    this.#held = all.slice(end);
    if (end > 0) yield all.subarray(0, end);
  }
}
