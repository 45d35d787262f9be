import assert from "node:assert/strict";
import { concat } from "../../../src/mail/octets.ts";
import { octets } from "../mail/octets.ts";
import {
  armor,
  body,
  ENCRYPTED,
  oldPacket,
  packet,
  PKESK,
  SEIPD,
} from "./openpgp.ts";
import type { Octets } from "./openpgp.ts";
import { decodeArmor, isEncryptedOpenPgp } from "../../helpers/recognize.ts";

/** SEIPD in partial chunks of 512 octets and a last one of 3. */
const PARTIAL = concat([
  new Uint8Array([0xc0 | 18, 0xe9]),
  body(1, 512),
  new Uint8Array([0xe9]),
  body(7, 512),
  new Uint8Array([3, 1, 2, 3]),
]);
const SKESK = oldPacket(3, body(4, 13));

const MESSAGES: readonly (readonly [string, Octets])[] = [
  ["PKESK, SEIPD", ENCRYPTED],
  ["PKESK in the old format", concat([oldPacket(1, body(3, 268)), SEIPD])],
  ["SKESK, SEIPD", concat([SKESK, SEIPD])],
  ["several session keys", concat([PKESK, SKESK, PKESK, SEIPD])],
  [
    "versions 6, 6 and 2",
    concat([
      packet(1, body(6, 100)),
      packet(3, body(6, 100)),
      packet(18, body(2, 52)),
    ]),
  ],
  ["AEAD", concat([PKESK, packet(20, body(1, 60))])],
  ["partial lengths", concat([PKESK, PARTIAL])],
  [
    "a length of one octet",
    concat([
      PKESK,
      new Uint8Array([0xd2, 100]),
      body(1, 100),
    ]),
  ],
  [
    "a length of two octets",
    concat([
      PKESK,
      new Uint8Array([0xd2, 193, 8]),
      body(1, 456),
    ]),
  ],
];
for (const [name, message] of MESSAGES) {
  Deno.test(`isEncryptedOpenPgp() is true for ${name}`, () => {
    assert.equal(isEncryptedOpenPgp(message), true);
  });

  Deno.test(`isEncryptedOpenPgp() is false for ${name} if it is cut off anywhere`, () => {
    for (let length = 0; length < message.length; length++) {
      assert.equal(isEncryptedOpenPgp(message.slice(0, length)), false);
    }
  });
}

const OTHERS: readonly (readonly [string, Octets])[] = [
  ["nothing", octets("")],
  ["text", octets("Dear Kim, the password is 1234.\r\n")],
  ["no session key", SEIPD],
  ["no content", PKESK],
  ["content twice", concat([PKESK, SEIPD, SEIPD])],
  ["a session key behind", concat([PKESK, SEIPD, PKESK])],
  ["text behind", concat([ENCRYPTED, octets("text")])],
  ["a line end behind", concat([ENCRYPTED, octets("\r\n")])],
  ["a marker in front", concat([oldPacket(10, octets("PGP")), ENCRYPTED])],
  ["literal data", oldPacket(11, octets("b\0\0\0\0\0text"))],
  [
    "literal data behind a session key",
    concat([
      PKESK,
      oldPacket(11, octets("b\0\0\0\0\0text")),
    ]),
  ],
  ["compressed data", oldPacket(8, octets("\0\xcb\x0ab\0\0\0\0\0text"))],
  ["a signature", oldPacket(2, body(4, 80))],
  [
    "a one-pass signature and text",
    concat([
      oldPacket(4, body(3, 13)),
      oldPacket(11, octets("b\0\0\0\0\0text")),
      oldPacket(2, body(4, 80)),
    ]),
  ],
  [
    "content without integrity protection",
    concat([
      PKESK,
      oldPacket(9, body(1, 100)),
    ]),
  ],
  [
    "a session key of an unknown version",
    concat([
      packet(1, body(9, 268)),
      SEIPD,
    ]),
  ],
  ["content of an unknown version", concat([PKESK, packet(18, body(9, 100))])],
  ["content that is too short", concat([PKESK, packet(18, body(1, 20))])],
  [
    "content that is plainly text",
    concat([
      PKESK,
      packet(18, octets(`\x01${"The password is 1234".repeat(3)}`)),
    ]),
  ],
  [
    "content that is plainly text, in partial chunks",
    concat([
      PKESK,
      new Uint8Array([0xc0 | 18, 0xe9]),
      octets(`\x01${"a".repeat(511)}`),
      new Uint8Array([3]),
      octets("bcd"),
    ]),
  ],
  [
    "a session key that is too short for one",
    concat([packet(1, body(3, 34)), SEIPD]),
  ],
  ["an empty session key", concat([packet(1, octets("")), SEIPD])],
  [
    "an indeterminate length",
    concat([
      PKESK,
      new Uint8Array([0x80 | 11 << 2 | 3]),
      octets("text"),
    ]),
  ],
  [
    "a session key in partial chunks",
    concat([
      new Uint8Array([0xc1, 0xe9]),
      body(3, 512),
      new Uint8Array([1, 1]),
      SEIPD,
    ]),
  ],
  [
    "a first partial chunk that is short",
    concat([
      PKESK,
      new Uint8Array([0xd2, 0xe5]),
      body(1, 32),
      new Uint8Array([100]),
      body(1, 100),
    ]),
  ],
];
for (const [name, message] of OTHERS) {
  Deno.test(`isEncryptedOpenPgp() is false for ${name}`, () => {
    assert.equal(isEncryptedOpenPgp(message), false);
  });
}

