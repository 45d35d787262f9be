import assert from "node:assert/strict";
import { createLog } from "../../../src/log.ts";
import {
  ACTIONS,
  OPTIONS,
  type Packet,
  packet,
  PacketReader,
  ProtocolError,
} from "../../../src/milter/packets.ts";
import { Session, type SubmissionEngine } from "../../../src/milter/session.ts";
import { latin1 } from "../../../src/mail/octets.ts";
import type { Submitted } from "../../../src/vaultbox/submission.ts";

const MACROS = ["{auth_authen}", "cat-1"];

interface Talk {
  /** Says something, and reads the answers. */
  say(command: string, ...parts: (number | string)[]): Promise<string[]>;
  /** What the engine was asked. */
  readonly asked: (string | Submitted)[];
  /** What was logged. */
  readonly log: string[];
}

function talk(engine: Partial<SubmissionEngine> = {}): Talk {
  const asked: (string | Submitted)[] = [];
  const log: string[] = [];
  const session = new Session(
    {
      begin(username) {
        asked.push(username);
        return engine.begin?.(username) ?? Promise.resolve(undefined);
      },
      finish(message) {
        asked.push(message);
        return engine.finish?.(message) ??
          Promise.resolve({ signature: "v=1" });
      },
    },
    createLog((line) => void log.push(line), "info"),
  );
  return {
    asked,
    log,
    async say(command, ...parts) {
      const answers = await session.answer(read(packet(command, ...parts))[0]!);
      if (answers === undefined) return ["end"];
      return answers.flatMap(read).map(({ command, data }) =>
        `${command} ${latin1(data).replaceAll("\0", "|")}`
      );
    },
  };
}

function read(octets: Uint8Array<ArrayBuffer>): Packet[] {
  return [...new PacketReader().take(octets)];
}

/** Says what Postfix says at MAIL FROM. */
async function begin(to: Talk, macros = MACROS): Promise<string[]> {
  assert.deepEqual(await to.say("D", `M${macros.join("\0")}`), []);
  return await to.say("M", "<cat@pets.example>", "BODY=8BITMIME");
}

Deno.test("what Postfix offers is taken if it is enough", async () => {
  const to = talk();
  assert.deepEqual(await to.say("O", 6, 0x1ff, 0x1fffff), [
    "O \0\0\0\x06\0\0\0\x11\0\x18\x83\xc3".replaceAll("\0", "|"),
  ]);
  assert.equal(OPTIONS, 0x1883c3);
  for (
    const offer of [
      [5, ACTIONS, OPTIONS],
      [6, 0x01, OPTIONS],
      [6, ACTIONS, OPTIONS & ~0x100000],
      [6, ACTIONS],
      [],
    ]
  ) {
    await assert.rejects(talk().say("O", ...offer), ProtocolError);
  }
});

Deno.test("a message is told to the engine as it came, and is signed on top", async () => {
  const to = talk();
  assert.deepEqual(await begin(to), ["c "]);
  assert.deepEqual(await to.say("R", "<bob@away.example>"), []);
  assert.deepEqual(await to.say("R", "<eve@away.example>"), []);
  assert.deepEqual(await to.say("L", "From", " cat@pets.example"), []);
  assert.deepEqual(await to.say("L", "Subject", " a\n b\xe9"), []);
  assert.deepEqual(await to.say("L", "Empty"), []);
  assert.deepEqual(await to.say("B", "one"), []);
  assert.deepEqual(await to.say("E"), ["i ||||DKIM-Signature|v=1|", "c "]);
  const [username, message] = to.asked as [string, Submitted];
  assert.equal(username, "cat-1");
  assert.equal(message.username, "cat-1");
  assert.equal(message.sender, "cat@pets.example");
  assert.equal(message.recipients, 2);
  assert.deepEqual(message.fields, [
    { name: "From", value: " cat@pets.example" },
    { name: "Subject", value: " a\n b\xe9" },
    { name: "Empty", value: "" },
  ]);
  assert.equal(message.bodyHash.length, 32);
});

