import assert from "node:assert/strict";
import { latin1 } from "../../../src/mail/octets.ts";
import { encryptMessage } from "../../helpers/encrypt.ts";
import { readRecipient } from "../../../src/smime/recipient.ts";
import { octets } from "../mail/octets.ts";
import { cms } from "./cms.ts";
import { makeRecipient } from "./recipient.ts";

const TRACE = ["Delivered-To: cat@example.com", "X-Encimap: 1; a=b"];
const TRACE_TEXT = TRACE.map((line) => `${line}\r\n`).join("");
const MIME_VERSION = "MIME-Version: 1.0\r\n";
const OURS =
  'Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"\r\n' +
  "Content-Transfer-Encoding: base64\r\n" +
  'Content-Disposition: attachment; filename="smime.p7m"\r\n' +
  "Content-Description: S/MIME Encrypted Message\r\n" +
  "\r\n";

/** What one message became. */
interface Opened {
  /** Header section between our trace fields and our own block. */
  readonly outer: string;
  /** The inner entity. */
  readonly inner: string;
  /** Whether our block began with MIME-Version. */
  readonly hasOurMimeVersion: boolean;
}

/** Encrypts a message, checks all that is ours, and takes it away. */
async function encryptAndOpen(message: string): Promise<Opened> {
  const recipient = await makeRecipient(1);
  const stored = await encryptMessage(
    octets(message),
    [readRecipient(recipient.certificate)],
    { traceFields: TRACE },
  );
  assert.equal(stored.encryptedBy, "appliance");
  const text = latin1(stored.octets);
  const headerEnd = text.indexOf("\r\n\r\n") + 4;
  const header = text.slice(0, headerEnd);
  const base64 = text.slice(headerEnd);
  assert.ok(header.startsWith(TRACE_TEXT));
  assert.ok(header.endsWith(OURS), header.slice(-1000));
  assert.match(base64, /^(?:[A-Za-z0-9+/]{76}\r\n)*[A-Za-z0-9+/=]{1,76}\r\n$/);
  // The most careless reader: every CR, LF and NUL ends a line, and whatever
  // has a colon is a field. Nothing but our own fields may be Content-*.
  const careless = header.slice(0, -4).split(/\r\n|[\r\n\0]/);
  assert.ok(!careless.includes(""));
  assert.equal(
    careless.filter((line) => /^content-/i.test(line)).length,
    4,
  );
  assert.ok(careless.every((line) => /^[ \t]|^[!-9;-~]+[ \t]*:/.test(line)));

  const outer = header.slice(TRACE_TEXT.length, -OURS.length);
  const originalHeader = message.split(/\r?\n\r?\n/, 1)[0]!;
  const hasOurMimeVersion =
    !/^mime-version[ \t]*:[^\r\n\0]*(?:\r?\n|$(?![^]))/im
      .test(originalHeader);
  if (hasOurMimeVersion) assert.ok(outer.endsWith(MIME_VERSION));
  return {
    outer: hasOurMimeVersion ? outer.slice(0, -MIME_VERSION.length) : outer,
    inner: latin1(
      await recipient.open(Uint8Array.fromBase64(base64.replace(/\s/g, ""))),
    ),
    hasOurMimeVersion,
  };
}

function sortedLines(text: string): string {
  return text.split("\r\n").toSorted().join("\r\n");
}

