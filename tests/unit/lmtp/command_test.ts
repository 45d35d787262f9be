import assert from "node:assert/strict";
import { cpuTime } from "../../helpers/cpu_time.ts";
import { parseCommand } from "../../../src/lmtp/command.ts";

const READ: [line: string, command: unknown][] = [
  ["LHLO mail.example", { verb: "LHLO" }],
  ["lhlo [192.0.2.1]", { verb: "LHLO" }],
  ["LHLO", { verb: "refused" }],
  ["EHLO mail.example", { verb: "" }],
  ["HELO mail.example", { verb: "" }],
  ["", { verb: "" }],
  ["DATA", { verb: "DATA" }],
  ["DATA ", { verb: "DATA" }],
  ["DATA x", { verb: "refused" }],
  ["NOOP anything", { verb: "NOOP" }],
  ["MAIL FROM:<>", { verb: "MAIL", sender: "", size: 0 }],
  [
    "mail from:<b@c.example> size=12 BODY=8BITMIME SMTPUTF8",
    { verb: "MAIL", sender: "b@c.example", size: 12 },
  ],
  [
    "MAIL FROM: <b@c.example>",
    { verb: "MAIL", sender: "b@c.example", size: 0 },
  ],
  [
    'MAIL FROM:<"a\\"> b"@c.example> SIZE=1',
    { verb: "MAIL", sender: 'a"> b@c.example', size: 1 },
  ],
  [
    "MAIL FROM:<@relay.example,@x.example:b@c.example>",
    { verb: "MAIL", sender: "b@c.example", size: 0 },
  ],
  ["MAIL FROM:<MAILER-DAEMON>", {
    verb: "MAIL",
    sender: "MAILER-DAEMON",
    size: 0,
  }],
  ["MAIL FROM:<b@c.example> BODY=BINARYMIME", { verb: "refused" }],
  ["MAIL FROM:<b@c.example> SIZE=", { verb: "refused" }],
  ["MAIL FROM:<b@c.example> SIZE=1e3", { verb: "refused" }],
  ["MAIL FROM:<b@c.example> RET=FULL", { verb: "refused" }],
  ["MAIL FROM:b@c.example", { verb: "refused" }],
  ["MAIL FROM:<b c@c.example>", { verb: "refused" }],
  ["RCPT TO:<cat@pets.example>", {
    verb: "RCPT",
    recipient: "cat@pets.example",
  }],
  [
    "RCPT TO:<käthe@münchen.example>",
    { verb: "RCPT", recipient: "käthe@münchen.example" },
  ],
  ['RCPT TO:<"a b"@c.example>', { verb: "RCPT", recipient: "a b@c.example" }],
  ["RCPT TO:<Postmaster>", { verb: "RCPT", recipient: "Postmaster" }],
  ["RCPT TO:<>", { verb: "refused" }],
  ["RCPT TO:<cat@pets.example> NOTIFY=NEVER", { verb: "refused" }],
  ["RCPT TO:<cat@pets.example>x", { verb: "refused" }],
  ["RCPT TO:<a@b.example\nRCPT TO:<c@d.example>", { verb: "refused" }],
  ["RCPT TO:<a\0@b.example>", { verb: "refused" }],
  // RFC 6531 §3.3: U+0085, U+00A0 and U+2028 are letters like others.
  ["MAIL FROM:<b\u0085\u00a0\u2028d@c.example>", {
    verb: "MAIL",
    sender: "b\u0085\u00a0\u2028d@c.example",
    size: 0,
  }],
  ['RCPT TO:<"a\\\u2028\u0001"@b.example>', {
    verb: "RCPT",
    recipient: "a\u2028\u0001@b.example",
  }],
  ["XFORWARD IDENT=4dXQ", { verb: "XFORWARD", ident: "4dXQ" }],
  [
    "XFORWARD NAME=x IDENT=4dXQ HELO=y",
    { verb: "XFORWARD", ident: "4dXQ" },
  ],
  ["XFORWARD IDENT=[UNAVAILABLE]", { verb: "XFORWARD", ident: undefined }],
  ["XFORWARD PROTO=ESMTP", { verb: "XFORWARD", ident: undefined }],
];
for (const [line, command] of READ) {
  Deno.test(`parseCommand() of ${JSON.stringify(line)}`, () => {
    assert.deepEqual(parseCommand(new TextEncoder().encode(line)), command);
  });
}

Deno.test("parseCommand() takes random octets without an exception, in linear time", () => {
  const starts = ["", "MAIL FROM:<", "RCPT TO:<", 'RCPT TO:<"', "XFORWARD "];
  for (let round = 0; round < 5000; round++) {
    const start = new TextEncoder().encode(starts[round % starts.length]!);
    const random = crypto.getRandomValues(new Uint8Array(round % 50));
    const { verb } = parseCommand(new Uint8Array([...start, ...random]));
    assert.match(verb, /^(MAIL|RCPT|XFORWARD|NOOP|refused|)$/);
  }
  const ms = cpuTime(() => {
    for (const part of ["@", "\\", '"', "a@", " ", "<", ":", "@a:"]) {
      for (const start of starts) {
        parseCommand(new TextEncoder().encode(start + part.repeat(1000)));
      }
    }
  });
  assert.ok(ms < 1000, `${ms} ms`);
});
