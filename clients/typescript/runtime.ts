/**
 * The part of encimap.ts that does not depend on the routes. What stands between
 * the two marks is copied there.
 *
 * @module
 */

import { DEFAULT_URL, type ErrorCode, type Failure } from "./encimap.ts";

// begin
/** How a client is made. */
export interface EncimapOptions {
  /** URL of the API with its prefix; {@linkcode DEFAULT_URL} if left out. */
  readonly baseUrl?: string;
  /** The bearer token, or what gives one; asked before each request. */
  readonly token: string | (() => string | Promise<string>);
  /** What sends requests; the global `fetch` if left out. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds until an attempt is given up; 30 seconds if left out. */
  readonly timeoutMs?: number;
  /** Attempts after the first one; 2 if left out. */
  readonly retries?: number;
}

/** What a single request may have. */
export interface RequestOptions {
  /** From a service: the user whose things alone exist for the request. */
  readonly userId?: string;
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/** What a POST may have. */
export interface PostOptions extends RequestOptions {
  /**
   * Names the request, so that a repetition does nothing a second time. Only
   * with it is a POST tried again.
   */
  readonly idempotencyKey?: string;
}

/** A page of a list. */
export interface Page<T> {
  /** Its rows. */
  readonly data: T[];
  /** Where the next page begins; undefined on the last one. */
  readonly nextCursor: string | undefined;
}

/** What an {@linkcode EncimapError} knows. */
export interface ErrorFields {
  /** HTTP status. */
  readonly status: number;
  /** Reason, for programs; `unknown` if the answer was not the API's. */
  readonly code: ErrorCode | "unknown";
  /** More for programs, such as the name of a wrong `field`. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Id of the request, which the appliance's log has, too. */
  readonly requestId: string | undefined;
  /** Seconds after which to try again, if the answer says. */
  readonly retryAfter: number | undefined;
}

/** A request that was refused. `message` is for people. */
export class EncimapError extends Error implements ErrorFields {
  readonly status: number;
  readonly code: ErrorCode | "unknown";
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(message: string, fields: ErrorFields) {
    super(message);
    this.name = "EncimapError";
    this.status = fields.status;
    this.code = fields.code;
    this.details = fields.details;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: object;
  readonly body?: object;
  /** Statuses besides 2xx that are answers and no failures. */
  readonly answers?: readonly number[];
}

/** Seconds of Retry-After that are waited for, at most. */
const RETRY_AFTER_MAX = 30;

/** Milliseconds before the second attempt; each further one waits twice that. */
const BACKOFF_MS = 250;

class Client {
  readonly #options: EncimapOptions;
  readonly #baseUrl: string;

  /**
   * Makes a client.
   *
   * @param options Where the API is, and a token.
   */
  constructor(options: EncimapOptions) {
    this.#options = options;
    this.#baseUrl = (options.baseUrl ?? DEFAULT_URL).replace(/\/+$/, "");
  }

  protected async json(call: Call, options: PostOptions): Promise<unknown> {
    const octets = await this.octets(call, options);
    return JSON.parse(new TextDecoder().decode(octets));
  }

  protected async data<T>(call: Call, options: PostOptions): Promise<T> {
    return (await this.json(call, options) as { data: T }).data;
  }

  protected async page<T>(
    call: Call,
    options: PostOptions,
  ): Promise<Page<T>> {
    const answer = await this.json(call, options) as {
      data: T[];
      "next_cursor"?: string;
    };
    return { data: answer.data, nextCursor: answer["next_cursor"] };
  }

  protected async octets(
    call: Call,
    options: PostOptions,
  ): Promise<Uint8Array> {
    const mayRepeat = call.method === "GET" ||
      call.method === "POST" && options.idempotencyKey !== undefined;
    const retries = mayRepeat ? this.#options.retries ?? 2 : 0;
    for (let attempt = 0;; attempt++) {
      const { response, octets } = await this.#attempt(call, options);
      if (response.ok || call.answers?.includes(response.status)) {
        return octets;
      }
      const error = failureOf(response, octets);
      const isTemporary = response.status === 429 || response.status === 503;
      const seconds = error.retryAfter ?? 0;
      if (!isTemporary || attempt >= retries || seconds > RETRY_AFTER_MAX) {
        throw error;
      }
      const backoff = BACKOFF_MS * 2 ** attempt * (0.5 + Math.random());
      await sleep(Math.max(seconds * 1000, backoff), options.signal);
    }
  }

  async #attempt(
    call: Call,
    options: PostOptions,
  ): Promise<{ response: Response; octets: Uint8Array }> {
    const { token, fetch = globalThis.fetch, timeoutMs } = this.#options;
    const headers: Record<string, string> = {
      authorization: `Bearer ${
        typeof token === "function" ? await token() : token
      }`,
    };
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (options.idempotencyKey !== undefined) {
      headers["idempotency-key"] = options.idempotencyKey;
    }
    const query = { ...call.query, "user_id": options.userId };
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(options.signal?.reason);
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener("abort", onAbort);
    const timer = setTimeout(
      () => abort.abort(new DOMException("Timed out", "TimeoutError")),
      timeoutMs ?? 30_000,
    );
    try {
      const response = await fetch(this.#baseUrl + call.path + search(query), {
        method: call.method,
        headers,
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: abort.signal,
      });
      const octets = new Uint8Array(await response.arrayBuffer());
      return { response, octets };
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }
}

/** URLs drop `.` and `..`, encoded or not, and change where a request goes. */
function segment(name: string): string {
  if (/^\.{0,2}$/.test(name)) {
    throw new RangeError(`Cannot ask for ${JSON.stringify(name)}`);
  }
  return encodeURIComponent(name);
}

function search(query: object): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function failureOf(response: Response, octets: Uint8Array): EncimapError {
  let failure: Partial<Failure> = {};
  try {
    failure = JSON.parse(new TextDecoder().decode(octets)) ?? {};
  } catch {
    // Not the API's answer, but perhaps a proxy's.
  }
  const { error } = failure;
  const seconds = response.headers.get("retry-after");
  return new EncimapError(error?.message ?? `HTTP ${response.status}`, {
    status: response.status,
    code: error?.code ?? "unknown",
    details: error?.details ?? {},
    requestId: response.headers.get("x-request-id") ?? undefined,
    retryAfter: /^\d{1,6}$/.test(seconds ?? "") ? Number(seconds) : undefined,
  });
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

async function* all<T>(
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    yield* page.data;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
// end

export { all, Client, segment };
