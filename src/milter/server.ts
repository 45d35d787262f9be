/**
 * The filter of submission: connections of a Unix socket, a session for each.
 *
 * node:net, because Deno.listen cannot take a socket that systemd has opened.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import { type Log, reason } from "../log.ts";
import { PacketReader } from "./packets.ts";
import { Session, type SubmissionEngine } from "./session.ts";

/** Connections at a time; Postfix has 100 processes of a service at most. */
const CONNECTIONS_MAX = 500;

/**
 * Milliseconds without a word between two messages. In the middle of one there is
 * no limit: Postfix says nothing until its client has sent all of it, which takes
 * a slow line long, and hangs up by itself when the client does.
 */
const IDLE_MS = 600_000;

/** The door. */
export interface SubmissionServer {
  /** Listens where it is told. */
  readonly server: Server;
  /**
   * Takes no new connections, and resolves when those that are open have ended:
   * each ends when it is idle, and Postfix tells its client to try again.
   *
   * @param now Cuts all of them.
   */
  close(now: AbortSignal): Promise<void>;
}

/**
 * Makes the door.
 *
 * @param engine What is done with the mail.
 * @param log Log.
 * @param idleMs Milliseconds without a word between two messages.
 * @returns The door; it does not listen yet.
 */
export function submissionServer(
  engine: SubmissionEngine,
  log: Log,
  idleMs: number = IDLE_MS,
): SubmissionServer {
  const open = new Map<Socket, { isBusy: boolean }>();
  let isStopping = false;
  const server = createServer((socket) => {
    if (isStopping || open.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    const state = { isBusy: false };
    open.set(socket, state);
    socket.on("timeout", () => socket.destroy());
    socket.setTimeout(idleMs);
    const busy = (isBusy: boolean): void => {
      state.isBusy = isBusy;
      socket.setTimeout(isBusy ? 0 : idleMs);
    };
    serve(socket, new Session(engine, log), busy, () => isStopping)
      .catch((error) => {
        log.write("warn", "connection ended", { cause: reason(error) });
      })
      .finally(() => {
        open.delete(socket);
        socket.destroy();
      });
  });
  return {
    server,
    async close(now) {
      isStopping = true;
      const closed = new Promise((resolve) => server.close(resolve));
      const cut = (): void =>
        [...open.keys()].forEach((each) => each.destroy());
      for (const [socket, { isBusy }] of open) if (!isBusy) socket.destroy();
      now.addEventListener("abort", cut, { once: true });
      if (now.aborted) cut();
      await closed;
      now.removeEventListener("abort", cut);
    },
  };
}

async function serve(
  socket: Socket,
  session: Session,
  busy: (isBusy: boolean) => void,
  isStopping: () => boolean,
): Promise<void> {
  const reader = new PacketReader();
  // The iteration reads no more than is being worked on.
  for await (const chunk of socket as AsyncIterable<Uint8Array<ArrayBuffer>>) {
    for (const packet of reader.take(new Uint8Array(chunk))) {
      // A message is under way from its sender to the answer at its end.
      if (packet.command === "M") busy(true);
      const answers = await session.answer(packet);
      if (answers === undefined) return;
      for (const answer of answers) socket.write(answer);
      if (packet.command === "E" || packet.command === "A") {
        busy(false);
        if (isStopping()) return void socket.end();
      }
    }
  }
}
