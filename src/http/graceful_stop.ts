/**
 * Stopping an HTTP server without breaking what is under way.
 *
 * @module
 */

import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { BEGIN_MS, SEND_MS } from "../system/shutdown.ts";

/**
 * Watches a server's requests, so that it can be stopped.
 *
 * @param server The server.
 * @returns What stops it: it takes no connection any more, closes those that are
 * idle, answers the requests that come within two seconds or are there, and cuts
 * peers that are still sending after eight. Resolves when all are closed; with
 * `now` it cuts everybody.
 */
export function gracefulStop(
  server: Server,
): (now: AbortSignal) => Promise<void> {
  const requests = new Set<IncomingMessage>();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("request", (request, response) => {
    requests.add(request);
    response.on("close", () => requests.delete(request));
  });
  return async (now) => {
    const cutSilent = setTimeout(() => {
      const busy = new Set([...requests].map((request) => request.socket));
      for (const socket of sockets) if (!busy.has(socket)) socket.destroy();
    }, BEGIN_MS);
    const cutSlow = setTimeout(() => {
      for (const request of requests) {
        if (!request.complete) request.destroy();
      }
    }, SEND_MS);
    const cutAll = (): void => server.closeAllConnections();
    now.addEventListener("abort", cutAll, { once: true });
    // It closes connections that have had an answer, now and later ones.
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      if (now.aborted) cutAll();
    });
    clearTimeout(cutSilent);
    clearTimeout(cutSlow);
    now.removeEventListener("abort", cutAll);
  };
}
