/**
 * The S2S API: `/s2s/v1` on 127.0.0.1.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { App } from "../app.ts";
import { AppError, OUTCOMES, toAppError } from "../errors.ts";
import { reason } from "../log.ts";
import { healthCheck } from "../vaultbox/health.ts";
import { authenticate, type TokenSettings } from "./auth.ts";
import type { Answer, DownloadFile, Route } from "./route.ts";
import { certificateRoutes } from "./routes/certificates.ts";
import { credentialRoutes } from "./routes/credentials.ts";
import { vaultboxRoutes } from "./routes/vaultboxes.ts";
import { healthJson } from "./answers.ts";
import type { Body } from "./wire.ts";

/** Answers one request. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** What one request carries. */
interface Env {
  Variables: { requestId: string };
}

/** Beginning of every path. */
const PREFIX = "/s2s/v1";

/** Octets of a body, at most. */
const BODY_MAX_BYTES = 65_536;

/**
 * Lists the routes that need a token.
 *
 * @param app The world.
 * @returns The routes.
 */
export function apiRoutes(app: App): Route[] {
  return [
    ...vaultboxRoutes(app),
    ...credentialRoutes(app),
    ...certificateRoutes(app),
  ];
}

/**
 * Builds the API.
 *
 * @param app The world.
 * @param tokens Key and audience of tokens.
 * @returns What answers requests.
 */
export function buildApi(app: App, tokens: TokenSettings): Fetch {
  const api = new Hono<Env>();
  const health = healthCheck(app);

  api.use(async (c, next) => {
    c.set("requestId", crypto.randomUUID());
    c.header("X-Request-Id", c.get("requestId"));
    c.header("Cache-Control", "no-store");
    await next();
  });
  api.get(`${PREFIX}/health`, async (c) => {
    const state = await health();
    return c.json(healthJson(state), state.healthy ? 200 : 503);
  });
  api.use(bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (c) =>
      failure(c, new AppError("message_too_large", "Body is too large")),
  }));
  for (const route of apiRoutes(app)) {
    api.on(route.method, PREFIX + route.path, async (c) => {
      const authorization = c.req.header("authorization");
      const answer = await route.handle({
        caller: await authenticate(tokens, authorization, app.now()),
        params: c.req.param(),
        query: c.req.query(),
        json: () => readJson(c.req.raw),
      });
      return respond(c, answer);
    });
  }
  api.notFound((c) => failure(c, new AppError("not_found", "No such route")));
  api.onError((thrown, c) => {
    const error = toAppError(thrown);
    const { code } = error;
    app.log.write(code === "internal" ? "error" : "info", "request failed", {
      request: c.get("requestId"),
      method: c.req.method,
      code,
      cause: error.cause === undefined ? undefined : reason(error.cause),
    });
    return failure(c, error);
  });
  return (request) => api.fetch(request);
}

async function readJson(request: Request): Promise<Body> {
  const text = await request.text();
  if (text === "") return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // The parser's error quotes the body, and that may hold a password.
    throw new AppError("invalid_request", "Body is not JSON");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new AppError("invalid_request", "Body must be a JSON object");
  }
  return body as Body;
}

function respond(c: Context<Env>, { status = 200, body }: Answer): Response {
  if (!isFile(body)) return c.json(body, status);
  c.header("Content-Disposition", `attachment; filename="${body.filename}"`);
  c.header("Content-Type", body.type);
  return c.body(body.octets, status);
}

function isFile(body: Answer["body"]): body is DownloadFile {
  return body["octets"] instanceof Uint8Array;
}

function failure(c: Context, error: AppError): Response {
  const { code, message } = error;
  if (code === "unauthorized") c.header("WWW-Authenticate", "Bearer");
  return c.json(
    { success: false, error: { code, message } },
    OUTCOMES[code].http,
  );
}
