/**
 * TLS to this machine's own servers, whatever their certificate is: nobody is in
 * the middle of loopback, and whether others trust it is another question.
 *
 * @module
 */

import { connect, type TLSSocket } from "node:tls";

/** A connection; closing it ends it. */
export type OwnConnection = Pick<Deno.Conn, "read" | "write" | "close">;

/**
 * Connects to a port on 127.0.0.1.
 *
 * @param port The port.
 * @param hostname Name that the server shall have a certificate for.
 * @param signal Breaks the connection off.
 * @returns The connection, after the handshake.
 * @throws {Error} If nobody answers, or not with TLS.
 */
export async function connectOwnTls(
  port: number,
  hostname: string,
  signal: AbortSignal,
): Promise<OwnConnection> {
  const socket = await handshake(port, hostname, signal);
  const chunks = socket[Symbol.asyncIterator]();
  let rest = new Uint8Array();
  return {
    async read(into) {
      if (rest.length === 0) {
        const { value, done } = await chunks.next();
        if (done) return null;
        rest = value;
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    write: (octets) =>
      new Promise((resolve, reject) =>
        socket.write(
          octets,
          (error) => error ? reject(error) : resolve(octets.length),
        )
      ),
    close: () => {
      socket.destroy();
    },
  };
}

function handshake(
  port: number,
  servername: string,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername,
      rejectUnauthorized: false,
    }, () => resolve(socket));
    socket.on("error", reject);
    signal.addEventListener(
      "abort",
      () => socket.destroy(new Error(`port ${port} does not answer`)),
      { once: true },
    );
  });
}
