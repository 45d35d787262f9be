/**
 * What anybody on the internet may ask, without a token: a listener of its own
 * on 127.0.0.1, so that no mistake in the web server before it opens the API.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { AppError, OUTCOMES, toAppError } from "../../errors.ts";
import { reason } from "../../log.ts";
import { Gate } from "../../system/gate.ts";
import type { Fetch } from "../api.ts";
import { checkHeaders, checkPath, parseSearch } from "../limits.ts";
import { certificateRoutes } from "./certificates.ts";
import { clientSettingsRoutes } from "./client_settings.ts";
import { mtaStsRoutes } from "./mta_sts.ts";
import { setupRoutes } from "./setup.ts";
import { notFound, type PublicRoute } from "./route.ts";

/** Requests that are worked on at a time, and that may wait besides. */
const HANDLED_MAX = 10;
const WAITING_MAX = 200;

/** Octets of a path with its query, at most. */
const URL_MAX = 2048;

/** Fields of every answer. Nothing here is for caches, frames or robots. */
const HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Robots-Tag": "noindex, nofollow",
};

/**
 * Lists the public routes.
 *
 * @param app The world.
 * @returns The routes.
 */
function publicRoutes(app: App): PublicRoute[] {
  return [
    ...clientSettingsRoutes(app),
    ...setupRoutes(app),
    ...certificateRoutes(app),
    ...mtaStsRoutes(app),
  ];
}

/**
 * Builds what answers public requests.
 *
 * @param app The world.
 * @param routes The routes.
 * @returns What answers requests.
 */
export function buildPublic(
  app: App,
  routes: readonly PublicRoute[] = publicRoutes(app),
): Fetch {
  const gate = new Gate(HANDLED_MAX, { waitingMax: WAITING_MAX });
  return async (request) => {
    let response: Response;
    try {
      response = await gate.run(() => answer(routes, request));
    } catch (thrown) {
      response = failure(app, request, thrown);
    }
    for (const [name, value] of Object.entries(HEADERS)) {
      response.headers.set(name, value);
    }
    app.metrics.publicAnswered(response.status);
    return request.method === "HEAD" ? withoutContent(response) : response;
  };
}

async function answer(
  routes: readonly PublicRoute[],
  request: Request,
): Promise<Response> {
  const { hostname, pathname, search } = new URL(request.url);
  checkHeaders(request.headers);
  if (pathname.length + search.length > URL_MAX) throw notFound();
  checkPath(pathname);
  for (const { methods, path, handle } of routes) {
    const match = path.exec(pathname);
    if (match === null) continue;
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (!methods.some((each) => each === method)) {
      throw new AppError("method_not_allowed", "The path has other methods");
    }
    const query = parseSearch(search);
    const params = match.slice(1);
    return await handle({ request, host: hostname, params, query });
  }
  throw notFound();
}

/** Text of ours for a failure; nothing of the request is in it. */
function failure(app: App, request: Request, thrown: unknown): Response {
  const error = toAppError(thrown);
  if (error.code === "internal" || error.code === "unavailable") {
    app.log.write("error", "public request failed", {
      method: request.method,
      code: error.code,
      cause: reason(error.cause),
    });
  }
  const retryAfter = error.details?.["retry_after"];
  return new Response(`${error.message}\n`, {
    status: OUTCOMES[error.code].http,
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      ...(retryAfter !== undefined && { "Retry-After": String(retryAfter) }),
    },
  });
}

function withoutContent(response: Response): Response {
  const { status, headers } = response;
  return new Response(null, { status, headers });
}
