/**
 * Requests of a connection, one at a time.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** What a parser is told to do with what follows a head: leave it alone. */
const NOT_HTTP = 2;

interface Parser {
  onIncoming?: (request: IncomingMessage, keepAlive: boolean) => number;
}

/**
 * Has nothing more parsed once the connection is destroyed. By itself node:http
 * makes all requests of what was read at once, 64 KiB, before the first one is
 * answered: two thousand of them, which a peer that only sends can have faster
 * than they are cleared away.
 *
 * @param socket A connection of a server of node:http, just taken.
 */
export function parseUntilDestroyed(socket: Socket): void {
  // Not in the types.
  const { parser } = socket as Socket & { parser?: Parser };
  const take = parser?.onIncoming;
  if (parser === undefined || take === undefined) return;
  parser.onIncoming = (request, keepAlive) =>
    socket.destroyed ? NOT_HTTP : take.call(parser, request, keepAlive);
}
