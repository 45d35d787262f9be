/**
 * Listening: on Unix sockets, ports, and what systemd hands over.
 *
 * @module
 */

import { connect, type Server } from "node:net";
import { AppError } from "../errors.ts";

/** First descriptor that systemd hands over, sd_listen_fds(3). */
export const LISTEN_FDS_START = 3;

/** Where a server listens. */
export type Address = { path: string } | { host: string; port: number } | {
  fd: number;
};

/**
 * Makes a Unix socket, mode 0660, and listens on it.
 *
 * @param server The server.
 * @param path Where; what a killed process has left there is removed.
 * @throws {AppError} `conflict` if another process listens there.
 */
export async function listenAt(server: Server, path: string): Promise<void> {
  await removeStaleSocket(path);
  await listen(server, { path });
  await Deno.chmod(path, 0o660);
}

/**
 * Listens.
 *
 * @param server The server.
 * @param address Where.
 */
export function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => resolve());
  });
}

/**
 * A socket file that a killed process has left keeps others from listening; that
 * of a living one must stay.
 */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) return;
    if (await isListening(path)) {
      throw new AppError("conflict", "Another process listens on the socket");
    }
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
