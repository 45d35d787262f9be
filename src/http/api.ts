/**
 * The S2S API: `/s2s/v1` on 127.0.0.1.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Actor, App } from "../app.ts";
import { AppError, OUTCOMES, toAppError } from "../errors.ts";
import { reason } from "../log.ts";
import { Gate } from "../system/gate.ts";
import { healthCheck, readyCheck } from "../vaultbox/health.ts";
import { partyOf } from "../vaultbox/key_pool.ts";
import {
  authenticate,
  type Caller,
  checkKeys,
  type Scope,
  type TokenSettings,
} from "./auth.ts";
import { failureJson } from "./failure.ts";
import { deprecationHeaders } from "./deprecation.ts";
import { USER_ID } from "./fields.ts";
import { answerOnce, checkRepetition, type JsonAnswer } from "./idempotency.ts";
import { checkHeaders, checkPath, parseSearch, readBody } from "./limits.ts";
import { OPEN_PATHS, openApi, PREFIX } from "./openapi.ts";
import { RateLimit } from "./rate_limit.ts";
import type { Answer, Route } from "./route.ts";
import { apiRoutes } from "./routes/all.ts";
import { parseBody } from "./strict_json.ts";
import { healthJson } from "./health_answers.ts";

/** Answers one request. */
export type Fetch = (request: Request) => Response | Promise<Response>;

/** What one request carries. */
interface Env {
  Variables: { requestId: string };
  /** `operationId` of the route that answers. */
  Bindings: { operation: string };
}

/**
 * Requests that are worked on at a time; the others wait, for each user in turn.
 * The postgres package begins no transaction behind a hundred queries that one
 * connection has not answered yet (UNSAFE_TRANSACTION).
 */
const HANDLED_MAX = 50;

/**
 * Builds the API.
 *
 * @param app The world.
 * @param tokens What tokens are checked with.
 * @param routes Routes that need a token.
 * @returns What answers requests.
 */
export function buildApi(
  app: App,
  tokens: TokenSettings,
  routes: readonly Route[] = apiRoutes(app),
): Fetch {
  const api = new Hono<Env>();
  const health = healthCheck(app);
  const gate = new Gate(HANDLED_MAX);
  const isReady = readyCheck(app, () => checkKeys(tokens));
  const { rateLimit } = app.config;
  const limit = rateLimit === 0 ? undefined : new RateLimit(rateLimit);

  api.use(async (c, next) => {
    c.set("requestId", crypto.randomUUID());
    c.header("X-Request-Id", c.get("requestId"));
    c.header("Cache-Control", "no-store");
    checkHeaders(c.req.raw.headers);
    checkPath(new URL(c.req.raw.url).pathname);
    await next();
  });
  api.get(`${PREFIX}/health`, async (c) => {
    c.env.operation = "health";
    const state = await health();
    return c.json(healthJson(state), state.healthy ? 200 : 503);
  });
  api.get(`${PREFIX}/health/live`, (c) => {
    c.env.operation = "live";
    return c.json({ status: "live" });
  });
  api.get(`${PREFIX}/health/ready`, async (c) => {
    c.env.operation = "ready";
    const ready = await isReady();
    return c.json({ status: ready ? "ready" : "unready" }, ready ? 200 : 503);
  });
  const description = openApi(routes);
  api.get(`${PREFIX}/openapi.json`, (c) => {
    c.env.operation = "openapi";
    return c.json(description);
  });
  for (const route of routes) {
    const path = route.path.replace(/\{(\w+)\}/g, ":$1");
    const marks = Object.entries(
      route.deprecation === undefined
        ? {}
        : deprecationHeaders(route.deprecation),
    );
    api.on(route.method, PREFIX + path, async (c) => {
      c.env.operation = route.operation;
      for (const [name, value] of marks) c.header(name, value);
      const authorization = c.req.header("authorization");
      const caller = await authenticate(tokens, authorization, app.now());
      if (limit !== undefined) take(c, limit, caller);
      checkScope(caller, route.scope);
      const { pathname, search } = new URL(c.req.raw.url);
      const { "user_id": named, ...query } = parseSearch(search);
      const octets = route.body === undefined
        ? new Uint8Array()
        : await readBody(c.req.raw);
      const body = parseBody(octets);
      checkScope(caller, route.alsoScope?.(body));
      const { items } = body;
      if (limit !== undefined && Array.isArray(items)) {
        // The request itself is counted already.
        take(c, limit, caller, Math.max(items.length - 1, 0));
      }
      const actor = actorOf(caller, named, c.get("requestId"));
      const params = c.req.param();
      const run = (): Promise<Answer> =>
        gate.run(
          () => route.handle({ actor, params, query, body }),
          partyOf(actor),
        );
      const key = route.method === "POST"
        ? c.req.header("idempotency-key")
        : undefined;
      if (key === undefined) return respond(c, route, await run());
      const target = `${route.method} ${pathname}${search}`;
      const request = { key, actor, target, octets };
      if ("file" in route.answer) {
        await checkRepetition(app, request);
        return respond(c, route, await run());
      }
      const { isReplayed, ...answer } = await answerOnce(
        app,
        request,
        async () => jsonAnswer(route, await run()),
        failureAnswer,
      );
      if (isReplayed) c.header("Idempotent-Replayed", "true");
      return send(c, answer);
    });
  }
  const paths = [
    ...OPEN_PATHS.map(({ path }) => ({ method: "GET", path })),
    { method: "GET", path: "/openapi.json" },
    ...routes,
  ];
  api.notFound((c) => noRoute(c, paths));
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
  return async (request) => {
    const began = performance.now();
    const seen = { operation: "none" };
    const response = await api.fetch(request, seen);
    app.metrics.answered(seen.operation, response.status, began);
    return response;
  };
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
  const { userId, scopes } = caller;
  const name = nameOf(caller);
  const isAdmin = scopes.has("admin");
  const wanted = named === undefined
    ? undefined
    : USER_ID.parse(named, "user_id");
  if (userId === undefined) {
    return { owner: wanted, name, isAdmin, isService: true, requestId };
  }
  if (wanted !== undefined && wanted !== userId) {
    throw new AppError("forbidden", "user_id is not yours");
  }
  return { owner: userId, name, isAdmin, isService: false, requestId };
}

