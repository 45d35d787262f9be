import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { unixPost } from "../../src/system/unix_post.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";

interface Server extends AsyncDisposable {
  readonly path: string;
}

/** A server of node:http, as the intake is one. */
async function httpServer(listener: RequestListener): Promise<Server> {
  const directory = await temporaryDirectory();
  const path = `${directory.path}/http.sock`;
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** A server that reads a little, says something and closes. */
async function rudeServer(said: string): Promise<Server> {
  const directory = await temporaryDirectory();
  const path = `${directory.path}/rude.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const served = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(10));
    await connection.write(new TextEncoder().encode(said));
  })();
  return {
    path,
    async [Symbol.asyncDispose]() {
      await served;
      listener.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function* body(...chunks: string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield new TextEncoder().encode(chunk);
}

for (
  const [name, chunks] of [
    ["no chunk", []],
    ["an empty chunk in the middle", ["a", "", "b"]],
    ["a chunk that looks like the end", ["0\r\n\r\n", "b"]],
    ["chunks of many lengths", ["a".repeat(15), "b".repeat(16), "c\r\n"]],
    ["20 MB", Array.from({ length: 20 }, () => "x".repeat(1_000_000))],
  ] as const
) {
  Deno.test(`unixPost() of ${name} arrives octet by octet`, async () => {
    let received = "";
    let url = "";
    await using server = await httpServer(async (request, response) => {
      url = `${request.method} ${request.url}`;
      for await (const chunk of request) received += chunk;
      response.writeHead(507, { "content-length": 3 }).end("Üx");
    });
    const answer = await unixPost(server.path, "/a?b=c%20d", {
      body: body(...chunks),
    });
    assert.equal(url, "POST /a?b=c%20d");
    assert.ok(received === chunks.join(""));
    assert.deepEqual(answer, { status: 507, body: "Üx" });
  });
}

Deno.test("unixPost() gives an answer that comes before the end of the body", async () => {
  await using server = await rudeServer(
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull",
  );
  const chunks = Array.from({ length: 50 }, () => "x".repeat(1_000_000));
  const answer = await unixPost(server.path, "/", { body: body(...chunks) });
  assert.deepEqual(answer, { status: 503, body: "full" });
});

for (
  const said of [
    "",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    "220 mail.example.com LMTP\r\n\r\n",
    `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(70_000)}`,
  ]
) {
  Deno.test(`unixPost() throws if the server says ${JSON.stringify(said.slice(0, 50))}`, async () => {
    await using server = await rudeServer(said);
    await assert.rejects(
      unixPost(server.path, "/", { body: body("x") }),
      /Answer is/,
    );
  });
}

Deno.test("unixPost() whose body fails is never complete for the server", async () => {
  const ended = Promise.withResolvers<string>();
  await using server = await httpServer((request) => {
    request.on("end", () => ended.resolve("complete"));
    request.on("aborted", () => ended.resolve("aborted"));
    request.on("error", () => ended.resolve("aborted"));
    request.resume();
  });
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield* body("half of it");
    throw new Error("no more");
  };
  await assert.rejects(
    unixPost(server.path, "/", { body: failing() }),
    /no more/,
  );
  assert.equal(await ended.promise, "aborted");
});

Deno.test("unixPost() is broken off by its signal if the server is silent", async () => {
  await using server = await httpServer((request) => request.resume());
  await assert.rejects(
    unixPost(server.path, "/", {
      body: body("x"),
      signal: AbortSignal.timeout(200),
    }),
    { name: "TimeoutError" },
  );
});
