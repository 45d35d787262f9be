import assert from "node:assert/strict";
import { AppError } from "../../../src/errors.ts";
import {
  type Engine,
  type Envelope,
  Interrupted,
  Session,
  TimedOut,
  type Wire,
} from "../../../src/lmtp/session.ts";
import { concat, latin1 } from "../../../src/mail/octets.ts";

function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

interface Taken {
  envelope: Envelope;
  message: string;
}

/** Keeps messages in memory; what a recipient named `throw` gets is thrown. */
function memoryEngine(): Engine & { taken: Taken[] } {
  const taken: Taken[] = [];
  return {
    taken,
    hostname: "mail.example.test",
    maxOctets: 1000,
    admit: (_octets, task) => task(),
    isCrowded: () => false,
    refused: () => {},
    async take(envelope, chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) {
        if (envelope.recipients.includes("throw@x.example")) {
          throw new Error("secret");
        }
        parts.push(chunk);
        if (concat(parts).length > 1000) {
          throw new AppError("message_too_large", "Message is too large");
        }
      }
      taken.push({ envelope, message: latin1(concat(parts)) });
      return envelope.recipients.map((each) => `250 2.0.0 ${each}`);
    },
  };
}

/** Sends chunks, then ends or stays silent. */
function scriptedWire(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  end: "close" | "silence" = "close",
): Wire & { said: () => string } {
  const left = [...chunks];
  let said = "";
  return {
    said: () => said,
    read: () => {
      const chunk = left.shift();
      if (chunk !== undefined || end === "close") return Promise.resolve(chunk);
      return Promise.reject(new TimedOut());
    },
    write: (text) => {
      said += text;
      return Promise.resolve();
    },
    interrupt: () => {},
    cut: () => {},
  };
}

async function talk(
  text: string,
  options: { cuts?: number[]; end?: "close" | "silence"; engine?: Engine } = {},
): Promise<{ said: string[]; taken: Taken[] }> {
  const engine = memoryEngine();
  const all = octets(text);
  const cuts = [0, ...options.cuts ?? [], all.length].sort((a, b) => a - b);
  const chunks = cuts.slice(1).map((cut, i) => all.slice(cuts[i], cut))
    .filter((chunk) => chunk.length > 0);
  const wire = scriptedWire(chunks, options.end);
  await new Session(wire, options.engine ?? engine).run();
  return { said: wire.said().split("\r\n").slice(0, -1), taken: engine.taken };
}

function codes(said: readonly string[]): string {
  return said.filter((line) => line[3] === " ").map((l) => l.slice(0, 3))
    .join(" ");
}

const ONE = "LHLO c.example\r\nXFORWARD IDENT=4dXQ\r\n" +
  "MAIL FROM:<b@c.example> SIZE=10\r\n" +
  "RCPT TO:<cat@pets.example>\r\nRCPT TO:<dog@pets.example>\r\n" +
  "DATA\r\nSubject: x\r\n\r\n..\0\xff\r\n.\r\nQUIT\r\n";
const TAKEN: Taken = {
  envelope: {
    sender: "b@c.example",
    recipients: ["cat@pets.example", "dog@pets.example"],
    ident: "4dXQ",
  },
  message: "Subject: x\r\n\r\n.\0\xff\r\n",
};

Deno.test("a session takes one message and replies for each recipient", async () => {
  const { said, taken } = await talk(ONE);
  assert.deepEqual(taken, [TAKEN]);
  assert.deepEqual(said, [
    "220 mail.example.test LMTP",
    "250-mail.example.test",
    "250-PIPELINING",
    "250-SIZE 1000",
    "250-8BITMIME",
    "250-SMTPUTF8",
    "250-ENHANCEDSTATUSCODES",
    "250 XFORWARD IDENT",
    "250 2.0.0 OK",
    "250 2.1.0 OK",
    "250 2.1.5 OK",
    "250 2.1.5 OK",
    "354 Go on",
    "250 2.0.0 cat@pets.example",
    "250 2.0.0 dog@pets.example",
    "221 2.0.0 Bye",
  ]);
});

