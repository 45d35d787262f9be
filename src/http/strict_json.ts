/**
 * JSON bodies without what different readers understand differently.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc7493 | RFC 7493} (I-JSON)
 */

import { AppError } from "../errors.ts";
import { type Body, wrong } from "./fields.ts";

/** Objects and lists inside each other, at most. */
const DEPTH_MAX = 8;

/** Characters of a name of ours that an answer repeats, at most. */
const NAME_SHOWN = 64;

/**
 * Parses the body of a request.
 *
 * @param octets The body; an empty one is an empty object.
 * @returns The object.
 * @throws {AppError} `invalid_request` if it is not UTF-8, no JSON object, has
 * a name twice in an object, more than eight levels, or text that PostgreSQL
 * cannot hold: U+0000 or half a surrogate pair.
 */
export function parseBody(octets: Uint8Array<ArrayBuffer>): Body {
  if (octets.length === 0) return {};
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(octets);
  } catch {
    throw refused("Body is not UTF-8");
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // The parser's error quotes the body, and that may hold a password.
    throw refused("Body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refused("Body must be a JSON object");
  }
  checkTokens(text);
  return body as Body;
}

/**
 * Checks names, depth and strings. JSON.parse() takes the last of two equal
 * names and says nothing, where another reader takes the first.
 *
 * @param json JSON that has been parsed without an error, which is why quotes,
 * brackets and the colon behind a name are all that matters here.
 */
function checkTokens(json: string): void {
  const open: { names: Set<string>; last: string }[] = [];
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case "{":
      case "[":
        open.push({ names: new Set(), last: open.at(-1)?.last ?? "" });
        if (open.length > DEPTH_MAX) {
          throw refused(`Body has more than ${DEPTH_MAX} levels`);
        }
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case '"': {
        const end = endOfString(json, at);
        const value = JSON.parse(json.slice(at, end)) as string;
        const inner = open.at(-1)!;
        if (!isName(json, end)) {
          checkText(value, inner.last);
        } else {
          checkText(value, "a name");
          if (inner.names.has(value)) {
            throw wrong(value.slice(0, NAME_SHOWN), "is given twice");
          }
          inner.names.add(value);
          inner.last = value;
        }
        at = end - 1;
      }
    }
  }
}

/**
 * Refuses text that cannot be stored.
 *
 * @param text What was sent.
 * @param name Of which field.
 * @throws {AppError} `invalid_request` if it has U+0000 or half a surrogate
 * pair.
 */
export function checkText(text: string, name: string): void {
  const field = name.slice(0, NAME_SHOWN);
  if (text.includes("\0")) throw wrong(field, "must not hold U+0000");
  if (!text.isWellFormed()) {
    throw wrong(field, "must not hold half a surrogate pair");
  }
}

/** Index behind the closing quote. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isName(json: string, end: number): boolean {
  let at = end;
  while (" \t\r\n".includes(json[at]!)) at++;
  return json[at] === ":";
}

function refused(message: string): AppError {
  return new AppError("invalid_request", message);
}
