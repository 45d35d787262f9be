/**
 * The dashboard: answers browsers on 127.0.0.1, behind a web server with TLS.
 *
 * @module
 */

import { Hono } from "hono";
import { AppError } from "../errors.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import type { Fetch } from "../http/api.ts";
import {
  checkHeaders,
  checkPath,
  parseSearch,
  readOctets,
} from "../http/limits.ts";
import { reason } from "../log.ts";
import { apiFor } from "./api_access.ts";
import { ASSETS } from "./assets.ts";
import { NO_SESSION_COOKIE, readCookies, SESSION_COOKIE } from "./cookies.ts";
import { document } from "./layout.tsx";
import { pageInParts } from "./page_in_parts.ts";
import { accountRoutes } from "./pages/account.tsx";
import { auditRoutes } from "./pages/audit.tsx";
import { bulkRoutes } from "./pages/bulk.tsx";
import { certificateRoutes } from "./pages/certificates.tsx";
import { custodyRoutes } from "./pages/custody.tsx";
import { customerRoutes } from "./pages/customers.tsx";
import { deviceRoutes } from "./pages/device.tsx";
import { machineRoutes } from "./pages/machine.tsx";
import { messageRoutes } from "./pages/messages.tsx";
import { peopleRoutes } from "./pages/people.tsx";
import { settingsRoutes } from "./pages/settings.tsx";
import { credentialRoutes } from "./pages/credentials.tsx";
import { domainRoutes } from "./pages/domains.tsx";
import { errorPage, failureOf, within } from "./pages/error.tsx";
import { invitationRoutes } from "./pages/invitation.tsx";
import { overviewRoutes } from "./pages/overview.tsx";
import { platformRoutes } from "./pages/platform.ts";
import { signInRoutes } from "./pages/sign_in.tsx";
import { tokenRoutes } from "./pages/tokens.tsx";
import { vaultboxRoutes } from "./pages/vaultbox.tsx";
import { vaultboxesRoutes } from "./pages/vaultboxes.tsx";
import type { DashboardRoute, HtmlPage, Reply, SignedIn } from "./route.ts";
import { formToken, isSame } from "./secrets.ts";
import { SignIn } from "./sign_in.ts";
import { networkOf } from "./client_network.ts";
import { findSession } from "./store/sessions.ts";
import type { DashboardWorld } from "./world.ts";

/** Octets of a form, at most. */
const FORM_MAX_BYTES = 65_536;

/**
 * Fields of every answer. No path is a referrer, not even here: one may be a
 * one-time link, and web servers log referrers. Forms need their Origin.
 */
const HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Referrer-Policy": "strict-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "X-Robots-Tag": "noindex, nofollow",
};

/** For a year, RFC 6797; browsers heed it only where it comes by TLS. */
const HSTS = "max-age=31536000";

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @returns The pages.
 */
export function dashboardRoutes(world: DashboardWorld): DashboardRoute[] {
  const signIn = new SignIn(world);
  return [
    ...signInRoutes(world, signIn),
    ...platformRoutes(world),
    ...invitationRoutes(world, signIn),
    ...overviewRoutes(),
    ...vaultboxesRoutes(),
    ...bulkRoutes(),
    ...vaultboxRoutes(),
    ...deviceRoutes(world),
    ...messageRoutes(world),
    ...certificateRoutes(),
    ...custodyRoutes(),
    ...settingsRoutes(),
    ...peopleRoutes(world),
    ...customerRoutes(),
    ...auditRoutes(),
    ...tokenRoutes(world, signIn),
    ...machineRoutes(world),
    ...credentialRoutes(),
    ...domainRoutes(),
    ...accountRoutes(world, signIn),
  ];
}

/**
 * Builds the dashboard.
 *
 * @param world Its world.
 * @returns What answers requests.
 */
export function buildDashboard(
  world: DashboardWorld,
): Fetch {
  const app = new Hono<{ Bindings: { requestId: string } }>();
  for (const { path, mediaType, text } of ASSETS) {
    app.get(path, (c) => {
      c.header("Content-Type", mediaType);
      c.header("Cache-Control", "public, max-age=31536000, immutable");
      return c.body(text);
    });
  }
  for (const route of dashboardRoutes(world)) {
    app.on(route.method, route.path, async (c) => {
      const request = c.req.raw;
      const reply = await answer(world, route, request, c.req.param());
      const who = signedIn(world, request);
      return respond(reply, who, {
        path: new URL(request.url).pathname,
        sorry: (thrown) => failurePage(world, request, c.env.requestId, thrown),
      });
    });
  }
  app.notFound((c) =>
    failure(
      world,
      c.req.raw,
      c.env.requestId,
      new AppError("not_found", "No such page"),
    )
  );
  app.onError((thrown, c) =>
    failure(world, c.req.raw, c.env.requestId, thrown)
  );
  return async (request) => {
    const requestId = crypto.randomUUID();
    const response = await app.fetch(request, { requestId });
    for (const [name, value] of Object.entries(HEADERS)) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    if (world.url.startsWith("https:")) {
      response.headers.set("Strict-Transport-Security", HSTS);
    }
    response.headers.set("X-Request-Id", requestId);
    return response;
  };
}

