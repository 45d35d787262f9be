/**
 * Connections that only ask whether somebody is there.
 *
 * @module
 */

import { connect } from "node:net";

/** A Unix socket, or a port. */
export type Door = string | { readonly host: string; readonly port: number };

/**
 * Connects.
 *
 * @param door Where.
 * @param signal Breaks it off.
 * @throws {Error} If nobody is there.
 */
export function accepts(door: Door, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(typeof door === "string" ? { path: door } : door);
    signal.addEventListener("abort", () => {
      socket.destroy(new Error("no answer"));
    }, { once: true });
    socket.on("error", reject);
    socket.on("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

/**
 * Connects to a port of loopback and waits for a greeting.
 *
 * @param port The port.
 * @param greeting What it has to be.
 * @param signal Breaks it off.
 * @throws {Error} If nobody is there, or it is another one.
 */
export function greets(
  port: number,
  greeting: RegExp,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    signal.addEventListener("abort", () => {
      socket.destroy(new Error("no greeting"));
    }, { once: true });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("no greeting")));
    socket.on("data", (chunk: Uint8Array) => {
      const text = new TextDecoder().decode(chunk).split("\r\n")[0]!;
      const said = text.replace(/[^ -~]/g, "?").slice(0, 60);
      if (greeting.test(text)) resolve();
      else reject(new Error(`greets with "${said}"`));
      socket.end("QUIT\r\n");
      socket.destroy();
    });
  });
}
