/**
 * A client of the Encimap S2S API. Made by `deno task client` from the routes;
 * README.md beside it shows how to use it.
 *
 * @module
 */

/** `AuditEntry` of docs/openapi.yaml. */
export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  "request_id": string | null;
  action: string;
  "user_id": string | null;
  "vaultbox_id": string | null;
  domain: string | null;
  details: Record<string, unknown>;
}

/** `CreatedVaultbox` of docs/openapi.yaml. */
export interface CreatedVaultbox {
  "vaultbox_id": string;
  domain: string;
  alias: string;
  name: string;
}

/** `Failure` of docs/openapi.yaml. */
export interface Failure {
  success: false;
  error: FailureReason;
}

/** `FailureReason` of docs/openapi.yaml. */
export interface FailureReason {
  code: "invalid_request" | "unauthorized" | "forbidden" | "not_found" | "conflict" | "unknown_vaultbox" | "message_too_large" | "unavailable" | "internal";
  message: string;
  details?: Record<string, unknown>;
}

/** `GeneratedCertificate` of docs/openapi.yaml. */
export interface GeneratedCertificate {
  email: string;
  certificate: string;
  "fingerprint_sha256": string;
  "not_before": string;
  "not_after": string;
  "private_key"?: string;
  "vaultbox_id"?: string;
}

/** `Health` of docs/openapi.yaml. */
export interface Health {
  status: "healthy" | "unhealthy";
  services: Services;
}

/** `NewCredential` of docs/openapi.yaml. */
export interface NewCredential {
  id: string;
  username: string;
  password: string;
  host: string;
  port: number;
  "security_type": "STARTTLS" | "SSL/TLS";
}

/** `Services` of docs/openapi.yaml. */
export interface Services {
  database: "connected" | "disconnected";
  storage: "accessible" | "inaccessible";
  mta: "running" | "stopped";
}

/** `Usage` of docs/openapi.yaml. */
export interface Usage {
  "vaultbox_id": string;
  alias: string;
  domain: string;
  "message_count": number;
  "total_bytes": number;
  "last_received": string | null;
}

/** `Vaultbox` of docs/openapi.yaml. */
export interface Vaultbox {
  id: string;
  "user_id": string;
  domain: string;
  alias: string;
  name: string;
  status: "active" | "suspended";
  custody: "server" | "client" | "external";
  "has_certs": boolean;
  "message_count": number;
  "created_at": string;
}

/** Body of createVaultbox. */
export interface CreateVaultboxBody {
  /** Needed from a service; a user may leave it out. */
  "user_id"?: string;
  domain: string;
  alias: string;
  /** For people; the address if left out. */
  name?: string;
}

/** Query of listVaultboxes. */
export interface ListVaultboxesQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `created_at` if left out. */
  sort?: "created_at" | "-created_at" | "address" | "-address";
  /** `next_cursor` of the page before. */
  cursor?: string;
  domain?: string;
  alias?: string;
  status?: "active" | "suspended";
}

/** Query of listUsage. */
export interface ListUsageQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `created_at` if left out. */
  sort?: "created_at" | "-created_at" | "address" | "-address";
  /** `next_cursor` of the page before. */
  cursor?: string;
  domain?: string;
  alias?: string;
  status?: "active" | "suspended";
}

/** Body of createSmtpCredential. */
export interface CreateSmtpCredentialBody {
  /** Given back to mail clients; changes no server. */
  host?: string;
  port?: number;
  "security_type"?: "STARTTLS" | "SSL/TLS";
}

/** Body of generateCertificate. */
export interface GenerateCertificateBody {
  email: string;
  /** Validity; CERT_VALIDITY_DAYS if left out. */
  days?: number;
}

/** Body of downloadPkcs12. */
export interface DownloadPkcs12Body {
  "vaultbox_id": string;
  password: string;
  /** `compat` for Android 13, iOS 17, macOS 14, GnuPG 2.2 and older. */
  format?: "modern" | "compat";
}

/** Body of downloadBundle. */
export interface DownloadBundleBody {
  "vaultbox_id": string;
  password: string;
}

/** Query of listAudit. */
export interface ListAuditQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `-id` if left out. */
  sort?: "-id" | "id";
  /** `next_cursor` of the page before. */
  cursor?: string;
  "vaultbox_id"?: string;
  action?: string;
}

