/**
 * The intake's HTTP: mail in over a Unix socket, or over a port on loopback
 * for a bearer of INTAKE_TOKEN.
 *
 * node:http, because Deno.serve cannot take a socket that systemd has opened.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import type { IntakeApp } from "../app.ts";
import { AppError, OUTCOMES, toAppError } from "../errors.ts";
import { reason } from "../log.ts";
import type { Door } from "../metrics/intake.ts";
import { EXPOSITION_TYPE } from "../metrics/metric.ts";
import { checkStore } from "../storage/maildir.ts";
import type { Place } from "../system/places.ts";
import type { Admission } from "../vaultbox/admission.ts";
import { deliver, maxOctets } from "../vaultbox/deliver.ts";
import { intakeMetrics } from "../vaultbox/intake_metrics.ts";
import { receive } from "../vaultbox/receive.ts";
import { deliveredJson, type Json } from "./answers.ts";
import { bodyChunks } from "./body.ts";
import { parseUntilDestroyed } from "./one_at_a_time.ts";

/**
 * Milliseconds for a whole request, with the time that it waits for its turn:
 * below the deadline of encimap_pipe.sh, 240 s. deadlines.ts has that of the body.
 */
const REQUEST_TIMEOUT_MS = 220_000;

/** Milliseconds for the head of a request. */
const HEAD_TIMEOUT_MS = 10_000;

/** Milliseconds that a connection may be idle after an answer. */
const IDLE_MS = 5000;

/** Milliseconds between two looks for connections that are too slow. */
const CHECK_MS = 1000;

/** Who may ask: everybody who can open the socket, or a bearer of a token. */
export type Access = { readonly kind: "socket" } | {
  readonly kind: "bearer";
  readonly token: string;
};

/**
 * Makes the server of one door.
 *
 * @param app The intake's world.
 * @param access Who may ask.
 * @param admission Decides which mail is taken; all doors share it.
 * @returns The server; it does not listen yet.
 */
export function intakeServer(
  app: IntakeApp,
  access: Access,
  admission: Admission,
): Server {
  const places = new WeakMap<Socket, Place>();
  const underWay = new WeakSet<Socket>();
  const server = createServer({
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEAD_TIMEOUT_MS,
    keepAliveTimeout: IDLE_MS,
    connectionsCheckingInterval: CHECK_MS,
  }, (request, response) => {
    const { socket } = request;
    // No client of ours asks before it has its answer; thousands of questions at
    // once would all be worked on.
    if (underWay.has(socket)) {
      for (const each of [request, response, socket]) each.destroy();
      return;
    }
    underWay.add(socket);
    const place = places.get(socket);
    place?.waits(false);
    response.on("close", () => {
      underWay.delete(socket);
      place?.waits(true);
    });
    answer(app, access, admission, request, response).catch((error) => {
      app.log.write("error", "answer failed", { cause: reason(error) });
      response.destroy();
    });
  });
  server.on("connection", (socket: Socket) => {
    try {
      const place = admission.connection(doorOf(access), () => {
        socket.destroy();
      });
      places.set(socket, place);
      parseUntilDestroyed(socket);
      place.waits(true);
      socket.on("close", () => place[Symbol.dispose]());
    } catch {
      // It has not asked anything yet, so there is nothing to answer.
      socket.destroy();
    }
  });
  return server;
}

async function answer(
  app: IntakeApp,
  access: Access,
  admission: Admission,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://intake");
  const door = doorOf(access);
  const isMail = request.method === "POST" &&
    url.pathname === "/intake/messages";
  try {
    // Over the socket only: it writes to the disk.
    const isHealth = request.method === "GET" && url.pathname === "/health";
    if (isHealth && access.kind === "socket") {
      await admission.checkHealth();
      await checkStore(app.config.maildirBasePath);
      return respond(response, 200, { status: "healthy" });
    }
    const isMetrics = request.method === "GET" && url.pathname === "/metrics";
    if (isMetrics && access.kind === "socket") {
      return respondText(response, await intakeMetrics(app, admission));
    }
    if (!isMail) throw new AppError("not_found", "No such route");
    checkAccess(access, request);
    const octets = Number(request.headers["content-length"] ?? 0);
    await admission.check(octets);
    const data = await admission.run(
      door,
      () => take(app, request, url, door, () => admission.isCrowded),
      octets,
    );
    respond(response, 200, { success: true, data });
  } catch (thrown) {
    const error = toAppError(thrown);
    if (isMail) app.metrics.refused(door, error.code);
    admission.refused(error, {
      queue: url.searchParams.get("queue_id") ?? undefined,
      route: url.searchParams.get("vaultbox_id") ?? undefined,
    });
    const { code, message } = error;
    // The rest of a body that is not read would be taken for a request.
    response.setHeader("connection", "close");
    respond(response, OUTCOMES[code].http, {
      success: false,
      error: { code, message },
    });
  }
}

async function take(
  app: IntakeApp,
  request: IncomingMessage,
  url: URL,
  door: Door,
  isCrowded: () => boolean,
): Promise<Json> {
  const began = performance.now();
  await using message = await receive(app, bodyOf(request, isCrowded), {
    maxOctets: maxOctets(app),
  });
  const delivered = await deliver(app, {
    route: field(url, "vaultbox_id"),
    recipient: field(url, "recipient"),
    sender: url.searchParams.get("sender") ?? "",
    queueId: url.searchParams.get("queue_id") || crypto.randomUUID(),
    message,
  });
  const { repeated } = delivered;
  app.metrics.stored(door, { repeated, octets: message.octets, began });
  return deliveredJson(delivered);
}

function field(url: URL, name: string): string {
  const value = url.searchParams.get(name);
  if (value) return value;
  throw new AppError("invalid_request", `Parameter ${name} is missing`);
}

function doorOf({ kind }: Access): Door {
  return kind === "socket" ? "socket" : "port";
}

function bodyOf(
  request: IncomingMessage,
  isCrowded: () => boolean,
): AsyncGenerator<Uint8Array> {
  const { headers } = request;
  if (
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined
  ) {
    throw new AppError("invalid_request", "Request has no body");
  }
  return bodyChunks(request, isCrowded);
}

function checkAccess(access: Access, request: IncomingMessage): void {
  if (access.kind === "socket") return;
  const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "");
  if (given !== null && sameText(given[1]!, access.token)) return;
  throw new AppError("unauthorized", "Bearer token is missing or wrong");
}

/** Compares without telling by its time where the difference is. */
function sameText(a: string, b: string): boolean {
  const encoder = new TextEncoder();
  const left = encoder.encode(a);
  const right = encoder.encode(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function respondText(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": EXPOSITION_TYPE });
  response.end(text);
}

function respond(
  response: ServerResponse,
  status: number,
  body: unknown,
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": new TextEncoder().encode(text).length,
  });
  response.end(text);
}
