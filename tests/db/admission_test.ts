import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { connect, type Socket } from "node:net";
import { bodyChunks } from "../../src/http/body.ts";
import { gracefulStop } from "../../src/http/graceful_stop.ts";
import { intakeServer } from "../../src/http/intake.ts";
import { SEND_MS } from "../../src/system/shutdown.ts";
import { Admission, MESSAGES_MAX } from "../../src/vaultbox/admission.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { until } from "../helpers/until.ts";

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const MAIL = "From: a@b.example\r\n\r\ntext\r\n";

interface Door extends AsyncDisposable {
  readonly path: string;
  readonly admission: Admission;
  /** Requests that were parsed. */
  readonly requests: () => number;
  /** Stops it as SIGTERM does; `now` is the second signal. */
  stop(now?: AbortSignal): Promise<void>;
}

async function open(world: TestWorld): Promise<Door> {
  const admission = new Admission(world.intake);
  const server = intakeServer(world.intake, { kind: "socket" }, admission);
  let requests = 0;
  server.on("connection", (socket) => {
    const { parser } = socket as unknown as {
      parser: { onIncoming: (...args: unknown[]) => unknown };
    };
    const { onIncoming } = parser;
    parser.onIncoming = (...args: unknown[]) => {
      requests++;
      return onIncoming.apply(parser, args);
    };
  });
  const stop = gracefulStop(server);
  const path = `${world.directory}/intake.sock`;
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  return {
    path,
    admission,
    requests: () => requests,
    async stop(now = new AbortController().signal) {
      await stop(now);
      await admission.finished();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function target(id: string, queueId: string = crypto.randomUUID()): string {
  return `/intake/messages?vaultbox_id=${id}&recipient=cat@pets.example&queue_id=${queueId}`;
}

/** Posts a mail; the answer's status and code. */
function post(
  path: string,
  id: string,
  body: string = MAIL,
): Promise<{ status: number; code: string | undefined }> {
  return new Promise((resolve, reject) => {
    const posted = request(
      { socketPath: path, path: target(id), method: "POST", agent: false },
      (response) => {
        let text = "";
        response.on(
          "data",
          (chunk: Uint8Array) => text += new TextDecoder().decode(chunk),
        );
        response.on("end", () =>
          resolve({
            status: response.statusCode!,
            code: JSON.parse(text).error?.code,
          }));
      },
    );
    posted.on("error", reject);
    posted.end(body);
  });
}

/** A peer that writes what it is told; what it got and when it was closed. */
class Peer {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  isClosed = false;
  text = "";

  constructor(path: string) {
    this.socket = connect({ path });
    this.socket.on(
      "data",
      (chunk: Uint8Array) => this.text += new TextDecoder().decode(chunk),
    );
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) =>
      this.socket.on("close", () => {
        this.isClosed = true;
        resolve();
      })
    );
  }

  /** Begins a request whose body has 1000 octets, and sends some of them. */
  begin(id: string): void {
    this.socket.write(
      `POST ${
        target(id)
      } HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nFrom: a`,
    );
  }
}

async function stored(world: TestWorld): Promise<number> {
  const [row] = await world.app.sql`select count(*) from messages`;
  return row!["count"];
}

Deno.test("below the free-space floor mail is refused with 4.3.1 before it is read", async () => {
  await using world = await testWorld({
    ENCIMAP_MIN_FREE_BYTES: "99999999999999",
  });
  const id = await makeBox(world);
  await using door = await open(world);
  const peer = new Peer(door.path);
  peer.begin(id);
  // The answer comes although nearly all of the body is missing.
  await peer.closed;
  assert.match(peer.text, /^HTTP\/1\.1 507 [^]*"storage_full"/);
  assert.ok(world.lines.some((line) => line.includes("status=4.3.1")));
  const health = await new Promise<number>((resolve) =>
    request(
      { socketPath: door.path, path: "/health", agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode!);
      },
    ).end()
  );
  assert.equal(health, 507);
  assert.equal(await stored(world), 0);
});

Deno.test("a message that would reach the floor is refused, and a small one is taken", async () => {
  await using world = await testWorld();
  const { bavail, bsize } = await (await import("node:fs/promises"))
    .statfs(world.directory);
  const floor = bavail * bsize - 100_000_000;
  const app = {
    ...world.intake,
    config: { ...world.intake.config, minFreeBytes: floor },
  };
  const admission = new Admission(app);
  await admission.check(1000);
  await assert.rejects(admission.check(50_000_000), { code: "storage_full" });
});

Deno.test("mail is refused before it is read while the database is away, and taken by itself afterwards", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  assert.equal((await post(door.path, id)).status, 200);
  await world.database.allowConnections(false);
  // What was known a second ago no longer counts.
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const slow = await post(door.path, id);
  assert.deepEqual(slow, { status: 503, code: "unavailable" });
  const begin = performance.now();
  const peers = Array.from({ length: 100 }, () => {
    const peer = new Peer(door.path);
    peer.begin(id);
    return peer;
  });
  await Promise.all(peers.map(({ closed }) => closed));
  // Each by itself would wait five seconds.
  assert.ok(performance.now() - begin < 5000, "they were not kept waiting");
  for (const { text } of peers) assert.match(text, /^HTTP\/1\.1 503 /);
  await world.database.allowConnections(true);
  await until(
    "mail is taken",
    async () => (await post(door.path, id)).status === 200,
  );
  const refusals = world.lines.filter((line) => line.includes("refused"));
  assert.ok(refusals.length < 20, `${refusals.length} lines`);
});

