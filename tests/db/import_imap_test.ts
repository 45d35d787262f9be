/**
 * Imports from an IMAP server that does what none should.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ImapReader } from "../../src/system/imap.ts";
import { importMessages } from "../../src/vaultbox/import.ts";
import { imapSource } from "../../src/vaultbox/import_imap.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { run, temporaryDirectory } from "../helpers/openssl.ts";

/** Says what a server answers to a command, less the line that ends it. */
type Says = (command: string) => string | AsyncIterable<string> | undefined;

const MESSAGE = "Subject: s\r\n\r\nText\r\n";

/** A server with one folder of three messages. */
function sane(command: string): string {
  if (command.startsWith("LIST")) return '* LIST () "/" INBOX\r\n';
  if (command.startsWith("EXAMINE")) {
    return "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] Fine\r\n";
  }
  if (command.startsWith("UID FETCH 1:*")) {
    return [1, 2, 3].map((n) =>
      `* ${n} FETCH (UID ${n} FLAGS () INTERNALDATE " 1-Jan-2020 12:00:00 +0000")\r\n`
    ).join("");
  }
  const uid = /^UID FETCH (\d+) /.exec(command)?.[1];
  return uid === undefined ? "" : fetched(`${uid} ${MESSAGE}`);
}

function fetched(text: string): string {
  return `* 1 FETCH (UID 1 BODY[] {${text.length}}\r\n${text})\r\n`;
}

/** Starts a server that takes one connection, and connects to it. */
async function connected(
  stack: AsyncDisposableStack,
  says: Says,
): Promise<ImapReader> {
  const directory = stack.use(await temporaryDirectory());
  await run("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
    ...["-keyout", "tls.key", "-out", "tls.pem"],
  ], { cwd: directory.path });
  const cert = await Deno.readTextFile(`${directory.path}/tls.pem`);
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert,
    key: await Deno.readTextFile(`${directory.path}/tls.key`),
  });
  const serving = serve(listener, says);
  stack.defer(async () => {
    listener.close();
    await serving;
  });
  return await ImapReader.open({
    hostname: "localhost",
    port: listener.addr.port,
    user: "cat",
    password: "secret",
    caCerts: [cert],
  });
}

async function serve(listener: Deno.TlsListener, says: Says): Promise<void> {
  using connection = await listener.accept();
  const write = async (text: string): Promise<void> => {
    for (let rest = new TextEncoder().encode(text); rest.length > 0;) {
      rest = rest.subarray(await connection.write(rest));
    }
  };
  try {
    await write("* OK Hello\r\n");
    let waiting = "";
    for await (const part of connection.readable) {
      waiting += new TextDecoder().decode(part);
      const lines = waiting.split("\r\n");
      waiting = lines.pop()!;
      for (const line of lines) {
        const [tag, ...words] = line.split(" ");
        const command = words.join(" ");
        const answer = says(command) ?? sane(command);
        if (typeof answer === "string") await write(answer);
        else for await (const part of answer) await write(part);
        const isWhole = /^A\d+ NO .*\r\n$/.test(String(answer));
        if (!isWhole) await write(`${tag} OK Done\r\n`);
      }
    }
  } catch {
    // The client has gone.
  }
}

/** Imports from a server, and says what was left out. */
async function imported(world: TestWorld, says: Says) {
  await using stack = new AsyncDisposableStack();
  const id = await makeBox(world);
  const reader = await connected(stack, says);
  const leftOut: string[] = [];
  const source = imapSource(
    reader,
    "cat@localhost",
    (what, why) => leftOut.push(`${what}: ${why}`),
  );
  const tally = await importMessages(
    world.intake,
    { id, alias: "cat" },
    source,
    { dryRun: false },
    {
      looked: () => {},
      leftOut: ({ name }, why) => leftOut.push(`${name} ${why}`),
    },
  );
  return { stored: tally.stored, counted: tally.leftOut, leftOut };
}

