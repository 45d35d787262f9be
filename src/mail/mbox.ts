/**
 * Mail in one file: mbox, in the form that writes `>From ` where a line of a
 * message begins with `From `.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc4155#appendix-A | RFC 4155 appendix A}
 */

import { concat, CR, latin1, LF } from "./octets.ts";

/** A message in an mbox. */
export interface MboxMessage {
  /** The line before it, without its end: `From `, a sender and a time. */
  readonly separator: string;
  /** The message, to be read before the next one is asked for. */
  readonly chunks: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Octets of a chunk, about; a longer line comes in several. */
const CHUNK_OCTETS = 65_536;

const FROM = new TextEncoder().encode("From ");
const GREATER_THAN = 0x3e;

/** A line, or a part of a long one. */
interface Line {
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Whether a line begins with it. */
  readonly isBegin: boolean;
}

/**
 * Takes an mbox apart, in constant memory.
 *
 * A line that begins with `From ` begins a message where it is the first one or
 * an empty line is before it, which belongs to it. Of `>From ` and `>>From ` the
 * first `>` is taken away.
 *
 * @param input The file; may be hostile.
 * @yields Its messages. A part of one that nobody has read is passed over.
 * @throws {SyntaxError} If it begins with something else.
 */
export async function* mboxMessages(
  input: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<MboxMessage, void> {
  const lines = linesOf(input);
  const next = async (): Promise<Line | undefined> => {
    const { value, done } = await lines.next();
    return done ? undefined : value;
  };
  let line = await next();
  while (line !== undefined && isEmpty(line)) line = await next();
  while (line !== undefined) {
    if (!isSeparator(line)) {
      throw new SyntaxError("Cannot read it as an mbox must begin with From");
    }
    const separator = latin1(line.octets).trimEnd();
    line = undefined;
    const message = (async function* () {
      let waiting: Uint8Array<ArrayBuffer>[] = [];
      let length = 0;
      let empty: Line | undefined;
      for (let each = await next(); each !== undefined; each = await next()) {
        if (empty !== undefined && isSeparator(each)) {
          line = each;
          empty = undefined;
          break;
        }
        if (empty !== undefined) waiting.push(empty.octets);
        empty = isEmpty(each) ? each : undefined;
        if (empty !== undefined) continue;
        const octets = isEscaped(each) ? each.octets.subarray(1) : each.octets;
        waiting.push(octets);
        length += octets.length;
        if (length < CHUNK_OCTETS) continue;
        yield concat(waiting);
        waiting = [];
        length = 0;
      }
      if (waiting.length > 0) yield concat(waiting);
    })();
    // Without return(): a reader that stops early must not end it, as the next
    // message is found where this one ends.
    const chunks = {
      [Symbol.asyncIterator]: () => ({ next: () => message.next() }),
    };
    yield { separator, chunks };
    // What was not read is passed over.
    while (!(await message.next()).done);
  }
}

/**
 * Reads the time in a separator.
 *
 * @param separator The line, as `From bob@example.org Thu Jan  1 00:00:00 2026`.
 * @returns The time, taken as UTC; undefined if it says none.
 */
export function separatorTime(separator: string): Date | undefined {
  const match =
    /([A-Z][a-z]{2}) +(\d{1,2}) +(\d{1,2}:\d\d(?::\d\d)?)(?: +[A-Z+][A-Z0-9]*)? +(\d{4})/
      .exec(separator);
  if (match === null) return undefined;
  const [, month, day, time, year] = match;
  const at = new Date(`${day} ${month} ${year} ${time} UTC`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

async function* linesOf(
  input: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Line, void> {
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  let isBegin = true;
  for await (const chunk of input) {
    const octets = rest.length === 0 ? chunk : concat([rest, chunk]);
    let from = 0;
    for (let at = octets.indexOf(LF); at >= 0;) {
      yield { octets: octets.slice(from, at + 1), isBegin };
      isBegin = true;
      from = at + 1;
      at = octets.indexOf(LF, from);
    }
    rest = octets.slice(from);
    // Enough to say what line it is.
    if (rest.length < CHUNK_OCTETS) continue;
    yield { octets: rest, isBegin };
    isBegin = false;
    rest = new Uint8Array();
  }
  if (rest.length > 0) yield { octets: rest, isBegin };
}

function isEmpty({ octets, isBegin }: Line): boolean {
  return isBegin &&
    (octets.length === 1 && octets[0] === LF ||
      octets.length === 2 && octets[0] === CR && octets[1] === LF);
}

function isSeparator({ octets, isBegin }: Line): boolean {
  return isBegin && startsWithFrom(octets, 0);
}

function isEscaped({ octets, isBegin }: Line): boolean {
  if (!isBegin || octets[0] !== GREATER_THAN) return false;
  let at = 1;
  while (octets[at] === GREATER_THAN) at++;
  return startsWithFrom(octets, at);
}

function startsWithFrom(octets: Uint8Array, at: number): boolean {
  return FROM.every((octet, i) => octets[at + i] === octet);
}