Deno.test("nothing of a message is left for the next one of the connection", async () => {
  const to = talk();
  await begin(to);
  await to.say("R", "<bob@away.example>");
  await to.say("L", "From", " cat@pets.example");
  await to.say("B", "one");
  await to.say("A");
  await begin(to, []);
  await to.say("L", "To", " x");
  await to.say("E");
  const [, name, message] = to.asked as [string, string, Submitted];
  assert.equal(name, "");
  assert.equal(message.username, "");
  assert.equal(message.recipients, 0);
  assert.deepEqual(message.fields, [{ name: "To", value: " x" }]);
  const empty = talk();
  await begin(empty);
  await empty.say("E");
  assert.deepEqual(
    message.bodyHash,
    (empty.asked.at(-1) as Submitted).bodyHash,
  );
});

Deno.test("the login is the value of {auth_authen}, and no other macro's", async () => {
  for (
    const [macros, expected] of [
      [["i", "1", "{auth_authen}", "cat-1", "x", "y"], "cat-1"],
      [["{mail_addr}", "{auth_authen}", "evil", "x"], ""],
      [["{auth_authen}"], ""],
      [["{auth_type}", "PLAIN"], ""],
    ] as const
  ) {
    const to = talk();
    await begin(to, [...macros]);
    assert.equal(to.asked[0], expected, macros.join(" "));
  }
  const to = talk();
  // Macros of other stages tell nothing.
  await to.say("D", "R{auth_authen}\0evil");
  await to.say("M", "<>");
  assert.equal(to.asked[0], "");
});

Deno.test("what the engine refuses is answered, and what fails is to be tried again", async () => {
  const reply = "450 4.7.1 Sending is stopped";
  const refusing = talk({
    begin: () => Promise.resolve({ reply }),
    finish: () => Promise.resolve({ reply }),
  });
  assert.deepEqual(await begin(refusing), [`y ${reply}|`]);
  assert.deepEqual(await refusing.say("E"), [`y ${reply}|`]);
  const failing = talk({
    begin: () => Promise.reject(new Error("gone")),
    finish: () => Promise.reject(new Error("gone")),
  });
  const again = "y 451 4.3.0 Try again later|";
  assert.deepEqual(await begin(failing), [again]);
  assert.deepEqual(await failing.say("E"), [again]);
  assert.match(failing.log.join(), /gone/);
});

Deno.test("Authentication-Results go, the last one first", async () => {
  const to = talk();
  await begin(to);
  await to.say("L", "Authentication-Results", " one");
  await to.say("L", "X", " x");
  await to.say("L", "AUTHENTICATION-results ", " two");
  assert.deepEqual(await to.say("E"), [
    "m |||\x02AUTHENTICATION-results ||",
    "m |||\x01Authentication-Results||",
    "i ||||DKIM-Signature|v=1|",
    "c ",
  ]);
});

Deno.test("a header section that is too large is refused for good, and the next message is taken", async () => {
  const large = " ".concat("x".repeat(1024 * 1024 - 10));
  for (
    const fill of [
      async (to: Talk) => {
        for (let i = 0; i < 3; i++) await to.say("L", "X", large);
      },
      async (to: Talk) => {
        for (let i = 0; i <= 20_000; i++) await to.say("L", "X", "");
      },
    ]
  ) {
    const to = talk();
    await begin(to);
    await fill(to);
    await to.say("B", "x");
    const [answer] = await to.say("E");
    assert.match(answer!, /^y 552 5\.3\.4 The header section has more than/);
    // The engine was not asked, so nothing is counted.
    assert.deepEqual(to.asked, ["cat-1"]);
    await begin(to);
    await to.say("L", "X", " x");
    assert.equal((await to.say("E")).at(-1), "c ");
  }
  const to = talk();
  await begin(to);
  await to.say("L", "X", large);
  await to.say("L", "X", large.slice(100));
  for (let i = 2; i < 30; i++) await to.say("L", "X", "");
  assert.equal((await to.say("E")).at(-1), "c ");
});

Deno.test("QUIT ends the connection, and what makes no sense is an error", async () => {
  assert.deepEqual(await talk().say("Q"), ["end"]);
  assert.deepEqual(await talk().say("K"), []);
  for (const command of ["C", "H", "N", "T", "U", "?", "\xff"]) {
    await assert.rejects(talk().say(command), ProtocolError);
  }
});
