/**
 * Multipart bodies.
 *
 * @module
 */

import { CR, HYPHEN, LF, SPACE, TAB } from "./octets.ts";

// RFC 2046 §5.1.1: 1 to 70 bchars, the last of them no space.
const BOUNDARY_REGEXP =
  /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/** Nobody sends more; each part of a body of nothing else would take memory. */
const MAX_PARTS = 1000;

/** A multipart body, taken apart. */
export interface Multipart {
  /** Octets before the first delimiter line. */
  readonly preamble: Uint8Array<ArrayBuffer>;
  /** Parts in order, without the line end that belongs to the delimiter. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** Octets behind the closing delimiter line. */
  readonly epilogue: Uint8Array<ArrayBuffer>;
  /** Whether the last part goes on behind the octets. */
  readonly isCut: boolean;
}

/**
 * Takes a multipart body apart, by the letter.
 *
 * @param body Body with CRLF (or LF) line ends.
 * @param boundary Value of the parameter `boundary`.
 * @param options `isCut`: these are the first octets of a body, so that the
 * closing delimiter may come later.
 * @returns Views of the body, or `undefined` if the boundary is not allowed,
 * the closing delimiter is missing, a line begins like a delimiter and goes on
 * (some readers take it for one, some do not), or there are more than 1000 parts.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 | RFC 2046 §5.1.1}
 */
export function splitMultipart(
  body: Uint8Array<ArrayBuffer>,
  boundary: string,
  options: { readonly isCut?: boolean } = {},
): Multipart | undefined {
  if (!isBoundary(boundary)) return undefined;
  const dashBoundary = new TextEncoder().encode(`--${boundary}`);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let preamble: Uint8Array<ArrayBuffer> | undefined;
  let start = 0;
  let line = 0;
  while (line < body.length) {
    const lineFeed = body.indexOf(LF, line);
    const next = lineFeed < 0 ? body.length : lineFeed + 1;
    const kind = body[line] === HYPHEN
      ? delimiterKind(body.subarray(line, next), dashBoundary)
      : "none";
    if (kind === "ambiguous") return undefined;
    if (kind !== "none") {
      const octets = body.subarray(
        start,
        Math.max(start, endBefore(body, line)),
      );
      if (parts.length === MAX_PARTS) return undefined;
      if (preamble === undefined) preamble = octets;
      else parts.push(octets);
      if (kind === "close") {
        const epilogue = body.subarray(next);
        return { preamble, parts, epilogue, isCut: false };
      }
      start = next;
    }
    line = next;
  }
  if (!options.isCut || preamble === undefined) return undefined;
  parts.push(body.subarray(start));
  return { preamble, parts, epilogue: new Uint8Array(), isCut: true };
}

/**
 * Says whether a boundary is allowed.
 *
 * @param boundary Value of the parameter `boundary`.
 * @returns Whether it is.
 */
export function isBoundary(boundary: string): boolean {
  return BOUNDARY_REGEXP.test(boundary);
}

/** What a line is that begins like a delimiter. */
export type Delimiter = "delimiter" | "close" | "ambiguous";

/**
 * Says whether a line is a delimiter.
 *
 * @param line The line with its line end, if it has one.
 * @param dashBoundary Two hyphens and the boundary.
 * @returns `ambiguous` if it begins like one and goes on.
 */
export function delimiterKind(
  line: Uint8Array,
  dashBoundary: Uint8Array,
): Delimiter | "none" {
  for (let i = 0; i < dashBoundary.length; i++) {
    if (line[i] !== dashBoundary[i]) return "none";
  }
  let end = dashBoundary.length;
  const isClose = line[end] === HYPHEN && line[end + 1] === HYPHEN;
  if (isClose) end += 2;
  while (line[end] === SPACE || line[end] === TAB) end++;
  if (line[end] === CR) end++;
  if (line[end] === LF) end++;
  if (end !== line.length) return "ambiguous";
  return isClose ? "close" : "delimiter";
}

/** Offset of the line end before the line that begins at `line`. */
function endBefore(body: Uint8Array, line: number): number {
  if (line === 0) return 0;
  return body[line - 2] === CR ? line - 2 : line - 1;
}
