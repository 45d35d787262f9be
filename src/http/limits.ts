/**
 * What a request may be, before anybody looks at what it wants.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { wrong } from "./fields.ts";
import { checkText } from "./strict_json.ts";

/** Octets of a body, at most. */
const BODY_MAX_BYTES = 65_536;

/** Milliseconds that a body may take to arrive. */
const BODY_TIMEOUT_MS = 30_000;

/** Octets of all header fields with their separators, at most. */
const HEADERS_MAX_BYTES = 16_384;

/** Octets that `: ` and CRLF add to a header field. */
const FIELD_BYTES = 4;

/** Characters of a name of ours that an answer repeats, at most. */
const NAME_SHOWN = 64;

/** `application/json`, or any type with the suffix of RFC 6839 section 3.1. */
const MEDIA_TYPE_REGEXP =
  /^\s*(application\/json|[\w!#$&^.-]+\/[\w!#$&^.+-]+\+json)\s*(;|$)/i;

/**
 * Checks the size of the header fields.
 *
 * @param headers The fields.
 * @throws {AppError} `headers_too_large` if they have more than 16 KiB.
 */
export function checkHeaders(headers: Headers): void {
  let bytes = 0;
  for (const [name, value] of headers) {
    bytes += name.length + value.length + FIELD_BYTES;
  }
  if (bytes > HEADERS_MAX_BYTES) {
    throw new AppError("headers_too_large", "Header fields are too large");
  }
}

/**
 * Checks that a path can be decoded.
 *
 * @param path Path of a URL, as sent.
 * @throws {AppError} `invalid_request` if it has a percent sign that is no
 * escape, escapes that are not UTF-8, or U+0000.
 */
export function checkPath(path: string): void {
  checkText(decode(path, "Path"), "Path");
}

/**
 * Parses the parameters behind the question mark.
 *
 * @param search With the question mark, or empty.
 * @returns Values by name.
 * @throws {AppError} `invalid_request` if one cannot be decoded or comes twice:
 * of two, some readers take the first and others the last.
 */
export function parseSearch(search: string): Record<string, string> {
  const values = new Map<string, string>();
  for (const part of search.slice(1).split("&")) {
    if (part === "") continue;
    const [name, value] = /^([^=]*)=?(.*)$/s.exec(part)!.slice(1)
      .map((each) => decode(each.replaceAll("+", " "), "Query"));
    checkText(name!, "a name");
    checkText(value!, name!);
    if (values.has(name!)) {
      throw wrong(name!.slice(0, NAME_SHOWN), "is given twice");
    }
    values.set(name!, value!);
  }
  return Object.fromEntries(values);
}

/**
 * Reads the body of a request that is JSON.
 *
 * @param request The request.
 * @param timeoutMs Milliseconds that it may take.
 * @returns The octets; empty if there is no body.
 * @throws {AppError} As {@linkcode readOctets} with 64 KiB, and
 * `unsupported_media_type` if it says that it is no JSON.
 */
export async function readBody(
  request: Request,
  timeoutMs: number = BODY_TIMEOUT_MS,
): Promise<Uint8Array<ArrayBuffer>> {
  const octets = await readOctets(request, BODY_MAX_BYTES, timeoutMs);
  if (octets.length > 0) checkMediaType(request.headers);
  return octets;
}

/**
 * Reads the body of a request, of whatever framing and media type.
 *
 * @param request The request.
 * @param maxBytes Octets at most.
 * @param timeoutMs Milliseconds that it may take.
 * @returns The octets; empty if there is no body.
 * @throws {AppError} `message_too_large`, `request_timeout`, `invalid_request`
 * if it is cut off.
 */
export async function readOctets(
  request: Request,
  maxBytes: number,
  timeoutMs: number = BODY_TIMEOUT_MS,
): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers.get("content-length")) > maxBytes) {
    throw tooLarge();
  }
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends the read that is waiting.
    reader.cancel().catch(() => {});
  }, timeoutMs);
  try {
    const octets = new Uint8Array(maxBytes);
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (length + value.length > maxBytes) {
        reader.cancel().catch(() => {});
        throw tooLarge();
      }
      octets.set(value, length);
      length += value.length;
    }
    if (isLate) throw new AppError("request_timeout", "Body came too slowly");
    return octets.slice(0, length);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_request", "Body was cut off", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** A body that does not say what it is counts as JSON. */
function checkMediaType(headers: Headers): void {
  const type = headers.get("content-type");
  const encoding = headers.get("content-encoding") ?? "identity";
  const isJson = type === null ||
    MEDIA_TYPE_REGEXP.test(type);
  if (isJson && encoding === "identity") return;
  throw new AppError("unsupported_media_type", "Body must be application/json");
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AppError(
      "invalid_request",
      `${what} has an escape that is not UTF-8`,
    );
  }
}

function tooLarge(): AppError {
  return new AppError("message_too_large", "Body is too large");
}
