/**
 * The certificate that a server of this machine shows its clients.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { connect as connectTls, type PeerCertificate } from "node:tls";

/** A server of this machine. */
export interface TlsServer {
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Whether it is SMTP, which begins without TLS (RFC 3207). */
  readonly startTls: boolean;
}

/** A certificate, as far as it matters to who watches over it. */
export interface ServedCertificate {
  /** Octets, DER. */
  readonly der: Uint8Array;
  /** Begin of its validity. */
  readonly notBefore: Date;
  /** End of its validity. */
  readonly notAfter: Date;
}

/** Octets of an answer, at most. */
const ANSWER_MAX = 8192;

/**
 * Asks for it. Nothing is said of whether it is trusted.
 *
 * @param server The server.
 * @param hostname Name that the server shall have a certificate for.
 * @param signal Breaks it off.
 * @returns The certificate.
 * @throws {Error} If the server does not answer, or not with TLS.
 */
export function servedCertificate(
  { port, startTls }: TlsServer,
  hostname: string,
  signal: AbortSignal,
): Promise<ServedCertificate> {
  return new Promise((resolve, reject) => {
    const plain = connect({ host: "127.0.0.1", port });
    const stop = (): void => {
      fail(new Error(`port ${port} does not answer`));
    };
    const close = (): void => {
      signal.removeEventListener("abort", stop);
      plain.destroy();
    };
    const fail = (error: Error): void => {
      close();
      reject(error);
    };
    signal.addEventListener("abort", stop, { once: true });
    plain.on("error", fail);
    const shake = (): void => {
      const socket = connectTls({
        socket: plain,
        servername: hostname,
        rejectUnauthorized: false,
      }, () => {
        const certificate = socket.getPeerCertificate();
        socket.destroy();
        close();
        resolve(ofPeer(certificate));
      });
      socket.on("error", fail);
    };
    if (startTls) upgrade(plain).then(shake, fail);
    else plain.on("connect", shake);
    if (signal.aborted) stop();
  });
}

function ofPeer(peer: PeerCertificate): ServedCertificate {
  return {
    der: new Uint8Array(peer.raw),
    notBefore: new Date(peer["valid_from"]),
    notAfter: new Date(peer["valid_to"]),
  };
}

/** From the greeting to the answer after which TLS begins. */
async function upgrade(socket: Socket): Promise<void> {
  await answer(socket, "220");
  socket.write("EHLO localhost\r\n");
  await answer(socket, "250");
  socket.write("STARTTLS\r\n");
  await answer(socket, "220");
}

/** Reads to the end of one answer. */
function answer(socket: Socket, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const done = (error?: Error): void => {
      socket.off("data", read);
      socket.off("close", closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = (): void => done(new Error("the server hangs up"));
    const read = (chunk: Uint8Array): void => {
      text += new TextDecoder("latin1").decode(chunk);
      if (text.length > ANSWER_MAX) done(new Error("the answer is too long"));
      // All lines of an answer but the last have a hyphen behind the code.
      const last = /^(\d{3})(?: [^\n]*)?\r?\n/m.exec(text)?.[1];
      if (last === undefined) return;
      if (last === expected) done();
      else done(new Error(`the server answers ${last}`));
    };
    socket.on("data", read);
    socket.on("close", closed);
  });
}