Deno.test("a session says the same however its input is cut", async () => {
  const whole = await talk(ONE);
  for (let i = 1; i < ONE.length; i++) {
    assert.deepEqual(await talk(ONE, { cuts: [i] }), whole, `cut at ${i}`);
  }
  const every = Array.from(ONE, (_, i) => i);
  assert.deepEqual(await talk(ONE, { cuts: every }), whole);
});

Deno.test("a session that is cut in a message takes nothing", async () => {
  const begin = ONE.indexOf("Subject");
  for (let end = begin; end < ONE.indexOf("QUIT"); end++) {
    const { said, taken } = await talk(ONE.slice(0, end));
    assert.deepEqual(taken, [], `cut at ${end}`);
    assert.equal(said.at(-1), "354 Go on");
  }
});

Deno.test("a session that is silent in a message takes nothing and ends with 421", async () => {
  const { said, taken } = await talk(ONE.slice(0, ONE.indexOf("..")), {
    end: "silence",
  });
  assert.deepEqual(taken, []);
  assert.match(said.at(-1)!, /^421 4\.4\.2 /);
});

Deno.test("a message that cannot be taken is read to its end, and refused for each recipient", async () => {
  const { said, taken } = await talk(
    "LHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\n" +
      "RCPT TO:<throw@x.example>\r\nDATA\r\n" +
      `${"QUIT\r\n".repeat(50)}.\r\nNOOP\r\nQUIT\r\n`,
    { cuts: [80, 110, 150, 200, 300] },
  );
  assert.deepEqual(taken, []);
  assert.equal(codes(said), "220 250 250 250 250 354 451 451 250 221");
  assert.equal(said.at(-4), "451 4.3.0 Internal error");
  assert.doesNotMatch(said.join(), /secret/);
});

Deno.test("a message that is too large is 552 5.3.4, before it is sent if its size is told", async () => {
  const begin = "LHLO c.example\r\nMAIL FROM:<>";
  const told = await talk(`${begin} SIZE=1001\r\nQUIT\r\n`);
  assert.equal(told.said.at(-2), "552 5.3.4 Message is too large");
  const sent = await talk(
    `${begin}\r\nRCPT TO:<a@x.example>\r\nDATA\r\n${
      "x".repeat(1500)
    }\r\n.\r\nQUIT\r\n`,
  );
  assert.equal(sent.said.at(-2), "552 5.3.4 Message is too large");
});

Deno.test("a message that does not end is not read for ever", async () => {
  const wire = scriptedWire([
    octets("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n"),
  ]);
  let reads = 0;
  const endless: Wire = {
    ...wire,
    async read(ms) {
      reads++;
      return await wire.read(ms) ?? octets("x".repeat(100));
    },
  };
  const engine = memoryEngine();
  await new Session(endless, engine).run();
  assert.ok(reads < 50, `${reads} reads`);
  assert.deepEqual(engine.taken, []);
});

Deno.test("an intake without room says so at DATA, and the session goes on", async () => {
  const engine: Engine = {
    ...memoryEngine(),
    admit: () => Promise.reject(new AppError("unavailable", "No room")),
  };
  const { said } = await talk(
    "LHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nQUIT\r\n",
    { engine },
  );
  assert.equal(said.at(-2), "451 4.3.2 No room");
  assert.equal(said.at(-1), "221 2.0.0 Bye");
});

const SEQUENCES: [name: string, commands: string[], codes: string][] = [
  ["MAIL without LHLO", ["MAIL FROM:<>"], "220 503"],
  ["RCPT without MAIL", ["LHLO c", "RCPT TO:<a@x.example>"], "220 250 503"],
  ["DATA without RCPT", ["LHLO c", "MAIL FROM:<>", "DATA"], "220 250 250 503"],
  ["MAIL twice", ["LHLO c", "MAIL FROM:<>", "MAIL FROM:<>"], "220 250 250 503"],
  [
    "XFORWARD in a transaction",
    ["LHLO c", "MAIL FROM:<>", "XFORWARD IDENT=1"],
    "220 250 250 503",
  ],
  [
    "RSET, which forgets the sender",
    ["LHLO c", "MAIL FROM:<>", "RSET", "RCPT TO:<a@x.example>"],
    "220 250 250 250 503",
  ],
  ["EHLO and HELO, RFC 2033 §4.1", ["EHLO c", "HELO c"], "220 500 500"],
  ["VRFY", ["LHLO c", "VRFY cat"], "220 250 500"],
  [
    "a malformed MAIL, which Postfix must not bounce",
    ["LHLO c", "MAIL FROM:x"],
    "220 250 451",
  ],
  ["a line of 9000 octets", ["NOOP " + "x".repeat(9000)], "220 421"],
  ["21 errors", Array(30).fill("HELP"), `220 ${"500 ".repeat(20)}421`],
  ["101 NOOPs", Array(200).fill("NOOP"), `220 ${"250 ".repeat(101)}421`],
];
for (const [name, commands, expected] of SEQUENCES) {
  Deno.test(`a session answers ${name}`, async () => {
    const { said } = await talk(commands.join("\r\n") + "\r\n");
    assert.equal(codes(said), expected);
  });
}