Deno.test("no more messages are worked on than the memory is for, and those beyond wait unread", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  const stalled = Array.from({ length: MESSAGES_MAX }, () => {
    const peer = new Peer(door.path);
    peer.begin(id);
    return peer;
  });
  const next = Array.from({ length: 64 }, () => post(door.path, id));
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal(await stored(world), 0);
  stalled[0]!.socket.destroy();
  for (const { status } of await Promise.all(next)) assert.equal(status, 200);
  for (const { socket } of stalled) socket.destroy();
});

Deno.test("connections beyond the limit are closed, and places are given back", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  const peers = Array.from({ length: 250 }, () => new Peer(door.path));
  await until(
    "fifty are closed",
    () => peers.filter(({ isClosed }) => isClosed).length === 50,
  );
  for (const { socket } of peers) socket.destroy();
  await until(
    "a message is taken",
    () => post(door.path, id).then(({ status }) => status === 200, () => false),
  );
});

Deno.test("who has kept a full door waiting for the longest gives way to who comes, and not who is answered", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  const working = new Peer(door.path);
  working.begin(id);
  const peers: Peer[] = [];
  for (let i = 0; i < 200; i++) {
    peers.push(new Peer(door.path));
    if (i === 0) await pause(100);
  }
  await peers[0]!.closed;
  assert.deepEqual(await post(door.path, id), { status: 200, code: undefined });
  assert.equal(working.isClosed, false);
  working.socket.write("x".repeat(1000 - "From: a".length));
  await until("it is answered", () => working.text.includes(" 200 "));
  for (const { socket } of [working, ...peers]) socket.destroy();
});

Deno.test("a peer that asks before it has its answer is cut", async () => {
  await using world = await testWorld();
  await using door = await open(world);
  const peer = new Peer(door.path);
  peer.socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000));
  await peer.closed;
  assert.ok(peer.text.split("HTTP/1.1 200").length <= 2, peer.text);
  // Of a thousand that came with one read.
  assert.ok(door.requests() < 10, `${door.requests()} were parsed`);
});

Deno.test("a slow message makes room where others wait, and no sooner", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  const slow = Array.from({ length: MESSAGES_MAX }, () => {
    const peer = new Peer(door.path);
    peer.begin(id);
    return peer;
  });
  await pause(4000);
  assert.ok(slow.every(({ isClosed }) => !isClosed));
  const begin = performance.now();
  assert.equal((await post(door.path, id)).status, 200);
  assert.ok(performance.now() - begin < 10_000);
  for (const { socket } of slow) socket.destroy();
});

Deno.test("a stop answers what has begun, closes what is idle, and cuts who stalls", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  const idle = new Peer(door.path);
  idle.socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  const [begun, stalled, late, silent] = [0, 0, 0, 0].map(() =>
    new Peer(door.path)
  ) as [Peer, Peer, Peer, Peer];
  begun.begin(id);
  stalled.begin(id);
  await until("it is idle", () => idle.text.includes("healthy"));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const begin = performance.now();
  const stopped = door.stop();
  await idle.closed;
  assert.equal(silent.isClosed, false);
  // A client that had just connected.
  late.socket.write(
    `POST ${
      target(id)
    } HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAIL.length}\r\n\r\n${MAIL}`,
  );
  begun.socket.write("x".repeat(1000 - "From: a".length));
  await Promise.all([late.closed, begun.closed]);
  assert.match(late.text, /^HTTP\/1\.1 200 /);
  assert.match(begun.text, /^HTTP\/1\.1 200 /);
  await silent.closed;
  assert.equal(stalled.isClosed, false);
  await stalled.closed;
  await stopped;
  const ms = performance.now() - begin;
  assert.ok(ms < 2 * SEND_MS, `${ms} ms`);
  assert.equal(stalled.text, "");
  assert.equal(await stored(world), 2);
  await assert.rejects(post(door.path, id));
});

Deno.test("a second signal cuts everybody at once", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using door = await open(world);
  const stalled = new Peer(door.path);
  stalled.begin(id);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const now = new AbortController();
  const begin = performance.now();
  const stopped = door.stop(now.signal);
  now.abort();
  await stopped;
  assert.ok(performance.now() - begin < SEND_MS / 2);
});

for (
  const [name, write] of [
    ["stalls", () => {}],
    ["sends an octet now and then", (socket) => socket.write("x")],
    ["never ends", (socket) => socket.write("x".repeat(10_000))],
  ] as [string, (socket: Socket) => void][]
) {
  Deno.test(`a peer that ${name} is cut`, async () => {
    let code: string | undefined;
    const server = createServer((incoming, response) => {
      (async () => {
        const limits = { silenceMs: 300, bodyMs: 900 };
        for await (const chunk of bodyChunks(incoming, () => false, limits)) {
          assert.ok(chunk);
        }
      })().catch((error) => code = error.code).finally(() =>
        response.destroy()
      );
    });
    const path = await Deno.makeTempFile({ prefix: "encimap-" });
    await Deno.remove(path);
    await new Promise<void>((resolve) => server.listen(path, () => resolve()));
    const begin = performance.now();
    const peer = new Peer(path);
    peer.socket.write(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
    );
    const writing = setInterval(() => write(peer.socket), 50);
    await peer.closed;
    clearInterval(writing);
    assert.equal(code, "request_timeout");
    // Far below the limits that it has if none are given.
    assert.ok(performance.now() - begin < 10_000);
    await new Promise((resolve) => server.close(resolve));
  });
}
