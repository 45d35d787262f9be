import assert from "node:assert/strict";
import { cpuTime } from "../../helpers/cpu_time.ts";
import {
  escapeMailboxLine,
  fields,
  fieldTexts,
  isUnambiguous,
  splitEntity,
} from "../../../src/mail/header.ts";
import { latin1 } from "../../../src/mail/octets.ts";
import { octets } from "./octets.ts";

/** Message, header, body, whether an empty line is between. */
const MESSAGES: readonly (readonly [string, string, string, boolean])[] = [
  ["", "", "", false],
  ["\r\n", "", "", true],
  ["\n", "", "", true],
  ["\r\nbody", "", "body", true],
  ["A: b", "A: b", "", false],
  ["A: b\r\n", "A: b\r\n", "", false],
  ["A: b\r\n\r\n", "A: b\r\n", "", true],
  ["A: b\n\nc\n", "A: b\n", "c\n", true],
  ["A: b\r\n\r\n\r\nc", "A: b\r\n", "\r\nc", true],
  ["A: b\r\n c\r\n\td\r\n\r\ne", "A: b\r\n c\r\n\td\r\n", "e", true],
  ["A: b\r\n \r\n\r\ne", "A: b\r\n \r\n", "e", true],
  ["A:\r\nB:c\r\n\r\n", "A:\r\nB:c\r\n", "", true],
  ["A : b\r\n\r\nc", "A : b\r\n", "c", true],
  // No field: the body begins, as for cleanup(8).
  ["junk\r\nA: b\r\n\r\nc", "", "junk\r\nA: b\r\n\r\nc", false],
  ["A: b\r\njunk\r\n\r\nc", "A: b\r\n", "junk\r\n\r\nc", false],
  [" A: b\r\n\r\nc", "", " A: b\r\n\r\nc", false],
  [": b\r\n\r\nc", "", ": b\r\n\r\nc", false],
  ["A b: c\r\n\r\n", "", "A b: c\r\n\r\n", false],
  ["\xc4: b\r\n\r\n", "", "\xc4: b\r\n\r\n", false],
  ["A\0: b\r\n\r\n", "", "A\0: b\r\n\r\n", false],
  ["From x@y Thu\r\nA: b\r\n\r\n", "", "From x@y Thu\r\nA: b\r\n\r\n", false],
  ["A: b\r\n\r\r\nC: d\r\n", "A: b\r\n", "\r\r\nC: d\r\n", false],
  ["A: b\r\r\n\r\nc", "A: b\r\r\n", "c", true],
];

for (const [message, header, body, hasEmptyLine] of MESSAGES) {
  Deno.test(`splitEntity() cuts ${JSON.stringify(message)}`, () => {
    const entity = splitEntity(octets(message));
    assert.deepEqual(
      [latin1(entity.header), latin1(entity.body), entity.hasEmptyLine],
      [header, body, hasEmptyLine],
    );
  });
}

Deno.test("fields() gives each field with its continuation lines", () => {
  const header = "A: 1\r\n 2\r\n\t3\r\nb\t: \xff\r\nA:4";
  assert.deepEqual(
    [...fields(octets(header))].map(({ name, octets }) => [
      name,
      latin1(octets),
    ]),
    [["a", "A: 1\r\n 2\r\n\t3\r\n"], ["b", "b\t: \xff\r\n"], ["a", "A:4"]],
  );
});

const VALUES: readonly (readonly [string, readonly string[]])[] = [
  ["Message-ID: <a@b>\r\n", ["<a@b>"]],
  ["MESSAGE-id:<a@b>  \r\n", ["<a@b>"]],
  ["Message-ID:\r\n <a@b>\r\n", ["<a@b>"]],
  ["Message-ID: <a\r\n\t@b>\r\n", ["<a\t@b>"]],
  ["Message-ID: 1\r\nA: 2\r\nmessage-id : 3\r\n", ["1", "3"]],
  ["Message-ID:\r\n", [""]],
  ["Message-ID: a:b\xe4\r\n", ["a:b\xe4"]],
  ["Message-ID-2: a\r\n", []],
];
for (const [header, texts] of VALUES) {
  Deno.test(`fieldTexts() reads ${JSON.stringify(header)}`, () => {
    assert.deepEqual(fieldTexts(octets(header), "Message-Id"), texts);
  });
}

const FIELDS: readonly (readonly [string, boolean])[] = [
  ["A: b\r\n c\r\n", true],
  ["A: b", true],
  ["A: \xff\x01\r\n", true],
  ["A: b\rC: d\r\n", false],
  ["A: b\r\r\n", false],
  ["A: b\r", false],
  ["A: \0\r\n", false],
];
for (const [field, expected] of FIELDS) {
  Deno.test(`isUnambiguous() of ${JSON.stringify(field)} is ${expected}`, () => {
    const [first] = fields(octets(field));
    assert.equal(isUnambiguous(first!), expected);
  });
}

const MAILBOX_LINES: readonly (readonly [string, boolean])[] = [
  ["From x@y Thu\r\nA: b\r\n", true],
  [">From x@y Thu\r\n", true],
  [">>>From x", true],
  ["From: x@y\r\n", false],
  ["A: b\r\nFrom x@y\r\n", false],
  ["from x\r\n", false],
  [">A From x\r\n", false],
  ["From", false],
  ["", false],
];
for (const [message, isEscaped] of MAILBOX_LINES) {
  Deno.test(`escapeMailboxLine() of ${JSON.stringify(message)}`, () => {
    assert.equal(
      latin1(escapeMailboxLine(octets(message))),
      isEscaped ? `X-Mailbox-Line: ${message}` : message,
    );
  });
}

/** Input that a regular expression or a nested search would choke on. */
const LARGE: readonly (readonly [string, string])[] = [
  ["10,000 fields", "Received: from a by b\r\n".repeat(10_000)],
  ["10,000 continuation lines", `A: b\r\n${" c\r\n".repeat(10_000)}`],
  ["a line of 1 MB", `A: ${"b".repeat(1_000_000)}\r\n`],
  ["1 MB of spaces in a value", `A: b${" ".repeat(1_000_000)}c\r\n`],
  ["1 MB of spaces behind a name", `A${" ".repeat(1_000_000)}: c\r\n`],
  ["a name of 1 MB", `${"a".repeat(1_000_000)}: c\r\n`],
];
for (const [name, header] of LARGE) {
  Deno.test(`splitEntity() and fieldTexts() take ${name} in linear time`, () => {
    const ms = cpuTime(() => {
      const entity = splitEntity(octets(`${header}\r\nbody`));
      assert.equal(entity.header.length, header.length);
      fieldTexts(entity.header, "A");
    });
    assert.ok(ms < 2000, `${ms} ms`);
  });
}

Deno.test("splitEntity() takes 20,000 fields of any length, and what follows for the body", () => {
  const line = `X: a\r\n`;
  const long = `X: ${"a".repeat(300_000)}\r\n${" b\r\n".repeat(1000)}`;
  const start = long + line.repeat(19_999);
  const good = splitEntity(octets(`${start}\r\nbody`));
  assert.equal(good.header.length, start.length);
  assert.equal(good.hasEmptyLine, true);
  const { header, body, hasEmptyLine } = splitEntity(
    octets(`${start}${line}\r\nbody`),
  );
  assert.equal(header.length, start.length);
  assert.equal(latin1(body), `${line}\r\nbody`);
  assert.equal(hasEmptyLine, false);
});