/** Message, outer header without our fields, inner entity. */
const EXACT: readonly (readonly [string, string, string, string])[] = [
  [
    "fields in order, Content-* inside",
    "From: a\r\nContent-Type: text/html;\r\n charset=x\r\nTo: b\r\n\tc\r\n" +
    "CONTENT-foo: 1\r\nfrom: d\r\n\r\nbody\r\n",
    "From: a\r\nTo: b\r\n\tc\r\nfrom: d\r\n",
    "Content-Type: text/html;\r\n charset=x\r\nCONTENT-foo: 1\r\n\r\nbody\r\n",
  ],
  ["LF as CRLF", "A: b\n c\n\nd\n\ne", "A: b\r\n c\r\n", "\r\nd\r\n\r\ne"],
  [
    "two Content-Type fields",
    "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\ne",
    "",
    "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\ne",
  ],
  [
    "a blank before the colon",
    "Content-Type : a/b\r\nA\t: b\r\n\r\nc",
    "A\t: b\r\n",
    "Content-Type : a/b\r\n\r\nc",
  ],
  [
    "a field with a bare CR",
    "A: b\rContent-Type: text/plain\r\nB: c\r\nContent-X: d\r\n\r\ne",
    "B: c\r\n",
    "A: b\rContent-Type: text/plain\r\nContent-X: d\r\n\r\ne",
  ],
  [
    "a field with an empty line of bare CRs",
    "A: b\r\rsecret\r\nB: c\r\n\r\ne",
    "B: c\r\n",
    "A: b\r\rsecret\r\n\r\ne",
  ],
  [
    "a field with a NUL",
    "A: \0b\r\nB: c\r\n\r\ne",
    "B: c\r\n",
    "A: \0b\r\n\r\ne",
  ],
  [
    "a line of CR CR LF",
    "A: b\r\n\r\r\nC: d\r\n\r\ne",
    "A: b\r\n",
    "\r\n\r\r\nC: d\r\n\r\ne",
  ],
  [
    "a line that is no field, which begins the body",
    "A: b\r\njunk\r\nContent-Type: c/d\r\n\r\ne",
    "A: b\r\n",
    "\r\njunk\r\nContent-Type: c/d\r\n\r\ne",
  ],
  [
    "a first line that is no field",
    "junk\r\nA: b\r\n\r\nc",
    "",
    "\r\njunk\r\nA: b\r\n\r\nc",
  ],
  ["a first line that is folded", " x\r\nA: b\r\n", "", "\r\n x\r\nA: b\r\n"],
  [
    "an mbox line",
    "From a@b Thu Jan  1\nA: b\n\nc",
    "X-Mailbox-Line: From a@b Thu Jan  1\r\nA: b\r\n",
    "\r\nc",
  ],
  [
    "an mbox line with a bare CR",
    "From a@b\rContent-Type: c/d\r\nA: b\r\n\r\nc",
    "A: b\r\n",
    "X-Mailbox-Line: From a@b\rContent-Type: c/d\r\n\r\nc",
  ],
  ["an empty message", "", "", "\r\n"],
  ["an empty line", "\r\n", "", "\r\n"],
  ["a body only", "\r\nbody", "", "\r\nbody"],
  ["a header only", "A: b\r\n", "A: b\r\n", "\r\n"],
  ["a header only without a line end", "A: b", "A: b\r\n", "\r\n"],
  [
    "a header that ends with Content-X",
    "Content-X: b",
    "",
    "Content-X: b\r\n\r\n",
  ],
  ["a body without a line end", "A: b\r\n\r\nc", "A: b\r\n", "\r\nc"],
  [
    "NUL, bare CR and 8-bit in the body",
    "A: \xe4\r\n\r\n\0\r\xff\x80\r\n",
    "A: \xe4\r\n",
    "\r\n\0\r\xff\x80\r\n",
  ],
  [
    "a continuation line of blanks",
    "A: b\r\n \t\r\nB: c\r\n\r\nd",
    "A: b\r\n \t\r\nB: c\r\n",
    "\r\nd",
  ],
  [
    "S/MIME fields of its own over text",
    "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx",
    "",
    "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx",
  ],
];
for (const [name, message, outer, inner] of EXACT) {
  Deno.test(`encryptMessage() keeps ${name}`, async () => {
    const opened = await encryptAndOpen(message);
    assert.deepEqual([opened.outer, opened.inner], [outer, inner]);
    assert.equal(opened.hasOurMimeVersion, true);
  });
}

