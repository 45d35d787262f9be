/**
 * Requests to the API.
 *
 * @module
 */

import type { Fetch } from "../../src/http/api.ts";
import { mintToken } from "../../src/http/auth.ts";
import { SECRET } from "./app.ts";

/** Settings of tokens. */
export const SETTINGS = { secret: SECRET, audience: "encimap.svc" };

/** An answer whose body is decoded JSON, or octets. */
// deno-lint-ignore no-explicit-any
export type Answer = { status: number; body: any; headers: Headers };

/**
 * Asks the API.
 *
 * @param api The API.
 * @param token Bearer token; empty for none.
 * @param method HTTP method.
 * @param path Path below the prefix.
 * @param body JSON, or the text of a body.
 * @returns The answer.
 */
export async function ask(
  api: Fetch,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await api(
    new Request(`http://api/s2s/v1${path}`, {
      method,
      headers: token === "" ? {} : { authorization: `Bearer ${token}` },
      body: body === undefined
        ? null
        : typeof body === "string"
        ? body
        : JSON.stringify(body),
    }),
  );
  const isJson = response.headers.get("content-type")?.includes("json");
  return {
    status: response.status,
    body: isJson ? await response.json() : await response.bytes(),
    headers: response.headers,
  };
}

/** A service's token for a minute. */
export function serviceToken(): Promise<string> {
  return mintToken(SETTINGS, { userId: undefined }, {
    now: new Date(),
    seconds: 60,
  });
}

/** A user's token for a minute. */
export function userToken(userId: string): Promise<string> {
  return mintToken(SETTINGS, { userId }, { now: new Date(), seconds: 60 });
}
