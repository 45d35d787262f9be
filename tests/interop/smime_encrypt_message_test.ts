import assert from "node:assert/strict";
import { encryptMessage } from "../helpers/encrypt.ts";
import { latin1 } from "../../src/mail/octets.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import { enveloped } from "../helpers/enveloped.ts";
import {
  isMissing,
  issue,
  openssl,
  run,
  temporaryDirectory,
} from "../helpers/openssl.ts";
import type { Issued, Octets } from "../helpers/openssl.ts";
import { ENGINES } from "./oracles/engines.ts";

const encoder = new TextEncoder();
const FIXTURES = new URL("../fixtures/mail/", import.meta.url);

/** Keys take long to make; nothing here changes a recipient. */
const issued = new Map<string, Promise<Issued>>();
function recipient(subject = "/CN=Cat/O=Käsekuchen"): Promise<Issued> {
  const found = issued.get(subject) ?? issue(subject);
  issued.set(subject, found);
  return found;
}

function content(length: number): Octets {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256);
}

/** Takes the ContentInfo out of a stored message, by its last empty line. */
function contentInfoOf(stored: Octets): Octets {
  const text = latin1(stored);
  const base64 = text.slice(text.lastIndexOf("\r\n\r\n"));
  return Uint8Array.fromBase64(base64.replace(/\s/g, ""));
}

// Sizes around the block border, and where DER needs another length octet.
const SIZES = [0, 1, 15, 16, 17, 100, 111, 112, 127, 128, 255, 256]
  .concat(65_519, 65_520, 65_535, 65_536, 1_000_000);

for (const size of SIZES) {
  Deno.test(`envelope() of ${size} octets is decrypted by OpenSSL`, async () => {
    const cat = await recipient();
    const contentInfo = await enveloped(content(size), [cat.der]);
    assert.deepEqual(await ENGINES[0]!.open(cat, contentInfo), content(size));
  });
}

for (const engine of ENGINES) {
  Deno.test({
    name:
      `envelope() to two certificates is decrypted by ${engine.name} with each, and with no other`,
    ignore: isMissing(...engine.needs),
    fn: async () => {
      const cat = await recipient();
      const dog = await recipient("/CN=Dog");
      // The same name, so that only the serial number differs.
      const other = await issue("/CN=Dog");
      const contentInfo = await enveloped(content(99), [cat.der, dog.der]);
      await using session = await engine.start();
      assert.deepEqual(await session.open(cat, contentInfo), content(99));
      assert.deepEqual(await session.open(dog, contentInfo), content(99));
      await assert.rejects(session.open(other, contentInfo));
    },
  });

  for (const name of ["multipart.eml", "eight_bit.eml"]) {
    Deno.test({
      name: `encryptMessage() of ${name} is decrypted by ${engine.name}`,
      ignore: isMissing(...engine.needs),
      fn: async () => {
        const cat = await recipient();
        const message = await Deno.readFile(new URL(name, FIXTURES));
        const stored = await encryptMessage(message, [readRecipient(cat.der)], {
          traceFields: [],
        });
        const inner = await engine.open(cat, contentInfoOf(stored.octets));
        assert.equal(latin1(inner), expectedInner(message));
      },
    });
  }
}

/** The inner entity, made in another way than the product makes it. */
function expectedInner(message: Octets): string {
  const wire = latin1(message).replace(/\r?\n/g, "\r\n");
  const end = wire.indexOf("\r\n\r\n");
  const mimeFields = wire.slice(0, end + 2)
    .match(/^content-.*\r\n(?:[ \t].*\r\n)*/gim);
  return `${(mimeFields ?? []).join("")}\r\n${wire.slice(end + 4)}`;
}

for (
  const newKey of [
    "rsa:3072",
    "rsa:4096",
    "rsa:2049",
    "rsa:2055",
    "rsa:2048 -pkeyopt rsa_keygen_pubexp:3",
    "rsa:2048 -pkeyopt rsa_keygen_pubexp:4294967291",
  ]
) {
  for (const keyTransport of ["rsaes-pkcs1-v1_5", "rsaes-oaep"] as const) {
    Deno.test(`envelope() with ${keyTransport} to a key of ${newKey} is decrypted by OpenSSL`, async () => {
      const cat = await issue("/CN=Cat", { newKey });
      for (let round = 0; round < 20; round++) {
        const contentInfo = await enveloped(content(99), [cat.der], {
          keyTransport,
        });
        assert.deepEqual(
          await ENGINES[0]!.open(cat, contentInfo),
          content(99),
        );
      }
    });
  }
}

