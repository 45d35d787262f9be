/**
 * Stopping an HTTP server without breaking what is under way.
 *
 * @module
 */

import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { closeDoor } from "../system/shutdown.ts";

/**
 * Watches a server's requests, so that it can be stopped.
 *
 * @param server The server.
 * @returns What stops it: it takes no connection any more, closes those that are
 * idle, answers the requests that are there or come, and cuts peers as
 * {@linkcode closeDoor} says. Resolves when all are closed.
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
  return (now) => {
    // It closes connections that have had an answer, now and later ones.
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    return closeDoor(closed, {
      silent() {
        const busy = new Set([...requests].map((request) => request.socket));
        for (const socket of sockets) if (!busy.has(socket)) socket.destroy();
      },
      slow() {
        for (const request of requests) {
          if (!request.complete) request.destroy();
        }
      },
      all: () => server.closeAllConnections(),
    }, now);
  };
}
