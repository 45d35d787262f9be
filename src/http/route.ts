/**
 * A route as data: what the router registers and what documents list.
 *
 * @module
 */

import type { Caller } from "./auth.ts";
import type { Json } from "./answers.ts";
import type { Body } from "./wire.ts";

/** A request that has passed authentication. */
export interface ApiRequest {
  /** Who asks. */
  readonly caller: Caller;
  /** Parameters in the path, by name; empty if there is no such one. */
  readonly params: Readonly<Record<string, string>>;
  /** Parameters behind the question mark, by name. */
  readonly query: Readonly<Record<string, string>>;
  /**
   * Reads the body.
   *
   * @returns The decoded object; an empty body counts as `{}`.
   * @throws {AppError} `invalid_request` if it is something else.
   */
  json(): Promise<Body>;
}

/** An answer. */
export interface Answer {
  /** HTTP status; 200 if left out. */
  readonly status?: 200 | 201;
  /** The envelope, or a file. */
  readonly body: Json | DownloadFile;
}

/** A binary answer. */
export interface DownloadFile {
  /** Its octets. */
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Media type. */
  readonly type: string;
  /** Name for saving it. */
  readonly filename: string;
}

/** One route. */
export interface Route {
  /** HTTP method. */
  readonly method: "GET" | "POST" | "DELETE";
  /** Path below `/s2s/v1`, with `:id` for a parameter. */
  readonly path: string;
  /**
   * Answers a request.
   *
   * @throws {AppError} What the envelope of failures says.
   */
  handle(request: ApiRequest): Promise<Answer>;
}

/**
 * Wraps data in the envelope of success.
 *
 * @param data The data.
 * @param status HTTP status.
 * @returns The answer.
 */
export function success(data: Json, status: 200 | 201 = 200): Answer {
  return { status, body: { success: true, data } };
}