for (const contentCipher of ["aes-256-cbc", "aes-256-gcm"] as const) {
  Deno.test(`envelope() with ${contentCipher} is DER for OpenSSL: it writes the same octets`, async () => {
    const cat = await recipient();
    const dog = await issue("/CN=Dog", {
      newKey: "ec -pkeyopt ec_paramgen_curve:P-384",
    });
    const certificates = [cat.der, dog.der];
    const contentInfo = await enveloped(content(5000), certificates, {
      contentCipher,
      keyTransport: "rsaes-oaep",
    });
    const again = await openssl({ "message.der": contentInfo }, [
      ...["cms", "-cmsout", "-inform", "DER", "-in", "message.der"],
      ...["-outform", "DER"],
    ]);
    assert.deepEqual(again, contentInfo);
  });
}

Deno.test("envelope() to a curve with GCM says version 0, ECDH, a tag of 16 octets and no attributes", async () => {
  const cat = await issue("/CN=Cat", {
    newKey: "ec -pkeyopt ec_paramgen_curve:P-256",
  });
  const contentInfo = await enveloped(content(9), [cat.der], {
    contentCipher: "aes-256-gcm",
  });
  const text = new TextDecoder().decode(
    await openssl({ "message.der": contentInfo }, [
      ...["cms", "-cmsout", "-print", "-noout", "-inform", "DER"],
      ...["-in", "message.der"],
    ]),
  );
  assert.match(text, /contentType: id-smime-ct-authEnvelopedData/);
  assert.match(text, /d\.authEnvelopedData:\s+version: 0\s/);
  assert.match(text, /d\.kari:\s+version: 3\s/);
  assert.match(text, /algorithm: dhSinglePass-stdDH-sha256kdf-scheme/);
  assert.match(text, /ukm:\s+<ABSENT>/);
  assert.match(text, /d\.issuerAndSerialNumber/);
  assert.match(text, /algorithm: aes-256-gcm/);
  assert.match(text, /INTEGER\s+:10\n/);
  assert.match(text, /authAttrs:\s+<ABSENT>/);
  assert.match(text, /unauthAttrs:\s+<ABSENT>/);
});

Deno.test("envelope() says version 0, AES-256-CBC, rsaEncryption and issuerAndSerialNumber", async () => {
  const cat = await recipient();
  const contentInfo = await enveloped(content(9), [cat.der]);
  const text = new TextDecoder().decode(
    await openssl({ "message.der": contentInfo }, [
      ...["cms", "-cmsout", "-print", "-noout", "-inform", "DER"],
      ...["-in", "message.der", "-nameopt", "utf8"],
    ]),
  );
  assert.match(text, /contentType: pkcs7-envelopedData/);
  assert.match(text, /d\.envelopedData:\s+version: 0\s/);
  assert.match(text, /d\.ktri:\s+version: 0\s/);
  assert.match(text, /d\.issuerAndSerialNumber/);
  assert.match(text, /algorithm: rsaEncryption \([\d.]+\)\s+parameter: NULL/);
  assert.match(text, /algorithm: aes-256-cbc/);
  assert.match(text, /originatorInfo: <ABSENT>/);
  assert.match(text, /unprotectedAttrs:\s+<ABSENT>/);
});