Deno.test("one message that the server does not give is left out, and the others are imported", async () => {
  await using world = await testWorld();
  const refuses: Says = (command) =>
    command.startsWith("UID FETCH 2 ") ? "A6 NO Broken\r\n" : undefined;
  assert.deepEqual(await imported(world, refuses), {
    stored: 2,
    counted: 1,
    leftOut: [
      "UID 2 in INBOX cannot be read: the server refuses FETCH: A6 NO Broken",
    ],
  });
});

Deno.test("a message that is larger than allowed is left out, and the answer to the next is not taken from it", async () => {
  await using world = await testWorld({ ENCIMAP_MAX_MESSAGE_BYTES: "100000" });
  const lies = `${"A6 OK Done\r\n* BYE\r\n".repeat(30_000)}`;
  const large: Says = (command) =>
    command.startsWith("UID FETCH 2 ") ? fetched(lies) : undefined;
  const { stored, leftOut } = await imported(world, large);
  assert.equal(stored, 2);
  assert.match(leftOut[0]!, /larger than ENCIMAP_MAX_MESSAGE_BYTES/);
});

Deno.test("a folder without UIDVALIDITY, or that does not open, is left out", async () => {
  for (
    const [answer, why] of [
      ["* 3 EXISTS\r\n", /^folder INBOX: the server says no UIDVALIDITY$/],
      ["A3 NO Not yours\r\n", /^folder INBOX: .*Not yours$/],
    ] as const
  ) {
    await using world = await testWorld();
    const { stored, leftOut } = await imported(
      world,
      (command) => command.startsWith("EXAMINE") ? answer : undefined,
    );
    assert.equal(stored, 0);
    assert.equal(leftOut.length, 1);
    assert.match(leftOut[0]!, why);
  }
});

Deno.test("messages that the server has and does not list are named", async () => {
  await using world = await testWorld();
  const { stored, leftOut } = await imported(
    world,
    (command) =>
      command.startsWith("EXAMINE")
        ? "* 5 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* 1 EXPUNGE\r\n"
        : undefined,
  );
  assert.equal(stored, 3);
  assert.deepEqual(leftOut, [
    "a message in INBOX: is there, and the server does not list it",
  ]);
});

Deno.test("of the flags of a message no more are kept than can mean something", async () => {
  await using stack = new AsyncDisposableStack();
  const flags = "f ".repeat(20_000);
  const reader = await connected(
    stack,
    (command) =>
      command.startsWith("UID FETCH 1:*")
        ? `* 1 FETCH (UID 1 FLAGS (${flags}) INTERNALDATE " 1-Jan-2020 12:00:00 +0000")\r\n`
        : undefined,
  );
  stack.use(reader);
  const { messages: [message] } = await reader.examine("INBOX");
  assert.equal(message!.flags.length, 100);
});

/** Some of it again and again, until nobody reads it. */
async function* endless(text: string): AsyncGenerator<string> {
  for (;;) {
    yield text;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

for (
  const [what, begin, text, why] of [
    ["LIST", "LIST", '* LIST () "/" x\r\n'.repeat(1000), /too many folders/],
    ["FETCH", "UID FETCH 1:*", `* X ${"x".repeat(60_000)}\r\n`, /not end/],
    ["message", "UID FETCH 2 ", `* X ${"x".repeat(60_000)}\r\n`, /not end/],
    [
      "octets",
      "UID FETCH 2 ",
      "* 1 FETCH (UID 2 BODY[] {9999999999}\r\n",
      /too long/,
    ],
    ["line", "EXAMINE", "x".repeat(60_000), /a line is too long/],
  ] as const
) {
  Deno.test(`an answer to ${what} without an end ends the import`, async () => {
    await using world = await testWorld();
    await assert.rejects(
      imported(
        world,
        (command) => command.startsWith(begin) ? endless(text) : undefined,
      ),
      why,
    );
  });
}
