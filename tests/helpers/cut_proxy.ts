/**
 * A way to a database that can be cut.
 *
 * @module
 */

import { createConnection, createServer, type Socket } from "node:net";
import type { TestDatabase } from "./database.ts";

/** Name of the Unix socket in PostgreSQL's directory. */
const SOCKET = ".s.PGSQL.5432";

/** The way. */
export interface CutProxy extends AsyncDisposable {
  /** A URL for connect(). */
  readonly url: string;
  /** Cuts all connections, without a word of the server. */
  cut(): void;
}

/**
 * Makes a way to a database.
 *
 * @param database The database.
 * @param role The role.
 * @returns The way.
 */
export async function cutProxy(
  database: TestDatabase,
  role: "encimap" | "vaultmail",
): Promise<CutProxy> {
  const url = new URL(database.url(role));
  const behind = `${decodeURIComponent(url.hostname)}/${SOCKET}`;
  const directory = await Deno.makeTempDir({ prefix: "encimap-cut-" });
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const backend = createConnection(behind);
    clients.add(client);
    client.pipe(backend);
    backend.pipe(client);
    for (const socket of [client, backend]) {
      socket.on("error", () => {});
      socket.on("close", () => {
        clients.delete(client);
        client.destroy();
        backend.destroy();
      });
    }
  });
  await new Promise<void>((resolve) =>
    server.listen(`${directory}/${SOCKET}`, () => resolve())
  );
  url.hostname = encodeURIComponent(directory);
  const cut = (): void => clients.forEach((client) => client.destroy());
  return {
    url: url.href,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
      await Deno.remove(directory, { recursive: true });
    },
  };
}
