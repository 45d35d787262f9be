/**
 * The S2S API: `/s2s/v1` on 127.0.0.1.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Actor, App } from "../app.ts";
import { AppError, OUTCOMES, toAppError } from "../errors.ts";
import { reason } from "../log.ts";
import { healthCheck } from "../vaultbox/health.ts";
import { authenticate, type Caller, type TokenSettings } from "./auth.ts";
import { type Body, USER_ID } from "./fields.ts";
import { openApi, PREFIX } from "./openapi.ts";
import type { Answer, Route } from "./route.ts";
import { apiRoutes } from "./routes/all.ts";
import { healthJson } from "./answers.ts";

/** Answers one request. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** What one request carries. */
interface Env {
  Variables: { requestId: string };
}

/** Octets of a body, at most. */
const BODY_MAX_BYTES = 65_536;

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
  const routes = apiRoutes(app);
  const description = openApi(routes);
  api.get(`${PREFIX}/openapi.json`, (c) => c.json(description));
  api.use(bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (c) =>
      failure(c, new AppError("message_too_large", "Body is too large")),
  }));
  for (const route of routes) {
    const path = route.path.replace(/\{(\w+)\}/g, ":$1");
    api.on(route.method, PREFIX + path, async (c) => {
      const authorization = c.req.header("authorization");
      const caller = await authenticate(tokens, authorization, app.now());
      if (!caller.scopes.has(route.scope)) {
        throw new AppError("forbidden", `Token lacks scope ${route.scope}`);
      }
      const { "user_id": named, ...query } = c.req.query();
      const answer = await route.handle({
        actor: actorOf(caller, named, c.get("requestId")),
        params: c.req.param(),
        query,
        body: route.body === undefined ? {} : await readJson(c.req.raw),
      });
      return respond(c, route, answer);
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

/**
 * Who acts. A service may name the user whose things alone exist for this
 * request; a user is that user already.
 */
function actorOf(
  caller: Caller,
  named: string | undefined,
  requestId: string,
): Actor {
  const { userId, subject, scopes } = caller;
  const isAdmin = scopes.has("admin");
  const wanted = named === undefined
    ? undefined
    : USER_ID.parse(named, "user_id");
  if (userId === undefined) {
    const name = subject === undefined ? "service" : `service:${subject}`;
    return { owner: wanted, name, isAdmin, mayClaimDomains: true, requestId };
  }
  if (wanted !== undefined && wanted !== userId) {
    throw new AppError("forbidden", "user_id is not yours");
  }
  const name = `user:${userId}`;
  return { owner: userId, name, isAdmin, mayClaimDomains: false, requestId };
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

function respond(
  c: Context<Env>,
  { answer: { status, ...form } }: Route,
  answer: Answer,
): Response {
  if ("octets" in answer) {
    const { octets, filename } = answer;
    c.header("Content-Disposition", `attachment; filename="${filename}"`);
    if ("file" in form) c.header("Content-Type", form.file);
    return c.body(octets, status);
  }
  if ("rows" in answer) {
    const { rows, next } = answer;
    return c.json({
      success: true,
      data: rows,
      ...(next !== undefined && { "next_cursor": next }),
    }, status);
  }
  return c.json({ success: true, ...answer }, status);
}

function failure(c: Context, error: AppError): Response {
  const { code, message, details } = error;
  if (code === "unauthorized") c.header("WWW-Authenticate", "Bearer");
  return c.json(
    { success: false, error: { code, message, ...(details && { details }) } },
    OUTCOMES[code].http,
  );
}