/** Reasons of failures, for programs. */
export type ErrorCode = FailureReason["code"];

/** Where the API listens if nothing else is said. */
export const DEFAULT_URL = "http://127.0.0.1:4301/s2s/v1";

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

/** The API. Each method is an operation of docs/openapi.yaml. */
export class Encimap extends Client {
  /** Says whether the appliance works; no token, no envelope: `GET /health`. */
  async health(
    options: RequestOptions = {},
  ): Promise<Health> {
    return await this.json({ method: "GET", path: "/health", answers: [503] }, options) as Health;
  }

  /** Creates a vaultbox with key, certificate and route: `POST /vaultboxes`. */
  async createVaultbox(
    body: CreateVaultboxBody,
    options: PostOptions = {},
  ): Promise<CreatedVaultbox> {
    return await this.data({ method: "POST", path: "/vaultboxes", body }, options);
  }

  /** Lists vaultboxes: `GET /vaultboxes`. */
  async listVaultboxes(
    query: ListVaultboxesQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Vaultbox>> {
    return await this.page({ method: "GET", path: "/vaultboxes", query }, options);
  }

  /** All rows of {@linkcode Encimap.listVaultboxes}, page by page. */
  listAllVaultboxes(
    query: ListVaultboxesQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Vaultbox, void, undefined> {
    return all((cursor) =>
      this.listVaultboxes({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Shows a vaultbox: `GET /vaultboxes/{id}`. */
  async getVaultbox(
    id: string,
    options: RequestOptions = {},
  ): Promise<Vaultbox> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}` }, options);
  }

  /** Deletes a vaultbox with its mail, keys and credentials: `DELETE /vaultboxes/{id}`. */
  async deleteVaultbox(
    id: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}` }, options);
  }

  /** Lists messages and octets for each vaultbox: `GET /usage`. */
  async listUsage(
    query: ListUsageQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Usage>> {
    return await this.page({ method: "GET", path: "/usage", query }, options);
  }

  /** All rows of {@linkcode Encimap.listUsage}, page by page. */
  listAllUsage(
    query: ListUsageQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Usage, void, undefined> {
    return all((cursor) =>
      this.listUsage({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Makes the credential for IMAP: `POST /vaultboxes/{id}/imap-credentials`. */
  async createImapCredential(
    id: string,
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/imap-credentials` }, options);
  }

  /** Makes the credential for submission: `POST /vaultboxes/{id}/smtp-credentials`. */
  async createSmtpCredential(
    id: string,
    body: CreateSmtpCredentialBody = {},
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/smtp-credentials`, body }, options);
  }

  /** Gives the credential for IMAP a new password: `POST /vaultboxes/{id}/imap-credentials/regenerate`. */
  async regenerateImapPassword(
    id: string,
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/imap-credentials/regenerate` }, options);
  }

  /** Gives the credential for submission a new password: `POST /vaultboxes/{id}/smtp-credentials/regenerate`. */
  async regenerateSmtpPassword(
    id: string,
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/smtp-credentials/regenerate` }, options);
  }

  /** Makes a certificate for an address: `POST /generate-certificate`. */
  async generateCertificate(
    body: GenerateCertificateBody,
    options: PostOptions = {},
  ): Promise<GeneratedCertificate> {
    return await this.data({ method: "POST", path: "/generate-certificate", body }, options);
  }

  /** Downloads the newest key and certificate as PKCS#12: `POST /p12`. */
  async downloadPkcs12(
    body: DownloadPkcs12Body,
    options: PostOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "POST", path: "/p12", body }, options);
  }

  /** Downloads the ZIP bundle of all generations: `POST /bundle`. */
  async downloadBundle(
    body: DownloadBundleBody,
    options: PostOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "POST", path: "/bundle", body }, options);
  }

  /** Lists changes: who did what, when; the newest first: `GET /audit`. */
  async listAudit(
    query: ListAuditQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<AuditEntry>> {
    return await this.page({ method: "GET", path: "/audit", query }, options);
  }

  /** All rows of {@linkcode Encimap.listAudit}, page by page. */
  listAllAudit(
    query: ListAuditQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<AuditEntry, void, undefined> {
    return all((cursor) =>
      this.listAudit({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }
}
