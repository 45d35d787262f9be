/**
 * Peers of the intake that do what nobody should: stall, send garbage, break
 * off, never end.
 *
 * @module
 */

import { writeMail } from "./mail.ts";
import { pause } from "./sender.ts";
import type { FaultWorld } from "./world.ts";

/** Milliseconds between two connections of a peer, at most. */
const PAUSE_MS = 3000;

/** Milliseconds between two lines of a peer that is slow. */
const SLOW_MS = 1000;

/** Octets of the mail that is cut in the middle: more than is kept in memory. */
const CUT_OCTETS = 3_000_000;

/** What a peer has to do with. */
interface Talk {
  /** Sends octets; waits while the intake takes none. */
  send(octets: string | Uint8Array): Promise<void>;
  /** Says what is over: the connection, or the test. */
  readonly over: Promise<void>;
  readonly isOver: () => boolean;
  /** A mail with canaries. */
  readonly mail: Uint8Array;
}

/** How a peer behaves; its connection is closed when it is done. */
type Manner = (talk: Talk) => Promise<void>;

/** Forever the same, as slowly or as fast as it goes. */
async function forever(
  talk: Talk,
  octets: string | Uint8Array,
  ms = 0,
): Promise<void> {
  while (!talk.isOver()) {
    await talk.send(octets);
    await Promise.race([pause(ms), talk.over]);
  }
}

const BLOCK = "x".repeat(65_000) + "\r\n";

function garbage(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(60_000));
}

/** Manners that begin with some octets and are silent then. */
function silent(begin: string): Manner {
  return async (talk) => {
    await talk.send(begin);
    await talk.over;
  };
}

function lmtpManners(to: string): Record<string, Manner> {
  const envelope = `LHLO peer.example\r\nMAIL FROM:<>\r\nRCPT TO:<${to}>\r\n`;
  const data = `${envelope}DATA\r\n`;
  return {
    "says nothing": silent(""),
    "stalls in a command": silent("LHLO pe"),
    "stalls after its greeting": silent("LHLO peer.example\r\n"),
    "stalls before DATA": silent(envelope),
    "stalls in its message": silent(`${data}From: a@b.example\r\nSubj`),
    "sends garbage": (talk) => talk.send(garbage()),
    "sends garbage as its message": async (talk) => {
      await talk.send(data);
      await talk.send(garbage());
    },
    "breaks off in its message": async (talk) => {
      await talk.send(data);
      await talk.send(talk.mail);
    },
    "sends a line without an end": (talk) => forever(talk, "x".repeat(10_000)),
    "takes no replies": async (talk) => {
      await talk.send("NOOP\r\n".repeat(50_000));
      await talk.over;
    },
    "sends an octet now and then": async (talk) => {
      await talk.send(data);
      await forever(talk, "x", SLOW_MS);
    },
    "never ends": async (talk) => {
      await talk.send(data);
      await forever(talk, BLOCK);
    },
  };
}

function httpManners(id: string, to: string): Record<string, Manner> {
  const path = `/intake/messages?vaultbox_id=${id}&recipient=${to}&queue_id=`;
  const head = (length: string): string =>
    `POST ${path}${crypto.randomUUID()} HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n`;
  const chunked = "Transfer-Encoding: chunked";
  const chunk = (octets: string): string =>
    `${octets.length.toString(16)}\r\n${octets}\r\n`;
  return {
    "says nothing": silent(""),
    "stalls in its head": silent(`POST ${path} HTTP/1.1\r\nHos`),
    "stalls before its body": silent(head("Content-Length: 999")),
    "stalls in its body": silent(`${head("Content-Length: 999")}From: a`),
    "sends garbage": (talk) => talk.send(garbage()),
    "sends garbage as its body": async (talk) => {
      await talk.send(head(chunked));
      await talk.send(garbage());
    },
    "breaks off in its body": async (talk) => {
      await talk.send(head(`Content-Length: ${2 * CUT_OCTETS}`));
      await talk.send(talk.mail);
    },
    "sends a head without an end": async (talk) => {
      await talk.send("GET / HTTP/1.1\r\n");
      await forever(talk, `X-A: ${"x".repeat(10_000)}\r\n`);
    },
    "takes no answers": async (talk) => {
      await talk.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(5000));
      await talk.over;
    },
    "sends an octet now and then": async (talk) => {
      await talk.send(head(chunked));
      await forever(talk, chunk("x"), SLOW_MS);
    },
    "never ends": async (talk) => {
      await talk.send(head(chunked));
      await forever(talk, chunk(BLOCK));
    },
  };
}

/** Manners that keep the machine busy, of which there are fewer. */
const BUSY_REGEXP = /garbage|breaks off|without an|takes no|never ends|octet/;

/** Peers at their work. */
export interface Peers {
  /** Connections that were made so far. */
  readonly connections: () => number;
  /** Ends them all. */
  stop(): Promise<void>;
}

/**
 * Sends peers to both sockets of a world's intake; who is cut comes again.
 *
 * @param faults The world.
 * @param silentEach Peers of each manner that keeps silent.
 * @param busyEach Peers of each other manner.
 * @returns The peers.
 */
export function startPeers(
  faults: FaultWorld,
  silentEach: number,
  busyEach: number,
): Peers {
  const { id, address } = faults.boxes[0]!;
  const mail = writeMail(faults.canaries, "cut", CUT_OCTETS);
  const end = Promise.withResolvers<void>();
  let isEnd = false;
  let connections = 0;
  const doors: [string, Record<string, Manner>][] = [
    [faults.env["ENCIMAP_LMTP_SOCKET"]!, lmtpManners(address)],
    [faults.env["ENCIMAP_INTAKE_SOCKET"]!, httpManners(id, address)],
  ];
  const once = async (
    socket: string,
    manner: Manner,
    takes: boolean,
  ): Promise<void> => {
    using connection = await Deno.connect({ transport: "unix", path: socket });
    connections++;
    let isOver = false;
    const read = async (): Promise<void> => {
      const buffer = new Uint8Array(4096);
      while (await connection.read(buffer) !== null);
    };
    // Who takes nothing does not hear that the connection is closed, either.
    const over = Promise.race([
      ...takes ? [read().catch(() => {})] : [],
      end.promise,
    ])
      .then(() => void (isOver = true));
    const send = async (octets: string | Uint8Array): Promise<void> => {
      let rest = typeof octets === "string"
        ? new TextEncoder().encode(octets)
        : octets;
      while (rest.length > 0 && !isOver && !isEnd) {
        const written = await Promise.race([
          connection.write(rest),
          over.then(() => rest.length),
        ]);
        rest = rest.subarray(written);
      }
    };
    await manner({ send, over, isOver: () => isOver || isEnd, mail });
  };
  const peer = async (
    socket: string,
    name: string,
    manner: Manner,
  ): Promise<void> => {
    while (!isEnd) {
      await once(socket, manner, !name.startsWith("takes no")).catch(() => {});
      await Promise.race([pause(Math.random() * PAUSE_MS), end.promise]);
    }
  };
  const peers = doors.flatMap(([socket, manners]) =>
    Object.entries(manners).flatMap(([name, manner]) =>
      Array.from(
        { length: BUSY_REGEXP.test(name) ? busyEach : silentEach },
        () => peer(socket, name, manner),
      )
    )
  );
  return {
    connections: () => connections,
    async stop() {
      isEnd = true;
      end.resolve();
      await Promise.all(peers);
    },
  };
}