function checkScope({ scopes }: Caller, scope: Scope | undefined): void {
  if (scope === undefined || scopes.has(scope)) return;
  throw new AppError("forbidden", `Token lacks scope ${scope}`, {
    details: { scope },
  });
}

function nameOf({ userId, subject }: Caller): string {
  if (userId !== undefined) return `user:${userId}`;
  return subject === undefined ? "service" : `service:${subject}`;
}

/** Counts a request of a caller, and says in the answer what is left. */
function take(c: Context, limit: RateLimit, caller: Caller, cost = 1): void {
  const quota = limit.take(nameOf(caller), cost);
  c.header("RateLimit-Limit", String(quota.limit));
  c.header("RateLimit-Remaining", String(quota.remaining));
  c.header("RateLimit-Reset", String(quota.resetSeconds));
  if (quota.allowed) return;
  throw new AppError("too_many_requests", "Too many requests", {
    details: { "retry_after": quota.retrySeconds },
  });
}

/** Answers what no route has answered: another method, or another path. */
function noRoute(
  c: Context,
  routes: readonly { method: string; path: string }[],
): Response {
  const { pathname } = new URL(c.req.raw.url);
  const methods = new Set<string>();
  for (const { method, path } of routes) {
    const pattern = path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+");
    if (new RegExp(`^${PREFIX}${pattern}$`).test(pathname)) {
      methods.add(method);
      // RFC 9110 section 9.3.2: the router answers it as GET without content.
      if (method === "GET") methods.add("HEAD");
    }
  }
  if (methods.size === 0) {
    return failure(c, new AppError("not_found", "No such route"));
  }
  c.header("Allow", [...methods, "OPTIONS"].sort().join(", "));
  if (c.req.method === "OPTIONS") return c.body(null, 204);
  const message = "The route has other methods";
  return failure(c, new AppError("method_not_allowed", message));
}

function respond(c: Context, route: Route, answer: Answer): Response {
  if (!("octets" in answer)) return send(c, jsonAnswer(route, answer));
  const { octets, filename, mediaType } = answer;
  c.header("Content-Disposition", `attachment; filename="${filename}"`);
  if ("file" in route.answer) {
    c.header("Content-Type", mediaType ?? String(route.answer.file));
  }
  return c.body(octets, route.answer.status);
}

function jsonAnswer({ answer: { status } }: Route, answer: Answer): JsonAnswer {
  if (!("rows" in answer)) {
    return { status, text: JSON.stringify({ success: true, ...answer }) };
  }
  const { rows, next } = answer;
  const page = {
    success: true,
    data: rows,
    ...(next !== undefined && { "next_cursor": next }),
  };
  return { status, text: JSON.stringify(page) };
}

function failureAnswer(error: AppError): JsonAnswer {
  const text = JSON.stringify({ success: false, error: failureJson(error) });
  return { status: OUTCOMES[error.code].http, text };
}

function failure(c: Context, error: AppError): Response {
  const { code, details } = error;
  if (code === "unauthorized") c.header("WWW-Authenticate", "Bearer");
  const retryAfter = details?.["retry_after"];
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
  return send(c, failureAnswer(error));
}

function send(c: Context, { status, text }: JsonAnswer): Response {
  c.header("Content-Type", "application/json");
  return c.body(text, status as ContentfulStatusCode);
}
