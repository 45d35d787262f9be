/**
 * Routes as data: what the router registers and what openapi.yaml describes.
 *
 * @module
 */

import type { Actor } from "../app.ts";
import type { Json } from "./answers.ts";
import type { Scope } from "./auth.ts";
import type { Deprecation } from "./deprecation.ts";
import {
  type Body,
  type Fields,
  parseFields,
  parseQuery,
  type Schema,
  type Values,
} from "./fields.ts";

/** A request that has passed authentication. */
export interface ApiRequest<
  P extends Fields = Fields,
  Q extends Fields = Fields,
  B extends Fields = Fields,
> {
  /** Who asks. */
  readonly actor: Actor;
  /** Parts of the path. */
  readonly params: Values<P>;
  /** Parameters behind the question mark. */
  readonly query: Values<Q>;
  /** Fields of the body. */
  readonly body: Values<B>;
}

/** A request whose parts are not checked yet. */
export interface RawRequest {
  /** Who asks. */
  readonly actor: Actor;
  /** Parts of the path by name. */
  readonly params: Body;
  /** Parameters behind the question mark by name. */
  readonly query: Readonly<Record<string, string>>;
  /** The body, decoded; an empty one is `{}`. */
  readonly body: Body;
}

/** An answer. */
export type Answer =
  | { readonly data: Json | readonly Json[] }
  | { readonly rows: readonly Json[]; readonly next: string | undefined }
  | { readonly message: string }
  | DownloadFile;

/** A binary answer. */
export interface DownloadFile {
  /** Its octets. */
  readonly octets: Uint8Array<ArrayBuffer>;
  /** Name for saving it. */
  readonly filename: string;
  /** Media type, where the route has several. */
  readonly mediaType?: string;
}

/** Form of a route's answer. */
export type AnswerForm =
  /** `data` in the envelope. */
  | { readonly status: 200 | 201; readonly data: Schema }
  /** A page: `data` is a list, with `next_cursor` if there is more. */
  | { readonly status: 200; readonly page: Schema }
  /** `message` in the envelope. */
  | { readonly status: 200; readonly message: true }
  /** A file of a media type, or of one of several. */
  | { readonly status: 200; readonly file: string | readonly string[] };

/** One route. */
export interface Route {
  /** HTTP method. */
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below `/s2s/v1`, with `{name}` for a parameter. */
  readonly path: string;
  /** `operationId`, also the method of clients and the word of the audit log. */
  readonly operation: string;
  /** One sentence. */
  readonly summary: string;
  /** What a token must be allowed. */
  readonly scope: Scope;
  /** What else it must be allowed for some bodies. */
  readonly alsoScope?: (body: Body) => Scope | undefined;
  /** Parts of the path. */
  readonly params: Fields;
  /** Parameters behind the question mark. */
  readonly query: Fields;
  /** Fields of the body; undefined where none is read. */
  readonly body: Fields | undefined;
  /** Form of the answer. */
  readonly answer: AnswerForm;
  /** When it goes; undefined for a route that stays. */
  readonly deprecation?: Deprecation;
  /**
   * Checks a request and answers it.
   *
   * @throws {AppError} What the envelope of failures says.
   */
  handle(request: RawRequest): Promise<Answer>;
}

/** A route whose handler knows the types of its fields. */
export interface Definition<
  P extends Fields,
  Q extends Fields,
  B extends Fields,
> extends Omit<Route, "params" | "query" | "body" | "handle"> {
  /** Parts of the path. */
  readonly params?: P;
  /** Parameters behind the question mark. */
  readonly query?: Q;
  /** Fields of the body. */
  readonly body?: B;
  /** Answers a request. */
  handle(request: ApiRequest<P, Q, B>): Promise<Answer>;
}

/** No fields. */
export type None = Record<never, never>;

/**
 * Makes a route; its parts are checked before the handler sees them.
 *
 * @param definition The route.
 * @returns The route.
 */
export function route<
  P extends Fields = None,
  Q extends Fields = None,
  B extends Fields = None,
>(definition: Definition<P, Q, B>): Route {
  const { params = {} as P, query = {} as Q, body } = definition;
  return {
    ...definition,
    params,
    query,
    body: body ?? (definition.method === "POST" ? {} : undefined),
    handle: async (raw) =>
      await definition.handle({
        actor: raw.actor,
        params: parseFields(params, raw.params),
        query: parseQuery(query, raw.query),
        body: parseFields(body ?? {} as B, raw.body),
      }),
  };
}
