import assert from "node:assert/strict";
import { queryRecords } from "../../src/system/dns_query.ts";
import { isMissing } from "../helpers/openssl.ts";

const PYTHON = "/usr/bin/python3";

const SMIMEA = 53;

/** Listens, and has as many connections waiting as the kernel keeps for it. */
const FULL = `
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
waiting = []
for _ in range(4):
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(server.getsockname())
    waiting.append(client)
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;

Deno.test({
  name: `the deadline of a DNS question covers a connection that is not taken${
    isMissing(PYTHON) ? " (needs python3)" : ""
  }`,
  ignore: isMissing(PYTHON),
}, async () => {
  await using server = full();
  await assert.rejects(ask(await server.port()), { name: "TimeoutError" });
});

Deno.test("the deadline of a DNS question covers an answer that does not come", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(ask((listener.addr as Deno.NetAddr).port));
});

/** Gives up after half a second, or after twenty if the deadline does not work. */
async function ask(port: number): Promise<void> {
  const server = { ipAddr: "127.0.0.1", port };
  const deadline = AbortSignal.timeout(500);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hangs = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 20_000);
  });
  const asked = queryRecords(server, "a.example", SMIMEA, deadline);
  try {
    await Promise.race([asked, hangs]);
  } finally {
    clearTimeout(timer);
  }
}

function full(): AsyncDisposable & { port(): Promise<number> } {
  const child = new Deno.Command(PYTHON, {
    args: ["-c", FULL],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  return {
    async port() {
      const { value } = await child.stdout.getReader().read();
      return Number(new TextDecoder().decode(value));
    },
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await child.status;
    },
  };
}
