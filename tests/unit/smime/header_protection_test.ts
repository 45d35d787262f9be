import assert from "node:assert/strict";
import { cpuTime } from "../../helpers/cpu_time.ts";
import type { HeaderProtection } from "../../../src/encryption_policy.ts";
import { fields, splitEntity } from "../../../src/mail/header.ts";
import { concat, latin1 } from "../../../src/mail/octets.ts";
import { divideMessage } from "../../../src/smime/header_protection.ts";
import { octets } from "../mail/octets.ts";

const FROM = "From: kim@example.org\r\n";
const SUBJECT = "Subject: secret\r\n";
const TEXT = "Content-Type: text/plain\r\n\r\nHello\r\n";

/** Divides a message and gives both halves as text. */
function divide(message: string, wanted: HeaderProtection) {
  const { header, body } = splitEntity(octets(message));
  const halves = divideMessage([...fields(header)], body, wanted);
  return {
    outer: latin1(concat(halves.outer)),
    inner: latin1(concat(halves.inner)),
    headerProtection: halves.headerProtection,
  };
}

Deno.test("divideMessage() with off puts nothing but content inside", () => {
  assert.deepEqual(divide(FROM + SUBJECT + TEXT, "off"), {
    outer: FROM + SUBJECT,
    inner: TEXT,
    headerProtection: "off",
  });
});

Deno.test("divideMessage() with protect leaves the outside alone and puts copies inside", () => {
  assert.deepEqual(divide(`X-A: b\r\n${FROM}${SUBJECT}${TEXT}`, "protect"), {
    outer: `X-A: b\r\n${FROM}${SUBJECT}`,
    inner: `${FROM}${SUBJECT}HP-Outer: ${FROM}HP-Outer: ${SUBJECT}` +
      'Content-Type: text/plain;\r\n hp="cipher"\r\n\r\nHello\r\n',
    headerProtection: "protect",
  });
});

Deno.test("divideMessage() with hide shows [...] once, and neither Comments nor Keywords", () => {
  const header =
    `Comments: a\r\n${FROM}subject : one\r\n\ttwo\r\n${SUBJECT}Keywords: b\r\n`;
  assert.deepEqual(divide(header + TEXT, "hide"), {
    outer: `${FROM}Subject: [...]\r\n`,
    inner:
      `${header}HP-Outer: ${FROM}HP-Outer: Subject: [...]\r\nEncimap-Inserted: 0+20\r\n` +
      'Content-Type: text/plain;\r\n hp="cipher"; protected-headers="v1"; hp-legacy-display="1"\r\n\r\n' +
      "Subject: one two\r\n\r\nHello\r\n",
    headerProtection: "hide",
  });
});

for (
  const name of ["Thread-Topic", "Resent-Subject", "X-Original-Subject"]
) {
  Deno.test(`divideMessage() with hide leaves no ${name} outside, which has the subject again`, () => {
    const again = `${name}: secret\r\n`;
    const { outer, inner } = divide(FROM + SUBJECT + again + TEXT, "hide");
    assert.equal(outer, `${FROM}Subject: [...]\r\n`);
    assert.ok(inner.startsWith(FROM + SUBJECT + again));
    assert.ok(!inner.includes(`HP-Outer: ${name}`));
  });
}

Deno.test("divideMessage() with hide leaves no signature outside that has the subject again", () => {
  const plain = "DKIM-Signature: v=1; d=a; bh=z=; b=c\r\n";
  const copies =
    "DKIM-Signature: v=1; d=b;\r\n\tz=From:a|Subject:secret; b=c\r\n";
  const arc = "ARC-Message-Signature: i=1; Z = Subject:secret; b=c\r\n";
  const both = divide(plain + copies + arc + FROM + SUBJECT + TEXT, "hide");
  assert.equal(both.outer, `${FROM}Subject: [...]\r\n`);
  assert.ok(both.inner.startsWith(plain + copies + arc + FROM + SUBJECT));
  const { outer } = divide(plain + FROM + SUBJECT + TEXT, "hide");
  assert.equal(outer, `${plain}${FROM}Subject: [...]\r\n`);
  const { outer: kept } = divide(copies + FROM + SUBJECT + TEXT, "protect");
  assert.equal(kept, copies + FROM + SUBJECT);
});

