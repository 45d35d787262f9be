import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { AppError } from "../../src/errors.ts";
import { canonicalizeLineEnds } from "../../src/mail/line_ends.ts";
import { MEMORY_OCTETS } from "../../src/mail/message.ts";
import { concat, latin1 } from "../../src/mail/octets.ts";
import { openSpool } from "../../src/storage/spool.ts";
import { receive, type Received } from "../../src/vaultbox/receive.ts";
import { octets } from "../unit/mail/octets.ts";

const CANARY = "the canary sings at noon";
const LINE = `${CANARY}\r\n`;

/** A message of about so many octets with CRLF line ends. */
function mail(length: number): Uint8Array<ArrayBuffer> {
  const lines = LINE.repeat(Math.ceil(length / LINE.length));
  return octets(`From: a@b.example\r\n\r\n${lines}`.slice(0, length));
}

async function* inChunks(
  message: Uint8Array,
  chunkOctets: number,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < message.length; at += chunkOctets) {
    // As node:http gives them.
    yield Buffer.from(message.slice(at, at + chunkOctets));
  }
}

type World = Parameters<typeof receive>[0];

async function world(): Promise<World & AsyncDisposable & { base: string }> {
  const base = await Deno.makeTempDir();
  const config = { maildirBasePath: base } as World["config"];
  return {
    base,
    config,
    [Symbol.asyncDispose]: () => Deno.remove(base, { recursive: true }),
  };
}

async function octetsOf(
  message: Received,
  from = 0,
): Promise<Uint8Array<ArrayBuffer>> {
  // A chunk may be overwritten when the next one comes.
  const parts: Uint8Array[] = [];
  for await (const chunk of message.chunks(from)) parts.push(chunk.slice());
  return concat(parts);
}

/** Files of this process that have no name any more. */
function unlinkedFiles(base: string): string[] {
  const paths: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    const path = `/proc/self/fd/${name}`;
    try {
      if (Deno.readLinkSync(path).startsWith(`${base}/.spool/`)) {
        paths.push(path);
      }
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return paths;
}

const MAX = { maxOctets: 20_000_000 };

for (
  const length of [
    0,
    1,
    MEMORY_OCTETS - 1,
    MEMORY_OCTETS,
    MEMORY_OCTETS + 1,
    MEMORY_OCTETS + 262_144,
    MEMORY_OCTETS + 262_145,
    5_000_000,
  ]
) {
  Deno.test(`receive() gives ${length} octets again, from any offset, by CRLF and by LF alike`, async () => {
    await using app = await world();
    const wire = mail(length);
    const piped = octets(latin1(wire).replaceAll("\r\n", "\n"));
    for (const [form, chunkOctets] of [[wire, 65_536], [piped, 65_521]]) {
      await using message = await receive(
        app,
        inChunks(form as Uint8Array, chunkOctets as number),
        MAX,
      );
      const expected = form === wire ? wire : canonicalizeLineEnds(piped);
      assert.equal(message.octets, expected.length);
      assert.deepEqual(
        message.head,
        expected.subarray(0, Math.min(MEMORY_OCTETS, expected.length)),
      );
      assert.deepEqual(
        new Uint8Array(message.digest),
        new Uint8Array(createHash("sha256").update(expected).digest()),
      );
      for (
        const from of [0, 1, MEMORY_OCTETS - 1, MEMORY_OCTETS + 262_143, length]
      ) {
        if (from > expected.length) continue;
        const seen = await octetsOf(message, from);
        assert.ok(
          Buffer.compare(seen, expected.subarray(from)) === 0,
          `${from}`,
        );
      }
    }
    assert.deepEqual(unlinkedFiles(app.base), []);
  });
}

Deno.test("receive() spools nothing that can be read, in a file without a name", async () => {
  await using app = await world();
  const wire = mail(6_000_000);
  {
    await using message = await receive(app, inChunks(wire, 65_536), MAX);
    assert.equal(message.octets, wire.length);
    const [spooled, ...others] = unlinkedFiles(app.base);
    assert.deepEqual(others, []);
    const onDisk = await Deno.readFile(spooled!);
    assert.ok(onDisk.length > wire.length - MEMORY_OCTETS);
    assert.equal(Buffer.from(onDisk).includes(CANARY), false);
    assert.deepEqual(
      await Array.fromAsync(Deno.readDir(`${app.base}/.spool`)),
      [],
    );
    const { mode } = await Deno.stat(`${app.base}/.spool`);
    assert.equal(mode! & 0o777, 0o700);
    assert.equal((await Deno.stat(spooled!)).mode! & 0o777, 0o600);
  }
  assert.deepEqual(unlinkedFiles(app.base), []);
});

Deno.test("receive() reads what is too large to its end, keeps nothing, and refuses it", async () => {
  await using app = await world();
  const wire = mail(6_000_000);
  let given = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of inChunks(wire, 65_536)) {
      if (given > 5_000_000) assert.deepEqual(unlinkedFiles(app.base), []);
      given += chunk.length;
      yield chunk;
    }
  }
  await assert.rejects(
    receive(app, chunks(), { maxOctets: 4_000_000 }),
    (error) => error instanceof AppError && error.code === "message_too_large",
  );
  assert.equal(given, wire.length);
});

Deno.test("receive() keeps nothing of a message whose sender dies in the middle", async () => {
  await using app = await world();
  const death = new Error("connection reset");
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield mail(5_000_000);
    await new Promise((resolve) => setTimeout(resolve));
    throw death;
  }
  await assert.rejects(receive(app, chunks(), MAX), death);
  assert.deepEqual(unlinkedFiles(app.base), []);
});

Deno.test("receive() reads to the end what it cannot spool, and throws why", async () => {
  await using app = await world();
  await Deno.writeTextFile(`${app.base}/.spool`, "in the way");
  let given = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of inChunks(mail(5_000_000), 65_536)) {
      given += chunk.length;
      yield chunk;
    }
  }
  await assert.rejects(receive(app, chunks(), MAX), { code: "ENOTDIR" });
  assert.equal(given, 5_000_000);
});

Deno.test("a spool file that was altered on disk is not read", async () => {
  await using app = await world();
  await using spool = await openSpool(app.base);
  await spool.write(mail(600_000));
  await spool.end();
  const [path] = unlinkedFiles(app.base);
  using file = await Deno.open(path!, { write: true });
  await file.seek(300_000, Deno.SeekMode.Start);
  await file.write(octets("x"));
  const pieces = spool.read(0);
  assert.equal((await pieces.next()).value?.length, 262_144);
  await assert.rejects(pieces.next());
});
