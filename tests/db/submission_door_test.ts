import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { createLog } from "../../src/log.ts";
import { OPTIONS, packet, PacketReader } from "../../src/milter/packets.ts";
import { submissionServer } from "../../src/milter/server.ts";

const LOG = createLog(() => {}, "info");

/** Milliseconds without a word that end a connection here. */
const IDLE_MS = 100;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Reads the letters of the next answers. */
async function letters(socket: Socket, count: number): Promise<string> {
  const reader = new PacketReader();
  let found = "";
  while (found.length < count) {
    const [chunk] = await once(socket, "data");
    for (const { command } of reader.take(new Uint8Array(chunk))) {
      found += command;
    }
  }
  return found;
}

Deno.test("a client may take long over its message, and not between two", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/submission.sock`;
  const { server, close } = submissionServer(
    {
      begin: () => Promise.resolve(undefined),
      finish: () => Promise.resolve({ signature: "v=1" }),
    },
    LOG,
    IDLE_MS,
  );
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  const socket = connect({ path });
  const closed = once(socket, "close");
  try {
    socket.write(packet("O", 6, 0x11, OPTIONS));
    assert.equal(await letters(socket, 1), "O");
    socket.write(packet("M", "<cat@pets.example>"));
    assert.equal(await letters(socket, 1), "c");
    // Postfix is silent while its client sends.
    await pause(5 * IDLE_MS);
    socket.write(packet("L", "From", " cat@pets.example"));
    socket.write(packet("E"));
    assert.equal(await letters(socket, 2), "ic");
    await closed;
  } finally {
    socket.destroy();
    await close(AbortSignal.abort());
    await Deno.remove(directory, { recursive: true });
  }
});
