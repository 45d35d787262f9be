/**
 * What a route for anybody on the internet is.
 *
 * @module
 */

import { AppError } from "../../errors.ts";

/** A request that has passed the first checks. */
export interface PublicRequest {
  /** The request. */
  readonly request: Request;
  /** Host name that was asked, lower case, without the port. */
  readonly host: string;
  /** What the path has in the places of its pattern's groups. */
  readonly params: readonly string[];
  /** Parameters behind the question mark. */
  readonly query: Readonly<Record<string, string>>;
}

/** One public route. */
export interface PublicRoute {
  /** HTTP methods; HEAD is answered as GET. */
  readonly methods: readonly ("GET" | "POST")[];
  /** Path, from beginning to end. */
  readonly path: RegExp;
  /**
   * Answers a request.
   *
   * @throws {AppError} What becomes a line of text with its status.
   */
  handle(request: PublicRequest): Promise<Response>;
}

/**
 * Makes the one answer to everything that is not there.
 *
 * @returns The failure.
 */
export function notFound(): AppError {
  return new AppError("not_found", "Not found");
}
