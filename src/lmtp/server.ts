/**
 * The LMTP door: connections of a Unix socket, a session for each.
 *
 * node:net, because Deno.listen cannot take a socket that systemd has opened.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";
import type { Log } from "../log.ts";
import { reason } from "../log.ts";
import type { Admission } from "../vaultbox/admission.ts";
import {
  type Engine,
  Interrupted,
  Session,
  TimedOut,
  type Wire,
} from "./session.ts";

/** Milliseconds in which a message must be here while the process stops. */
const SEND_MS = 8000;

/** Milliseconds in which a client takes the replies. */
const WRITE_MS = 60_000;

/** The door. */
export interface LmtpServer {
  /** Listens where it is told. */
  readonly server: Server;
  /**
   * Takes no new sessions; resolves when those that were open have ended. Who is
   * still sending after eight seconds is cut.
   *
   * @param now When it fires, everybody is.
   */
  close(now: AbortSignal): Promise<void>;
}

/**
 * Makes the door.
 *
 * @param engine What sessions are given.
 * @param log Log.
 * @param admission Counts the connections of all doors.
 * @returns The door; it does not listen yet.
 */
export function lmtpServer(
  engine: Engine,
  log: Log,
  admission: Admission,
): LmtpServer {
  const sessions = new Map<
    Session,
    { wire: SocketWire; running: Promise<void> }
  >();
  // A client may close its side and still wait for the replies.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const wire = new SocketWire(socket);
    let place: Disposable;
    try {
      place = admission.connection();
    } catch {
      wire.write("421 4.3.2 Too many sessions\r\n").then(() => wire.end());
      return;
    }
    socket.on("close", () => place[Symbol.dispose]());
    const session = new Session(wire, engine);
    const running = session.run()
      .catch((error) =>
        log.write("error", "session failed", { cause: reason(error) })
      )
      .finally(() => {
        sessions.delete(session);
        wire.end();
      });
    sessions.set(session, { wire, running });
  });
  return {
    server,
    async close(now) {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions.keys()) session.stop();
      const cut = (isReading?: true): void => {
        for (const { wire } of sessions.values()) wire.cut(isReading);
      };
      const timer = setTimeout(() => cut(true), SEND_MS);
      const cutAll = (): void => cut();
      now.addEventListener("abort", cutAll, { once: true });
      if (now.aborted) cutAll();
      await Promise.all([...sessions.values()].map(({ running }) => running));
      await closed;
      clearTimeout(timer);
      now.removeEventListener("abort", cutAll);
    },
  };
}

/** A connection as a session sees it: nothing is read unless it is asked for. */
class SocketWire implements Wire {
  readonly #socket: Socket;
  #wake: (error?: Error) => void = () => {};
  #isOver = false;
  #isReading = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on("readable", () => this.#wake());
    socket.on("drain", () => this.#wake());
    socket.on("end", over);
    socket.on("error", over);
    socket.on("close", over);
  }

  async read(ms: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const chunk = this.#socket.read();
      if (chunk !== null) {
        return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      }
      if (this.#isOver) return undefined;
      this.#isReading = true;
      try {
        await this.#wait(ms);
      } finally {
        this.#isReading = false;
      }
    }
  }

  async write(text: string): Promise<void> {
    if (this.#socket.destroyed || this.#socket.write(text)) return;
    while (this.#socket.writableNeedDrain && !this.#socket.destroyed) {
      try {
        await this.#wait(WRITE_MS);
      } catch {
        this.#socket.destroy();
      }
    }
  }

  interrupt(): void {
    this.#wake(new Interrupted());
  }

  /** Breaks the connection; with `true` only if the client is waited for. */
  cut(isReading?: true): void {
    if (this.#isReading || !isReading) this.#socket.destroy();
  }

  /** Ends the connection when what was written is sent. */
  end(): void {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), WRITE_MS);
    timer.unref();
    // What still comes is thrown away, so that the end is seen.
    this.#socket.removeAllListeners("readable");
    this.#socket.resume();
    this.#socket.on("close", () => clearTimeout(timer));
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#wake(new TimedOut()), ms);
      this.#wake = (error) => {
        clearTimeout(timer);
        this.#wake = () => {};
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }
}
