import assert from "node:assert/strict";
import { concat } from "../../../src/mail/octets.ts";
import { der, objectIdentifier } from "../../../src/smime/der.ts";
import { octets } from "../mail/octets.ts";
import { cms } from "./cms.ts";
import {
  BASE64,
  base64,
  CONTROL,
  DATA,
  message,
  P7M,
  P7M_TYPE,
  parts,
  PGP,
  PGP_BODY,
  PGP_TYPE,
  TEXT,
} from "./messages.ts";
import type { Octets } from "./messages.ts";
import { armor, ENCRYPTED, oldPacket, packet, SEIPD } from "./openpgp.ts";
import { isEncrypted } from "../../helpers/recognize.ts";

const ENVELOPED = base64(cms());
const NO: readonly (readonly [string, Octets])[] = [
  ["nothing", octets("")],
  ["a header only", octets("A: b\r\n")],
  ["text", message([TEXT], "Hello\r\n")],
  ["base64 of junk", message(P7M, base64(octets("secret".repeat(99))))],
  ["text that claims to be base64", message(P7M, "Hello\r\n")],
  ["an empty body", message(P7M, "")],
  [
    "signed-data",
    message(
      P7M,
      base64(cms({ contentType: objectIdentifier("1.2.840.113549.1.7.2") })),
    ),
  ],
  ["no base64 field", message([P7M_TYPE], ENVELOPED)],
  ["7bit", message([P7M_TYPE, "Content-Transfer-Encoding: 7bit"], ENVELOPED)],
  [
    "an unknown encoding",
    message(
      [P7M_TYPE, "Content-Transfer-Encoding: x-base64"],
      ENVELOPED,
    ),
  ],
  ["two Content-Type fields", message([...P7M, TEXT], ENVELOPED)],
  ["two equal Content-Type fields", message([...P7M, P7M_TYPE], ENVELOPED)],
  ["two encodings", message([...P7M, BASE64], ENVELOPED)],
  [
    "a malformed Content-Type",
    message(
      ["Content-Type: application/pkcs7-mime name=a", BASE64],
      ENVELOPED,
    ),
  ],
  [
    "an octet-stream without a name",
    message(
      ["Content-Type: application/octet-stream", BASE64],
      ENVELOPED,
    ),
  ],
  [
    "an octet-stream with another name",
    message(
      ["Content-Type: application/octet-stream; name=smime.p7m.txt", BASE64],
      ENVELOPED,
    ),
  ],
  [
    "text/plain named smime.p7m",
    message(
      ["Content-Type: text/plain; name=smime.p7m", BASE64],
      ENVELOPED,
    ),
  ],
  [
    "a header with a bare CR",
    message(
      [...P7M, "X: a\rContent-Type: text/plain"],
      ENVELOPED,
    ),
  ],
  ["a header with a NUL", message([...P7M, "X: \0"], ENVELOPED)],
  [
    "a header with a line that is no field",
    message(
      ["junk", ...P7M],
      ENVELOPED,
    ),
  ],
  [
    "an mbox line in front",
    concat([octets("From x\r\n"), message(P7M, ENVELOPED)]),
  ],
  ["text before the base64", message(P7M, `Hello\r\n\r\n${ENVELOPED}`)],
  [
    "base64 text before the DER",
    message(
      P7M,
      base64(concat([octets("Hello"), cms()])),
    ),
  ],
  [
    "base64 text behind the DER",
    message(
      P7M,
      base64(concat([cms(), octets("Hello")])),
    ),
  ],
  [
    "EnvelopedData as one part of several",
    message(
      ['Content-Type: multipart/mixed; boundary="b1"'],
      parts(`${P7M.join("\r\n")}\r\n\r\n${ENVELOPED}`),
    ),
  ],
  [
    "EnvelopedData whose content is plainly text",
    message(
      P7M,
      base64(
        cms({ encryptedContent: [der(0x80, octets("secret\r\n".repeat(8)))] }),
      ),
    ),
  ],
  [
    "a Content field that holds a text",
    message(
      [...P7M, `Content-Description: ${"secret ".repeat(150)}`],
      ENVELOPED,
    ),
  ],
  [
    "a comment that holds a text",
    message(
      [`${P7M_TYPE} (${"secret ".repeat(150)})`, BASE64],
      ENVELOPED,
    ),
  ],
  [
    "many Content fields that hold a text",
    message(
      [
        ...P7M,
        ...Array.from({ length: 50 }, (_, i) => `Content-X${i}: secret secret`),
      ],
      ENVELOPED,
    ),
  ],
  [
    "a part with a Content field that holds a text",
    message(
      [PGP_TYPE],
      parts(
        CONTROL,
        `${DATA}Content-Description: ${"secret ".repeat(150)}\r\n\r\n${PGP}`,
      ),
    ),
  ],
  [
    "armor with a text in its headers",
    message(
      [TEXT],
      armor(ENCRYPTED, { headers: Array(5).fill("Comment: secret") }),
    ),
  ],
  [
    "armor with a long header",
    message(
      [TEXT],
      armor(ENCRYPTED, { headers: [`Comment: ${"secret ".repeat(20)}`] }),
    ),
  ],
  [
    "armor twice",
    message([TEXT], PGP + PGP),
  ],
  [
    "armor as the only part of a multipart/mixed",
    message(
      ['Content-Type: multipart/mixed; boundary="b1"'],
      parts(`${TEXT}\r\n\r\n${PGP}`),
    ),
  ],
  [
    "text between the parts' delimiter and their fields",
    message(
      [PGP_TYPE],
      parts(CONTROL, `Hello\r\n${DATA}\r\n${PGP}`),
    ),
  ],
  [
    "multipart/signed",
    message(
      [PGP_TYPE.replace("encrypted", "signed")],
      PGP_BODY,
    ),
  ],
  [
    "another protocol",
    message(
      [PGP_TYPE.replace("pgp-encrypted", "x")],
      PGP_BODY,
    ),
  ],
  [
    "no protocol",
    message(
      ['Content-Type: multipart/encrypted; boundary="b1"'],
      PGP_BODY,
    ),
  ],
  [
    "no boundary",
    message(
      ['Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"'],
      PGP_BODY,
    ),
  ],
  ["an encoding of the multipart", message([PGP_TYPE, BASE64], PGP_BODY)],
  ["a preamble", message([PGP_TYPE], `Hello\r\n${PGP_BODY}`)],
  [
    "a known preamble and more",
    message(
      [PGP_TYPE],
      `This is a multi-part message in MIME format.\r\nHello\r\n${PGP_BODY}`,
    ),
  ],
  ["an epilogue", message([PGP_TYPE], `${PGP_BODY}Hello`)],
  ["no closing delimiter", message([PGP_TYPE], PGP_BODY.replace("--b1--", ""))],
  ["one part", message([PGP_TYPE], parts(`${DATA}\r\n${PGP}`))],
  [
    "three parts",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${DATA}\r\n${PGP}`, `${TEXT}\r\n\r\nHello`),
    ),
  ],
  [
    "parts in the wrong order",
    message(
      [PGP_TYPE],
      parts(`${DATA}\r\n${PGP}`, CONTROL),
    ),
  ],
  [
    "a control part with text",
    message(
      [PGP_TYPE],
      parts(`${CONTROL}Hello\r\n`, `${DATA}\r\n${PGP}`),
    ),
  ],
  [
    "a control part without Version",
    message(
      [PGP_TYPE],
      parts(CONTROL.replace("Version: 1", ""), `${DATA}\r\n${PGP}`),
    ),
  ],
  [
    "a part with another field",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${DATA}X-Text: Hello\r\n\r\n${PGP}`),
    ),
  ],
  [
    "a part without an empty line",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${DATA}${PGP}`),
    ),
  ],
  [
    "data that is text/plain",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${TEXT}\r\n\r\n${PGP}`),
    ),
  ],
  [
    "data with text before the armor",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${DATA}\r\nHello\r\n${PGP}`),
    ),
  ],
  [
    "data that is text",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${DATA}\r\nHello\r\n`),
    ),
  ],
  ["data that is empty", message([PGP_TYPE], parts(CONTROL, `${DATA}\r\n`))],
  [
    "a literal packet in armor",
    message(
      [TEXT],
      armor(packet(11, octets("b\0\0\0\0\0Hello"))),
    ),
  ],
  [
    "a compressed packet in armor",
    message(
      [TEXT],
      armor(oldPacket(8, octets("\0Hello"))),
    ),
  ],
  ["armor without a session key", message([TEXT], armor(SEIPD))],
  ["text before the armor", message([TEXT], `Hello\r\n${PGP}`)],
  ["text behind the armor", message([TEXT], `${PGP}-- \r\nKim\r\n`)],
  ["quoted armor", message([TEXT], PGP.replace(/^/gm, "> "))],
  [
    "a cleartext signature",
    message(
      [TEXT],
      `-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nHello\r\n${
        armor(ENCRYPTED, { label: "SIGNATURE" })
      }`,
    ),
  ],
  ["armor in text/html", message(["Content-Type: text/html"], PGP)],
  ["armor without an empty line before it", octets(`A: b\r\n${PGP}`)],
];
for (const [name, octets] of NO) {
  Deno.test(`isEncrypted() is false for ${name}`, () => {
    assert.equal(isEncrypted(octets), false);
  });
}