/** Messages whose outer header must not mislead a MIME reader. */
const MESSAGES: readonly (readonly [string, string])[] = [
  ["a plain text", "From: a@b\nSubject: x\n\nbody\n"],
  ["no header", "\nbody\n"],
  ["nothing", ""],
  ["a header only", "From: a@b\n"],
  ["two Content-Type fields", "Content-Type: a/b\nContent-Type: c/d\n\ne"],
  ["a bare CR in a field", "A: b\rContent-Type: text/plain\n\ne\n"],
  ["an empty line of bare CRs", "A: b\n\r\nC: d\n\ne\n"],
  ["a NUL in a field", "A: \0\nB: c\n\ne\n"],
  ["a line that is no field", "A: b\njunk\nB: c\n\ne\n"],
  ["a first line that is folded", " junk\nB: c\n\ne\n"],
  ["an mbox line", "From a@b Thu Jan  1 00:00:00 1970\nB: c\n\ne\n"],
  ["8-bit fields", "Subject: Grüße\nFrom: ä <a@b>\n\nüb\n"],
  ["a field of 1 MB", `A: ${"b".repeat(1_000_000)}\n\ne\n`],
  ["5000 fields", `${"Received: from a by b\n".repeat(5000)}\ne\n`],
];
for (const [name, message] of MESSAGES) {
  Deno.test({
    name:
      `encryptMessage() of ${name} is one S/MIME entity for Python, and its content for OpenSSL`,
    ignore: isMissing("python3"),
    fn: async () => {
      const cat = await recipient();
      const { octets } = await encryptMessage(
        encoder.encode(message),
        [readRecipient(cat.der)],
        { traceFields: ["Delivered-To: cat@example.com"] },
      );
      await using directory = await temporaryDirectory({
        "stored.eml": octets,
      });
      const contentInfo = await run("python3", ["-c", PYTHON_BODY], {
        cwd: directory.path,
      });
      assert.deepEqual(contentInfo, contentInfoOf(octets));
      const inner = await ENGINES[0]!.open(cat, contentInfo);
      const body = message.slice(message.lastIndexOf("\n\n") + 2);
      const wire = body.replaceAll("\n", "\r\n");
      if (message.includes("\n\n")) {
        assert.ok(new TextDecoder().decode(inner).endsWith(wire));
      }
    },
  });
}

/** Prints the decoded body if Python finds our fields, and no defect. */
const PYTHON_BODY = `
import email, email.policy, sys
message = email.message_from_binary_file(open("stored.eml", "rb"), policy=email.policy.SMTP)
assert not message.defects, message.defects
assert message.get_content_type() == "application/pkcs7-mime", message.get_content_type()
assert message.get_all("Delivered-To") == ["cat@example.com"]
for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-Description", "MIME-Version"):
    assert len(message.get_all(name)) == 1, name
assert message.get_filename() == "smime.p7m"
sys.stdout.buffer.write(message.get_payload(decode=True))
`;

for (const contentCipher of ["aes-256-cbc", "aes-256-gcm"] as const) {
  Deno.test(`encryptMessage() with ${contentCipher} is read by the S/MIME reader of OpenSSL as it is stored`, async () => {
    const cat = await recipient();
    const message = await Deno.readFile(new URL("multipart.eml", FIXTURES));
    const stored = await encryptMessage(message, [readRecipient(cat.der)], {
      traceFields: ["X-A: b"],
      contentCipher,
    });
    const inner = await openssl({
      "stored.eml": stored.octets,
      key: cat.key,
      certificate: cat.certificate,
    }, [
      ...["cms", "-decrypt", "-binary", "-inform", "SMIME"],
      ...["-in", "stored.eml", "-inkey", "key", "-recip", "certificate"],
    ]);
    assert.equal(latin1(inner), expectedInner(message));
  });
}

Deno.test("encryptMessage() encrypts 50 MB, which OpenSSL decrypts", async () => {
  const cat = await recipient();
  const message = new Uint8Array(50_000_000).fill(0x61);
  message.set(encoder.encode("From: a@b\r\n\r\n"));
  for (let i = 76; i < message.length - 2; i += 78) {
    message[i] = 0x0d;
    message[i + 1] = 0x0a;
  }
  const stored = await encryptMessage(message, [readRecipient(cat.der)], {
    traceFields: [],
  });
  const start = latin1(stored.octets.subarray(0, 1000)).indexOf("\r\n\r\n");
  const contentInfo = Uint8Array.fromBase64(
    new TextDecoder().decode(stored.octets.subarray(start)),
  );
  const inner = await ENGINES[0]!.open(cat, contentInfo);
  assert.ok(
    new Uint8Array(await crypto.subtle.digest("SHA-256", inner)).toHex() ===
      new Uint8Array(
        await crypto.subtle.digest("SHA-256", message.subarray(11)),
      ).toHex(),
  );
});
