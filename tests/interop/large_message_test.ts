import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { MEMORY_OCTETS } from "../../src/mail/message.ts";
import { concat, latin1 } from "../../src/mail/octets.ts";
import {
  encryptMessage,
  type EncryptOptions,
} from "../../src/smime/encrypt_message.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import { receive } from "../../src/vaultbox/receive.ts";
import {
  issue,
  type Issued,
  type Octets,
  openssl,
  temporaryDirectory,
} from "../helpers/openssl.ts";
import { octets } from "../unit/mail/octets.ts";

// Behind the head, and not a number of whole pieces or lines.
const SIZE = MEMORY_OCTETS + 3_000_001;

/** Lines that are all different, so that none can be lost or moved. */
function lines(length: number): string {
  let text = "";
  for (let i = 0; text.length < length; i++) text += `line ${i} äöü\r\n`;
  return text.slice(0, length);
}

/** A message in chunks, through a spool, and out again as it is stored. */
async function storedOf(
  cat: Issued,
  message: Octets,
  options: Partial<EncryptOptions> = {},
): Promise<{ stored: Octets; encryptedBy: string }> {
  await using directory = await temporaryDirectory({});
  const config = { maildirBasePath: directory.path };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < message.length; at += 65_519) {
      yield await Promise.resolve(message.slice(at, at + 65_519));
    }
  }
  await using received = await receive(
    { config } as Parameters<typeof receive>[0],
    chunks(),
    { maxOctets: 50_000_000 },
  );
  assert.ok(received.octets > received.head.length);
  const made = await encryptMessage(received, [readRecipient(cat.der)], {
    traceFields: ["Delivered-To: cat@example.com"],
    ...options,
  });
  const parts: Octets[] = [];
  for await (const chunk of made.chunks) parts.push(chunk.slice());
  const stored = concat(parts);
  assert.equal(stored.length, made.octets);
  return { stored, encryptedBy: made.encryptedBy };
}

function open(cat: Issued, stored: Octets): Promise<Octets> {
  return openssl(
    { stored, key: cat.key, certificate: cat.certificate },
    [
      ...["cms", "-decrypt", "-binary", "-inform", "SMIME", "-in", "stored"],
      ...["-inkey", "key", "-recip", "certificate"],
    ],
  );
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

const HEADER = "From: a@b.example\r\nSubject: x\r\n";

for (const contentCipher of ["aes-256-cbc", "aes-256-gcm"] as const) {
  Deno.test(`a message larger than memory with ${contentCipher} is decrypted by OpenSSL, by CRLF and by LF`, async () => {
    const cat = await issue("/CN=Cat");
    const body = lines(SIZE);
    for (const lineEnd of ["\r\n", "\n"]) {
      const message = octets(
        `${HEADER}\r\n${body}`.replaceAll("\r\n", lineEnd),
      );
      const { stored, encryptedBy } = await storedOf(cat, message, {
        contentCipher,
      });
      assert.equal(encryptedBy, "appliance");
      assert.ok(same(await open(cat, stored), octets(`\r\n${body}`)));
    }
  });
}

Deno.test("a message larger than memory that its sender has encrypted is kept octet by octet, and encrypted if a text follows", async () => {
  const cat = await issue("/CN=Cat");
  const once = await storedOf(cat, octets(`${HEADER}\r\n${lines(SIZE)}`));
  const twice = await storedOf(cat, once.stored);
  assert.equal(twice.encryptedBy, "sender");
  assert.ok(
    same(
      twice.stored,
      concat([octets("Delivered-To: cat@example.com\r\n"), once.stored]),
    ),
  );
  const forged = concat([once.stored, octets("readable\r\n")]);
  const third = await storedOf(cat, forged);
  assert.equal(third.encryptedBy, "appliance");
  assert.equal(latin1(third.stored).includes("readable"), false);
});

Deno.test("a message larger than memory whose text comes first hides its subject there, and its body can be made again", async () => {
  const cat = await issue("/CN=Cat");
  const message = octets([
    "From: a@b.example",
    "Subject: very private",
    "MIME-Version: 1.0",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "Hello",
    "--b",
    "Content-Type: application/octet-stream",
    "Content-Transfer-Encoding: 8bit",
    "",
    `${lines(SIZE)}\r\n--b--`,
    "",
  ].join("\r\n"));
  const { stored } = await storedOf(cat, message, { headerProtection: "hide" });
  assert.match(latin1(stored.subarray(0, 1000)), /Subject: \[\.\.\.\]/);
  const inner = await open(cat, stored);
  assert.match(
    latin1(inner.subarray(0, 2000)),
    /\r\n\r\nSubject: very private\r\n\r\nHello/,
  );
  // docs/header-protection.md: offsets in the body as it is inside.
  const innerHead = latin1(inner.subarray(0, 2000));
  const listed = /^Encimap-Inserted: (.*)\r\n/m.exec(innerHead)![1]!;
  let body = inner.subarray(innerHead.indexOf("\r\n\r\n") + 4);
  for (const each of listed.split(" ").toReversed()) {
    const [at, length] = each.split("+").map(Number);
    body = concat([body.subarray(0, at), body.subarray(at! + length!)]);
  }
  const original = latin1(message.subarray(0, 1000)).indexOf("\r\n\r\n") + 4;
  assert.ok(same(body, message.subarray(original)));
});

Deno.test("a header section of more than 1 MiB is cut at a field; what follows goes inside, and nothing is lost", async () => {
  const cat = await issue("/CN=Cat");
  const field = `X-Field: ${"a".repeat(90)}\r\n`;
  const message = octets(`${HEADER}${field.repeat(30_000)}\r\nbody\r\n`);
  const { stored } = await storedOf(cat, message);
  const inner = await open(cat, stored);
  const start = latin1(inner.subarray(0, 12));
  assert.equal(start, "\r\nX-Field: a");
  const outside = latin1(stored.subarray(0, stored.length - inner.length))
    .split(field).length - 1;
  const inside = latin1(inner).split(field).length - 1;
  assert.equal(outside + inside, 30_000);
  assert.ok(outside * field.length < 1_048_576);
  assert.ok(latin1(inner).endsWith("\r\n\r\nbody\r\n"));
});
