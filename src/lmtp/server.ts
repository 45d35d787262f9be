/**
 * The LMTP door: connections of a Unix socket, a session for each.
 *
 * node:net, because Deno.listen cannot take a socket that systemd has opened.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import {
  clearInterval,
  clearTimeout,
  setInterval,
  setTimeout,
} from "node:timers";
import { type Log, reason } from "../log.ts";
import { BEGIN_MS, SEND_MS } from "../system/shutdown.ts";
import type { Place } from "../system/places.ts";
import type { Admission } from "../vaultbox/admission.ts";
import {
  type Engine,
  Interrupted,
  Session,
  TimedOut,
  type Wire,
} from "./session.ts";

/** Milliseconds in which a client takes the replies. */
const WRITE_MS = 60_000;

/** Milliseconds between two looks at who sends a message. */
const LOOK_MS = 500;

/** Milliseconds in which a client hangs up when its session has ended. */
const END_MS = 5000;

/** The door. */
export interface LmtpServer {
  /** Listens where it is told. */
  readonly server: Server;
  /**
   * Takes no new sessions, and ends those that are open as soon as their message
   * is answered; resolves when all have ended.
   *
   * @param now Cuts all of them.
   */
  close(now: AbortSignal): Promise<void>;
}

/**
 * Makes the door.
 *
 * @param engine What sessions are given.
 * @param admission Counts connections; all doors share it.
 * @param log Log.
 * @returns The door; it does not listen yet.
 */
export function lmtpServer(
  engine: Engine,
  admission: Admission,
  log: Log,
): LmtpServer {
  const sessions = new Map<Session, Promise<void>>();
  const wires = new Set<Wire>();
  // A client may close its side and still wait for the replies.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const wire = new SocketWire(socket);
    wires.add(wire);
    socket.on("close", () => wires.delete(wire));
    try {
      wire.place = admission.connection("lmtp", () => wire.cut());
    } catch {
      wire.write("421 4.3.2 Too many connections\r\n").then(() => wire.end());
      return;
    }
    const session = new Session(wire, engine);
    const running = session.run()
      .catch((error) =>
        log.write("error", "session failed", { cause: reason(error) })
      )
      .finally(() => {
        sessions.delete(session);
        wire.end();
      });
    sessions.set(session, running);
  });
  return {
    server,
    async close(now) {
      const closed = new Promise((resolve) => server.close(resolve));
      const each = (what: (session: Session) => void): void =>
        [...sessions.keys()].forEach(what);
      const cutAll = (): void => wires.forEach((wire) => wire.cut());
      now.addEventListener("abort", cutAll, { once: true });
      each((session) => session.stop());
      const timers = [
        setTimeout(() => each((session) => session.stopCommands()), BEGIN_MS),
        setTimeout(() => each((session) => session.cutOctets()), SEND_MS),
      ];
      if (now.aborted) cutAll();
      await closed;
      timers.forEach(clearTimeout);
      now.removeEventListener("abort", cutAll);
      await Promise.all(sessions.values());
    },
  };
}

/** A connection as a session sees it: nothing is read unless it is asked for. */
class SocketWire implements Wire {
  readonly #socket: Socket;
  #wake: (error?: Error) => void = () => {};
  #isOver = false;
  /** Its place among the connections; none if it was not let in. */
  place: Place | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on("close", () => this.place?.[Symbol.dispose]());
    socket.on("readable", () => this.#wake());
    socket.on("drain", () => this.#wake());
    socket.on("end", over);
    socket.on("error", over);
    socket.on("close", over);
  }

  async read(
    ms: number,
    isOver?: (ms: number) => boolean,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const chunk = this.#socket.read();
      if (chunk !== null) {
        return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      }
      if (this.#isOver) return undefined;
      await this.#wait(ms, isOver);
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

  cut(): void {
    this.#socket.destroy();
  }

  /** Ends the connection when what was written is sent. */
  end(): void {
    this.place?.waits(true);
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), END_MS);
    timer.unref();
    // What still comes is thrown away, so that the end is seen.
    this.#socket.removeAllListeners("readable");
    this.#socket.resume();
    this.#socket.on("close", () => clearTimeout(timer));
  }

  #wait(ms: number, isOver?: (ms: number) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.place?.waits(true);
      const timeOut = (): void => this.#wake(new TimedOut());
      const timer = setTimeout(timeOut, ms);
      const begin = performance.now();
      const look = isOver && setInterval(() => {
        if (isOver(performance.now() - begin)) timeOut();
      }, LOOK_MS);
      this.#wake = (error) => {
        clearTimeout(timer);
        clearInterval(look);
        this.place?.waits(false);
        this.#wake = () => {};
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }
}
