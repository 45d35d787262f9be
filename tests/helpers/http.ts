/**
 * Asking the API in tests.
 *
 * @module
 */

import type { Fetch } from "../../src/http/api.ts";
import { mintToken } from "../../src/http/auth.ts";
import { SECRET } from "./app.ts";

/** What the API of a test checks tokens with. */
export const SETTINGS = { secret: SECRET, audience: "encimap.svc" };

/** An answer; `body` is octets where it is not JSON. */
// deno-lint-ignore no-explicit-any
export type Answer = { status: number; body: any; headers: Headers };

/** What to ask. */
export interface Question {
  /** Bearer token; none if left out. */
  readonly token?: string;
  /** Method; GET, or POST if there is a body, if left out. */
  readonly method?: string;
  /** Body: text as it is, anything else as JSON. */
  readonly body?: unknown;
  /** More headers. */
  readonly headers?: Record<string, string>;
}

/** Asks the API at a path below `/s2s/v1`. */
export async function askApi(
  api: Fetch,
  path: string,
  { token, method, body, headers }: Question = {},
): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await api(
    new Request(`http://api/s2s/v1${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      // Octets: a request with text as its body says text/plain by itself.
      body: body === undefined
        ? null
        : body instanceof Uint8Array || body instanceof ReadableStream
        ? body as BodyInit
        : new TextEncoder().encode(text),
    }),
  );
  const octets = await response.bytes();
  const isJson = response.headers.get("content-type")?.includes("json") &&
    octets.length > 0;
  return {
    status: response.status,
    body: isJson ? JSON.parse(new TextDecoder().decode(octets)) : octets,
    headers: response.headers,
  };
}

/** A token of the service, or of a user. */
export function bearer(userId?: string): Promise<string> {
  const lifetime = { now: new Date(), seconds: 600 };
  return mintToken(SETTINGS, { userId }, lifetime);
}

/** Asks the API with a token; an empty one is none. */
export function ask(
  api: Fetch,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  return askApi(api, path, { method, body, ...(token !== "" && { token }) });
}