// RFC 9580 §6.1: "123456789" is the usual check of a CRC; CRC-24 of it is
// 21CF02, in base64 Ic8C.
const CHECKED = octets("123456789");

const ARMORS: readonly (readonly [string, string])[] = [
  ["no checksum", armor(CHECKED)],
  ["a checksum", armor(CHECKED, { checksum: "=Ic8C" })],
  [
    "armor headers",
    armor(CHECKED, {
      headers: ["Version: GnuPG v2", "Comment: https://gnupg.org", "Charset:"],
    }),
  ],
  ["white space around", `\r\n\t ${armor(CHECKED)}\r\n \r\n`],
  ["blanks behind its lines", armor(CHECKED).replaceAll("\r\n", " \t\r\n")],
  ["LF", armor(CHECKED).replaceAll("\r\n", "\n")],
  ["no line end at the end", armor(CHECKED).trimEnd()],
];
for (const [name, text] of ARMORS) {
  Deno.test(`decodeArmor() reads armor with ${name}`, () => {
    assert.deepEqual(decodeArmor(octets(text)), CHECKED);
  });
}

const GOOD = armor(CHECKED);
const BAD_ARMORS: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["only its first line", "-----BEGIN PGP MESSAGE-----"],
  [
    "only its two lines",
    "-----BEGIN PGP MESSAGE-----\n-----END PGP MESSAGE-----",
  ],
  ["text in front", `text\r\n${GOOD}`],
  ["text behind", `${GOOD}text\r\n`],
  ["text behind its first line", GOOD.replace("-----\r", "----- text\r")],
  [
    "text far behind its first line",
    GOOD.replace("-----\r", `-----${" ".repeat(300)}text\r`),
  ],
  ["text behind its last line", `${GOOD.trimEnd()} text`],
  ["text in its data", GOOD.replace("MTIz", "a text!\r\nMTIz")],
  ["no last line", GOOD.split("-----END")[0]!],
  ["no empty line", GOOD.replace("\r\n\r\n", "\r\n")],
  ["two armors", GOOD + GOOD],
  ["a wrong checksum", armor(CHECKED, { checksum: "=Ic8D" })],
  ["a short checksum", armor(CHECKED, { checksum: "=Ic8" })],
  ["an unknown header", armor(CHECKED, { headers: ["Text: secret"] })],
  ["a header that is none", armor(CHECKED, { headers: ["secret"] })],
  [
    "a long header",
    armor(CHECKED, {
      headers: [`Comment: ${"secret ".repeat(30)}`],
    }),
  ],
  [
    "text far behind a header",
    armor(CHECKED, {
      headers: [`Comment:${" ".repeat(300)}secret`],
    }),
  ],
  ["many headers", armor(CHECKED, { headers: Array(5).fill("Comment: a") })],
  ["a signature's label", armor(CHECKED, { label: "SIGNATURE" })],
  ["a part's label", armor(CHECKED, { label: "MESSAGE, PART 1/2" })],
  ["an indented first line", GOOD.replace("-----BEGIN", "> -----BEGIN")],
];
for (const [name, text] of BAD_ARMORS) {
  Deno.test(`decodeArmor() refuses ${name}`, () => {
    assert.equal(decodeArmor(octets(text)), undefined);
  });
}
