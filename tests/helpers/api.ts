/**
 * The API as a real server, and its description.
 *
 * @module
 */

import { parse } from "yaml";
import { buildApi } from "../../src/http/api.ts";
import type { Schema } from "../../src/http/fields.ts";
import { PREFIX } from "../../src/http/openapi.ts";
import type { TestWorld } from "./app.ts";
import { SETTINGS } from "./http.ts";

/** One operation of docs/openapi.yaml. */
export interface Operation {
  /** `operationId`. */
  readonly id: string;
  /** HTTP method, upper case. */
  readonly method: string;
  /** Path with `{name}`. */
  readonly path: string;
  /** Scope that it needs; undefined where it needs no token. */
  readonly scope: string | undefined;
  /** Parameters of the path, the query and the header. */
  readonly parameters: readonly Parameter[];
  /** Schema of the body, if one is read. */
  readonly body: Schema | undefined;
  /** Answers by status, `default` for failures. */
  readonly responses: Readonly<Record<string, { content: Schema }>>;
}

/** One parameter. */
export interface Parameter {
  /** Its name. */
  readonly name: string;
  /** Where it stands. */
  readonly in: "path" | "query" | "header";
  /** Whether it must be there. */
  readonly required?: boolean;
  /** What it takes. */
  readonly schema: Schema;
}

/** docs/openapi.yaml. */
export interface Description {
  /** The document. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Its operations, in order. */
  readonly operations: readonly Operation[];
}

/** Reads docs/openapi.yaml. */
export function readDescription(): Description {
  const text = Deno.readTextFileSync("docs/openapi.yaml");
  // deno-lint-ignore no-explicit-any
  const document = parse(text) as any;
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    // deno-lint-ignore no-explicit-any
    Object.entries(item as any).map(([method, operation]: [string, any]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      scope: operation.security[0]?.token[0],
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content["application/json"].schema,
      responses: operation.responses,
    }))
  );
  return { document, operations };
}

/** What an operation is asked with. */
export interface Input {
  /** Parts of the path. */
  readonly params?: Readonly<Record<string, string>>;
  /** Parameters behind the question mark. */
  readonly query?: Readonly<Record<string, string>>;
  /** The body, as JSON. */
  readonly body?: unknown;
}

/** An answer that was read to its end. */
export interface Reply {
  /** Status. */
  readonly status: number;
  /** Header fields. */
  readonly headers: Headers;
  /** The body as text. */
  readonly text: string;
  /** The body, decoded, where it is JSON. */
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

/** A listening API. */
export interface ServedApi extends AsyncDisposable {
  /** Its URL with the prefix. */
  readonly url: string;
  /** Sends a request; an empty token sends none. */
  fetch(path: string, token: string, init?: RequestInit): Promise<Reply>;
  /** Asks an operation. */
  ask(operation: Operation, token: string, input: Input): Promise<Reply>;
}

/**
 * Serves the API of a world on a free port.
 *
 * @param world The world.
 * @returns The API.
 */
export function servedApi(world: Pick<TestWorld, "app">): ServedApi {
  const api = buildApi(world.app, SETTINGS);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    api,
  );
  const url = `http://127.0.0.1:${server.addr.port}${PREFIX}`;
  const fetchReply: ServedApi["fetch"] = async (path, token, init = {}) => {
    const headers = new Headers(init.headers);
    if (token !== "") headers.set("authorization", `Bearer ${token}`);
    if (init.body && !headers.has("content-type")) {
      headers.set("content-type", "application/json");
    }
    const response = await fetch(url + path, { ...init, headers });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    const json = type.startsWith("application/json")
      ? JSON.parse(text)
      : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
  return {
    url,
    fetch: fetchReply,
    ask(operation, token, input) {
      const body = input.body === undefined
        ? {}
        : { body: JSON.stringify(input.body) };
      return fetchReply(pathOf(operation, input), token, {
        method: operation.method,
        ...body,
      });
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
    },
  };
}

/** Writes the path and query of a request. */
export function pathOf(operation: Operation, input: Input): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => {
    const value = input.params?.[name];
    if (value === undefined) {
      throw new Error(`${operation.id}: no value for {${name}}`);
    }
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams(input.query).toString();
  return query === "" ? path : `${path}?${query}`;
}

/** Settings under which one caller may ask as often as it can. */
export const UNLIMITED: Readonly<Record<string, string>> = {
  ENCIMAP_RATE_LIMIT: "0",
};

/** Settings under which each operation can succeed. */
export const EVERYTHING_ON: Readonly<Record<string, string>> = {
  ...UNLIMITED,
  // Without a public port there are no links to set a device up.
  ENCIMAP_PUBLIC_PORT: "4302",
};