Deno.test("XFORWARD IDENT is of one message", async () => {
  const mail = "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n.\r\n";
  const { taken } = await talk(
    `LHLO c\r\nXFORWARD IDENT=1\r\n${mail}${mail}XFORWARD IDENT=2\r\nRSET\r\n${mail}`,
  );
  assert.deepEqual(
    taken.map(({ envelope }) => envelope.ident),
    ["1", undefined, undefined],
  );
});

Deno.test("10,000 recipients come over ten transactions, and the 1001st of one is 452", async () => {
  const engine = memoryEngine();
  const rcpt = (n: number): string => `RCPT TO:<a${n}@x.example>\r\n`;
  const thousand = Array.from({ length: 1000 }, (_, i) => rcpt(i)).join("");
  const mail = `MAIL FROM:<>\r\n${thousand}${rcpt(1000)}DATA\r\nx\r\n.\r\n`;
  const { said, taken } = await talk(
    `LHLO c\r\n${mail.repeat(10)}QUIT\r\n`,
    { cuts: Array.from({ length: 60 }, (_, i) => i * 5000) },
  );
  assert.equal(taken.length, 10);
  const recipients = taken.flatMap(({ envelope }) => envelope.recipients);
  assert.equal(recipients.length, 10_000);
  assert.equal(said.filter((l) => l.startsWith("452 4.5.3")).length, 10);
  assert.equal(said.filter((l) => l.startsWith("250 2.0.0 a")).length, 10_000);
  assert.equal(engine.taken.length, 0);
});

Deno.test("garbage ends a session, and stores nothing", async () => {
  for (let round = 0; round < 300; round++) {
    const garbage = latin1(crypto.getRandomValues(new Uint8Array(4000)));
    const { said, taken } = await talk(
      round % 2 ? garbage : garbage.replaceAll("a", "\r\n"),
    );
    assert.deepEqual(taken, []);
    assert.match(said.join("\n"), /^220 /);
  }
});

/** Sends texts, tells before each read, then is silent until interrupted. */
function silentWire(
  texts: readonly string[],
  onRead: (text: string | undefined) => void,
): Wire & { said: () => string } {
  const left = [...texts];
  let interrupt = (): void => {};
  return {
    ...scriptedWire([]),
    read: () => {
      const text = left.shift();
      onRead(text);
      return text === undefined
        ? new Promise((_, reject) =>
          interrupt = () => reject(new Interrupted())
        )
        : Promise.resolve(octets(text));
    },
    interrupt: () => interrupt(),
  };
}

const MAIL = "MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nx\r\n.\r\n";

Deno.test("a session that stops ends between two messages, not before its first", async () => {
  const engine = memoryEngine();
  const wire = silentWire(["LHLO c\r\n", MAIL], (text) => {
    if (text !== undefined) session.stop();
  });
  const session = new Session(wire, engine);
  await session.run();
  assert.equal(engine.taken.length, 1);
  assert.match(wire.said(), /250 2\.0\.0 a@x\.example\r\n421 4\.3\.2 /);
});

Deno.test("a session that waits between two messages is ended at once by stop()", async () => {
  const waiting = Promise.withResolvers<void>();
  const wire = silentWire([`LHLO c\r\n${MAIL}`], (text) => {
    if (text === undefined) waiting.resolve();
  });
  const session = new Session(wire, memoryEngine());
  const running = session.run();
  await waiting.promise;
  session.stop();
  await running;
  assert.match(wire.said(), /421 4\.3\.2 Service stops\r\n$/);
});
