import assert from "node:assert/strict";
import { encryptMessage } from "../helpers/encrypt.ts";
import { readCertificate } from "../../src/smime/recipient_certificate.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import { isMissing, openssl } from "../helpers/openssl.ts";
import type { Octets } from "../helpers/openssl.ts";
import { contentInfoOf } from "../helpers/rebuild.ts";
import { isEncrypted, isEnveloped } from "../helpers/recognize.ts";

/** Of Debian's doc-rfc-informational, which tests/run fetches. */
const RFCS = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`
}/encimap-tests/rfc`;
const RFC_4134 = `${RFCS}/rfc4134.txt`;
const RFC_9216 = `${RFCS}/rfc9216.txt`;

/** Finds the file of RFC 4134 section 6: lines of base64 between two marks. */
async function rfc4134(name: string): Promise<Octets> {
  const text = await Deno.readTextFile(RFC_4134);
  const [, rest = ""] = text.split(`|>${name}\n`);
  const [block = ""] = rest.split(`|<${name}`);
  const lines = block.split("\n").filter((line) => line.startsWith("|"));
  assert.ok(lines.length > 0, name);
  return Uint8Array.fromBase64(lines.map((line) => line.slice(1)).join(""));
}

/** Finds the PEM under a heading of RFC 9216, in base64. */
async function rfc9216(heading: string): Promise<string> {
  const text = await Deno.readTextFile(RFC_9216);
  const start = text.search(new RegExp(`^\\d\\.\\d\\.\\s+${heading}$`, "m"));
  const [block] = /-----BEGIN [^]*?-----END .*-----/.exec(text.slice(start)) ??
    [];
  assert.ok(start >= 0 && block !== undefined, heading);
  return `${block.replace(/^ +/gm, "")}\n`;
}

function derOf(pem: string): Octets {
  return Uint8Array.fromBase64(pem.replace(/-----.*-----/g, ""));
}

for (const name of ["Alice", "Bob"]) {
  const email = `${name.toLowerCase()}@smime.example`;

  Deno.test({
    name: `readCertificate() reads RFC 9216's ${name} as OpenSSL does`,
    ignore: isMissing(RFC_9216),
    fn: async () => {
      for (
        const [kind, allowsEncryption] of [
          ["Encryption", true],
          ["Signature Verification", false],
        ] as const
      ) {
        const pem = await rfc9216(`${name}'s ${kind} End-Entity Certificate`);
        const facts = readCertificate(derOf(pem));
        assert.deepEqual(facts.emails, [email]);
        assert.equal(facts.keyType, "RSA");
        assert.equal(facts.bits, 2048);
        assert.equal(facts.allowsEncryption, allowsEncryption);
        const text = new TextDecoder().decode(
          await openssl({ pem }, [
            ...["x509", "-in", "pem", "-noout", "-serial", "-dates"],
            ...["-dateopt", "iso_8601"],
          ]),
        );
        const time = (date: Date) =>
          date.toISOString().replace(/T|\.000/g, " ")
            .replace(" Z", "Z");
        assert.equal(
          text,
          `serial=${facts.serial.toUpperCase()}\n` +
            `notBefore=${time(facts.notBefore)}\n` +
            `notAfter=${time(facts.notAfter)}\n`,
        );
      }
    },
  });

  Deno.test({
    name: `encryptMessage() is opened by RFC 9216's key of ${name}`,
    ignore: isMissing(RFC_9216),
    fn: async () => {
      const certificate = await rfc9216(
        `${name}'s Encryption End-Entity Certificate`,
      );
      const { octets } = await encryptMessage(
        new TextEncoder().encode("Subject: x\r\n\r\nHello\r\n"),
        [readRecipient(derOf(certificate))],
        { traceFields: [] },
      );
      const inner = await openssl({
        certificate,
        key: await rfc9216(`${name}'s Decryption Private Key Material`),
        message: contentInfoOf(octets),
      }, [
        ...["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "message"],
        ...["-inkey", "key", "-recip", "certificate"],
      ]);
      assert.equal(new TextDecoder().decode(inner), "\r\nHello\r\n");
    },
  });
}

for (const name of ["Carlos", "Dana"]) {
  Deno.test({
    name:
      `readCertificate() refuses RFC 9216's ${name}, whose key is of X25519`,
    ignore: isMissing(RFC_9216),
    fn: async () => {
      const pem = await rfc9216(`${name}'s Encryption End-Entity Certificate`);
      assert.throws(() => readCertificate(derOf(pem)), RangeError);
    },
  });
}

for (const name of ["5.1.bin", "5.2.bin"]) {
  Deno.test({
    name: `isEnveloped() is true for RFC 4134's ${name}`,
    ignore: isMissing(RFC_4134),
    fn: async () => {
      assert.equal(isEnveloped(await rfc4134(name)), true);
    },
  });
}

const NOT_ENVELOPED = [
  ...["3.1.bin", "3.2.bin", "4.1.bin", "4.2.bin", "4.3.bin", "4.4.bin"],
  ...["4.5.bin", "4.6.bin", "4.7.bin", "4.10.bin", "4.11.bin"],
  ...["6.0.bin", "7.1.bin", "7.2.bin"],
];
Deno.test({
  name:
    "isEnveloped() is false for RFC 4134's signed, digested and keyless encrypted data",
  ignore: isMissing(RFC_4134),
  fn: async () => {
    for (const name of NOT_ENVELOPED) {
      assert.equal(isEnveloped(await rfc4134(name)), false, name);
    }
  },
});

Deno.test({
  name: "isEncrypted() is true for RFC 4134's 5.3.eml, false for 4.8 and 4.9",
  ignore: isMissing(RFC_4134),
  fn: async () => {
    assert.equal(isEncrypted(await rfc4134("5.3.eml")), true);
    assert.equal(isEncrypted(await rfc4134("4.8.eml")), false);
    assert.equal(isEncrypted(await rfc4134("4.9.eml")), false);
  },
});

Deno.test({
  name: "readCertificate() refuses RFC 4134's keys of 1024 bits and of DSA",
  ignore: isMissing(RFC_4134),
  fn: async () => {
    for (
      const name of [
        "BobRSASignByCarl.cer",
        "AliceRSASignByCarl.cer",
        "AliceDSSSignByCarlNoInherit.cer",
      ]
    ) {
      const octets = await rfc4134(name);
      assert.throws(() => readCertificate(octets), RangeError, name);
    }
  },
});