for (
  const field of ["MIME-Version: 1.0", "mime-version :1.0 (x)", "Mime-Version:"]
) {
  Deno.test(`encryptMessage() adds no MIME-Version to ${field}`, async () => {
    const opened = await encryptAndOpen(`A: b\r\n${field}\r\nC: d\r\n\r\ne`);
    assert.equal(opened.outer, `A: b\r\n${field}\r\nC: d\r\n`);
    assert.equal(opened.hasOurMimeVersion, false);
  });
}

Deno.test("encryptMessage() adds a MIME-Version if the original's goes inside", async () => {
  const opened = await encryptAndOpen("MIME-Version: 1.0\rx\r\n\r\ne");
  assert.equal(opened.hasOurMimeVersion, true);
  assert.equal(opened.inner, "MIME-Version: 1.0\rx\r\n\r\ne");
});

const MIME = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
const RECEIVED = "Received: from a.example\r\n\tby b.example; date\r\n";

/** Messages with an empty line between header and body. */
const SHAPES: readonly (readonly [string, string])[] = [
  ...[0, 1, 13, 14, 15, 16, 17, 109, 110, 125, 126, 127, 128, 253, 254, 255]
    .concat(256, 65_517, 65_533, 65_534, 65_535, 65_536)
    .map((length) =>
      [
        `a body of ${length} octets`,
        `A: b\r\n\r\n${"x".repeat(length)}`,
      ] as const
    ),
  [
    "a text of many lines",
    `Subject: x\r\n${MIME}\r\n${"line\r\n".repeat(999)}`,
  ],
  ["1000 Received fields", `${RECEIVED.repeat(1000)}${MIME}\r\nbody\r\n`],
  ["10,000 header lines", `${"A: b\r\n".repeat(10_000)}${MIME}\r\nbody\r\n`],
  ["10,000 Content fields", `${"Content-A: b\r\n".repeat(10_000)}\r\nbody`],
  ["10,000 continuation lines", `A: b\r\n${" c\r\n".repeat(10_000)}\r\nd`],
  ["a header line of 1 MB", `A: ${"b".repeat(1_000_000)}\r\n${MIME}\r\nc\r\n`],
  ["a body line of 1 MB", `A: b\r\n\r\n${"c".repeat(1_000_000)}`],
  ["a body of empty lines", `A: b\r\n\r\n${"\r\n".repeat(1000)}`],
  ["a body of dots", "A: b\r\n\r\n.\r\n..\r\n.\r\n"],
  ["every octet", `A: b\r\n\r\n${String.fromCharCode(...Array(256).keys())}`],
  ["8-bit fields", `Subject: Gr\xfc\xdfe\r\nFrom: \xe4 <a@b>\r\n\r\n\xff\r\n`],
];
for (const [name, message] of SHAPES) {
  Deno.test(`encryptMessage() loses no line of ${name}`, async () => {
    const { outer, inner } = await encryptAndOpen(message);
    const wire = message.replace(/(?<!\r)\n/g, "\r\n");
    // No deepEqual(), which would print megabytes.
    assert.ok(sortedLines(outer + inner) === sortedLines(wire));
    const body = wire.slice(wire.indexOf("\r\n\r\n") + 4);
    assert.ok(inner === `\r\n${body}` || inner.endsWith(`\r\n\r\n${body}`));
  });

  Deno.test(`encryptMessage() gives the same for ${name} from pipe(8)`, async () => {
    const wire = message.replace(/(?<!\r)\n/g, "\r\n");
    const fromWire = await encryptAndOpen(wire);
    const fromPipe = await encryptAndOpen(wire.replaceAll("\r\n", "\n"));
    assert.equal(fromPipe.inner, fromWire.inner);
    assert.equal(fromPipe.outer, fromWire.outer);
  });
}

const P7M = "A: b\nContent-Type: application/pkcs7-mime\n" +
  `Content-Transfer-Encoding: base64\n\n${cms().toBase64()}\n`;