async function answer(
  world: DashboardWorld,
  route: DashboardRoute,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<Reply> {
  const { pathname, search } = new URL(request.url);
  checkHeaders(request.headers);
  checkPath(pathname);
  const who = signedIn(world, request);
  const { headers } = request;
  const asked = {
    params: checkIds(params),
    query: parseSearch(search),
    form: {} as Record<string, string>,
    cookies: readCookies(headers.get("cookie")),
    client: clientOf(headers),
    userAgent: headers.get("user-agent") ?? "",
  };
  if (route.method === "POST") {
    const from = route.roles === "anybody" ? route.from : undefined;
    checkOrigin(headers, from ?? world.url);
    asked.form = await readForm(request);
  }
  if (route.roles === "anybody") return await route.handle({ ...asked, who });
  if (who === undefined) {
    const hadOne = SESSION_COOKIE in asked.cookies;
    return { to: "/sign-in", ...hadOne && { cookies: [NO_SESSION_COOKIE] } };
  }
  if (route.method === "POST") {
    const { formToken: token = "", ...form } = asked.form;
    if (!isSame(token, who.formToken)) throw strangeForm();
    asked.form = form;
  }
  if (!route.roles.includes(who.grant.role)) {
    throw new AppError("not_found", "No such page");
  }
  return await route.handle({ ...asked, who });
}

/**
 * What a path names is a UUID, a domain or a one-time link, and nothing else. A
 * UUID is written in one way from here on.
 */
function checkIds(
  params: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      if (name === "domain" || name === "secret") return [name, value];
      if (UUID_REGEXP.test(value)) return [name, value.toLowerCase()];
      throw new AppError("not_found", "No such page");
    }),
  );
}

/** Who sends a request, by its cookie. */
function signedIn(
  world: DashboardWorld,
  request: Request,
): SignedIn | undefined {
  const cookies = readCookies(request.headers.get("cookie"));
  const secret = cookies[SESSION_COOKIE];
  if (secret === undefined) return undefined;
  const session = findSession(world.store, secret, world.now());
  if (session === undefined) return undefined;
  const { grant } = session;
  const api = apiFor(world, session);
  return { session, grant, api, formToken: formToken(secret) };
}

/** A form comes from one of our pages: every browser says so. */
function checkOrigin(headers: Headers, expected: string): void {
  if (headers.get("origin") !== expected) throw strangeForm();
}

async function readForm(request: Request): Promise<Record<string, string>> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    throw new AppError("unsupported_media_type", "Not a form");
  }
  const octets = await readOctets(request, FORM_MAX_BYTES);
  return parseSearch(`?${new TextDecoder().decode(octets)}`);
}

/** The web server in front appends the client's address. */
function clientOf(headers: Headers): string {
  const hops = headers.get("x-forwarded-for")?.split(",") ?? [];
  return networkOf(hops.at(-1)?.trim() || "direct");
}

function strangeForm(): AppError {
  return new AppError("forbidden", "The form is not of this session");
}

function respond(
  reply: Reply,
  who: SignedIn | undefined,
  { path, sorry }: { path: string; sorry: (thrown: unknown) => HtmlPage },
): Response {
  const headers = new Headers();
  for (const cookie of reply.cookies ?? []) {
    headers.append("Set-Cookie", cookie);
  }
  if ("to" in reply) {
    headers.set("Location", reply.to);
    return new Response(null, { status: 303, headers });
  }
  if ("octets" in reply) {
    headers.set("Content-Type", reply.mediaType);
    const disposition = `attachment; filename="${reply.filename}"`;
    headers.set("Content-Disposition", disposition);
    return new Response(reply.octets, { headers });
  }
  const { title, main, parts, status = 200, retryAfter } = reply;
  headers.set("Content-Type", "text/html; charset=utf-8");
  if (retryAfter !== undefined) headers.set("Retry-After", String(retryAfter));
  const html = document({ title, main, who, path });
  if (parts === undefined) return new Response(html, { status, headers });
  // nginx would wait for the whole of it.
  headers.set("X-Accel-Buffering", "no");
  const body = pageInParts(html, parts, (thrown) => within(sorry(thrown)));
  return new Response(body, { status, headers });
}

function failure(
  world: DashboardWorld,
  request: Request,
  requestId: string,
  thrown: unknown,
): Response {
  const sorry = (thrown: unknown): HtmlPage =>
    failurePage(world, request, requestId, thrown);
  const path = new URL(request.url).pathname;
  return respond(sorry(thrown), signedIn(world, request), { path, sorry });
}

/** Writes it into the log, too. */
function failurePage(
  world: DashboardWorld,
  request: Request,
  requestId: string,
  thrown: unknown,
): HtmlPage {
  const failed = failureOf(thrown);
  world.log.write(failed.isOurs ? "error" : "info", "request failed", {
    request: requestId,
    method: request.method,
    status: failed.status,
    cause: failed.isOurs ? reason(failed.cause) : undefined,
  });
  return errorPage(failed, requestId);
}
