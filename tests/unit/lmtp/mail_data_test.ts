import assert from "node:assert/strict";
import { MailData } from "../../../src/lmtp/mail_data.ts";
import { latin1 } from "../../../src/mail/octets.ts";

function octets(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Gives the message and what follows it; the wire is cut at the offsets. */
function read(
  wire: Uint8Array<ArrayBuffer>,
  cuts: readonly number[] = [],
): { message: string; rest: string | undefined } {
  const data = new MailData();
  let message = "";
  const ends = [...cuts, wire.length].sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    const { octets, rest } = data.push(wire.slice(start, end));
    message += latin1(octets);
    if (rest !== undefined) {
      return { message, rest: latin1(rest) + latin1(wire.slice(end)) };
    }
    start = end;
  }
  return { message, rest: undefined };
}

const READ: [
  name: string,
  wire: string,
  message: string,
  rest: string | undefined,
][] = [
  ["a message", "a\r\nb\r\n.\r\n", "a\r\nb\r\n", ""],
  ["an empty message", ".\r\n", "", ""],
  ["a message and a command", "a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n"],
  ["a dot in front", "..a\r\n.b\r\n...\r\n.\r\n", ".a\r\nb\r\n..\r\n", ""],
  ["LF, dot, LF, which is no end", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", ""],
  ["LF, dot, CRLF, which is none", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", ""],
  ["CR, dot, CR, which is none", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", ""],
  ["CRLF, dot, LF, which is none", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", ""],
  ["CRLF, dot, CR, CR, LF", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", ""],
  ["CR, CRLF, dot, CRLF", "a\r\r\n.\r\n", "a\r\r\n", ""],
  ["NUL and 8 bits", "\0\x80\xff\r\n\0\r\n.\r\n", "\0\x80\xff\r\n\0\r\n", ""],
  ["a message without an end", "a\r\n.\r", "a\r\n", undefined],
];
for (const [name, wire, message, rest] of READ) {
  Deno.test(`MailData takes ${name}, however it is cut`, () => {
    const bytes = octets(wire);
    assert.deepEqual(read(bytes), { message, rest });
    const every = Array.from(bytes, (_, i) => i);
    assert.deepEqual(read(bytes, every), { message, rest });
    for (let i = 0; i <= bytes.length; i++) {
      for (let j = i; j <= bytes.length; j++) {
        assert.deepEqual(read(bytes, [i, j]), { message, rest });
      }
    }
  });
}

Deno.test("MailData gives random messages back that were stuffed, however they are cut", () => {
  const letters = [0x0d, 0x0a, 0x2e, 0x61, 0x00, 0xff];
  const random = (max: number): number => Math.floor(Math.random() * max);
  for (let round = 0; round < 3000; round++) {
    const message = latin1(
      Uint8Array.from({ length: random(40) }, () => letters[random(6)]!),
    ) + "\r\n";
    const stuffed = message.replaceAll(/(^|\r\n)\./g, "$1..");
    const wire = octets(`${stuffed}.\r\nNOOP\r\n`);
    const cuts = Array.from({ length: random(6) }, () => random(wire.length));
    assert.deepEqual(
      read(wire, cuts),
      { message, rest: "NOOP\r\n" },
      JSON.stringify({ message, cuts }),
    );
  }
});