Deno.test("encryptMessage() keeps an encrypted message behind our trace fields", async () => {
  const stored = await encryptMessage(octets(P7M), [], { traceFields: TRACE });
  assert.equal(stored.encryptedBy, "sender");
  assert.equal(
    latin1(stored.octets),
    TRACE_TEXT + P7M.replaceAll("\n", "\r\n"),
  );
});

Deno.test("encryptMessage() keeps an encrypted message behind an mbox line", async () => {
  const stored = await encryptMessage(octets(`From a@b\n${P7M}`), [], {
    traceFields: [],
  });
  assert.equal(stored.encryptedBy, "sender");
  assert.equal(
    latin1(stored.octets),
    `X-Mailbox-Line: From a@b\r\n${P7M.replaceAll("\n", "\r\n")}`,
  );
});

for (
  const [contentCipher, smimeType] of [
    ["aes-128-cbc", "enveloped-data"],
    ["aes-256-cbc", "enveloped-data"],
    ["aes-256-gcm", "authEnveloped-data"],
  ] as const
) {
  for (const keyTransport of ["rsaes-pkcs1-v1_5", "rsaes-oaep"] as const) {
    Deno.test(`encryptMessage() with ${contentCipher} and ${keyTransport} says smime-type ${smimeType}, and is encrypted no second time`, async () => {
      const { certificate } = await makeRecipient(1);
      const options = { traceFields: [], contentCipher, keyTransport };
      // Long: a few octets of ciphertext may all be US-ASCII by chance.
      const message = octets(`Subject: x\r\n\r\n${"a".repeat(100)}`);
      const once = await encryptMessage(
        message,
        [readRecipient(certificate)],
        options,
      );
      assert.match(
        latin1(once.octets),
        new RegExp(`; smime-type=${smimeType};`),
      );
      const twice = await encryptMessage(once.octets, [
        readRecipient(certificate),
      ], options);
      assert.equal(twice.encryptedBy, "sender");
      assert.deepEqual(twice.octets, once.octets);
    });
  }
}

Deno.test("encryptMessage() is opened by each of two recipients", async () => {
  const recipients = [await makeRecipient(1), await makeRecipient(2)];
  const stored = await encryptMessage(
    octets("A: b\r\n\r\nc"),
    recipients.map(({ certificate }) => readRecipient(certificate)),
    { traceFields: [] },
  );
  const base64 = latin1(stored.octets).split("\r\n\r\n")[1]!;
  const contentInfo = Uint8Array.fromBase64(base64.replace(/\s/g, ""));
  for (const recipient of recipients) {
    assert.equal(latin1(await recipient.open(contentInfo)), "\r\nc");
  }
});

Deno.test("encryptMessage() throws if there is no certificate", async () => {
  await assert.rejects(
    encryptMessage(octets("A: b"), [], { traceFields: TRACE }),
    RangeError,
  );
});

for (
  const line of [
    "",
    "Delivered-To",
    ": x",
    " X: y",
    "A: b\r\nB: c",
    "A: b\n",
    "A: b\r",
    "A: b\0",
    "A b: c",
  ]
) {
  Deno.test(`encryptMessage() throws for the trace field ${JSON.stringify(line)}`, async () => {
    const { certificate } = await makeRecipient(1);
    await assert.rejects(
      encryptMessage(octets("A: b"), [readRecipient(certificate)], {
        traceFields: [line],
      }),
      RangeError,
    );
  });
}

Deno.test("encryptMessage() leaves the message that it was given as it was", async () => {
  const { certificate } = await makeRecipient(1);
  const message = octets("A: b\r\nContent-Type: c/d\r\n\r\ne");
  const before = message.slice();
  await encryptMessage(message, [readRecipient(certificate)], {
    traceFields: TRACE,
  });
  assert.deepEqual(message, before);
});