Deno.test("divideMessage() keeps what makes a thread outside", () => {
  const thread =
    "Message-ID: <2@a>\r\nIn-Reply-To: <1@a>\r\nReferences: <0@a>\r\n <1@a>\r\n";
  assert.equal(divide(FROM + thread + TEXT, "hide").outer, FROM + thread);
});

Deno.test("divideMessage() copies no trace field and no signature", () => {
  const trace = "Return-Path: <a@b>\r\nReceived: c\r\nDKIM-Signature: d\r\n" +
    "ARC-Seal: e\r\nAuthentication-Results: f; spf=pass\r\nResent-From: a@b\r\n" +
    "List-Id: <g>\r\nHP-Outer: Subject: h\r\nX-I: j\r\n";
  const { outer, inner } = divide(trace + FROM + TEXT, "protect");
  assert.equal(outer, trace + FROM);
  assert.ok(inner.startsWith(`${FROM}HP-Outer: ${FROM}Content-Type`));
});

for (
  const [given, expected] of [
    ['text/plain; hp="clear"', 'text/plain; x-hp="clear";\r\n hp="cipher"'],
    [
      "text/plain;\r\n\tHP*0*=a; x-hp=b",
      'text/plain;\r\n\tx-HP*0*=a; x-x-hp=b;\r\n hp="cipher"',
    ],
    ["text/plain;", 'text/plain;\r\n\thp="cipher"'],
    ["a/b; hps=c; boundary=hp", 'a/b; hps=c; boundary=hp;\r\n hp="cipher"'],
  ] as const
) {
  Deno.test(`divideMessage() marks the Content-Type ${JSON.stringify(given)}`, () => {
    const { inner } = divide(
      `${FROM}Content-Type: ${given}\r\n\r\n`,
      "protect",
    );
    assert.ok(inner.includes(`\r\nContent-Type: ${expected}\r\n`), inner);
  });
}

for (
  const type of [
    "multipart/signed; boundary=a",
    "multipart/encrypted; boundary=a",
    "application/x-pkcs7-mime; smime-type=signed-data",
  ]
) {
  Deno.test(`divideMessage() of ${type} protects nothing, but hides what is to be hidden`, () => {
    const message = `${FROM}${SUBJECT}Content-Type: ${type}\r\n\r\nbody`;
    assert.deepEqual(divide(message, "protect"), divide(message, "off"));
    const { outer, inner, headerProtection } = divide(message, "hide");
    assert.equal(outer, `${FROM}Subject: [...]\r\n`);
    assert.ok(inner.startsWith(FROM + SUBJECT));
    assert.ok(inner.endsWith("\r\n\r\nbody"));
    assert.equal(headerProtection, "hide");
  });
}

Deno.test("divideMessage() copies no more than 64 KiB", () => {
  const many = "To: a@example.com\r\n".repeat(4000);
  const message = many + SUBJECT + TEXT;
  assert.deepEqual(divide(message, "protect"), divide(message, "off"));
  const { outer, inner } = divide(message, "hide");
  assert.equal(outer, `${many}Subject: [...]\r\n`);
  assert.ok(inner.startsWith(`${SUBJECT}HP-Outer: Subject: [...]\r\n`));
});

for (
  const [name, hostile] of [
    ["x-", `Content-Type: a/b; ${"x-".repeat(300_000)}\r\n`],
    ["; hp", `Content-Type: a/b${"; hp".repeat(200_000)}\r\n`],
    ["white space", `Content-Type: a/b;${" \t".repeat(300_000)}\r\n`],
    ["=?", `Subject: ${"=?a?b?".repeat(100_000)}\r\n`],
    ["parameters", `Content-Type: a/b${";\r\n hp=1".repeat(100_000)}\r\n`],
    ["<body", `Content-Type: text/html\r\n\r\n${"<body ".repeat(200_000)}`],
  ] as const
) {
  Deno.test(`divideMessage() takes no long time for many ${name}`, () => {
    const ms = cpuTime(() => {
      divide(`${FROM}Subject: a\r\n${hostile}\r\n`, "hide");
    });
    assert.ok(ms < 2000, `${ms} ms`);
  });
}
