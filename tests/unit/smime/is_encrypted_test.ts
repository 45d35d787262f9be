import assert from "node:assert/strict";
import { cpuTime } from "../../helpers/cpu_time.ts";
import { concat, latin1 } from "../../../src/mail/octets.ts";
import { octets } from "../mail/octets.ts";
import { authCms, cms, indefinite } from "./cms.ts";
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
import { ENCRYPTED } from "./openpgp.ts";
import { isEncrypted } from "../../helpers/recognize.ts";

const YES: readonly (readonly [string, Octets])[] = [
  ["base64 EnvelopedData", message(P7M, base64(cms()))],
  ["base64 AuthEnvelopedData", message(P7M, base64(authCms()))],
  ["base64 BER", message(P7M, base64(cms({ write: indefinite })))],
  ["base64 in one line", message(P7M, cms().toBase64())],
  [
    "binary DER",
    message(
      [P7M_TYPE, "Content-Transfer-Encoding: binary"],
      latin1(cms()),
    ),
  ],
  [
    "8bit DER with a line end",
    message(
      [P7M_TYPE, "Content-Transfer-Encoding: 8bit"],
      `${latin1(cms())}\r\n`,
    ),
  ],
  [
    "x-pkcs7-mime",
    message(
      ["Content-Type: APPLICATION/X-PKCS7-MIME", BASE64],
      base64(cms()),
    ),
  ],
  [
    "a wrong smime-type",
    message(
      [P7M_TYPE.replace("enveloped-data", "signed-data"), BASE64],
      base64(cms()),
    ),
  ],
  [
    "octet-stream named by Content-Type",
    message(
      ["Content-Type: application/octet-stream; name=SMIME.P7M", BASE64],
      base64(cms()),
    ),
  ],
  [
    "octet-stream named by Content-Disposition",
    message(
      [
        "Content-Type: application/octet-stream",
        BASE64,
        'Content-Disposition: attachment;\r\n\tfilename="smime.p7m"',
      ],
      base64(cms()),
    ),
  ],
  [
    "LF line ends",
    octets(
      latin1(message(P7M, base64(cms()))).replaceAll("\r\n", "\n"),
    ),
  ],
  ["no MIME-Version", octets(`${P7M.join("\r\n")}\r\n\r\n${base64(cms())}`)],
  ["PGP/MIME", message([PGP_TYPE], PGP_BODY)],
  [
    "PGP/MIME with LF",
    octets(
      latin1(message([PGP_TYPE], PGP_BODY)).replaceAll("\r\n", "\n"),
    ),
  ],
  [
    "PGP/MIME with Thunderbird's preamble",
    message(
      [PGP_TYPE],
      `This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\r\n${PGP_BODY}\r\n`,
    ),
  ],
  [
    "PGP/MIME in base64",
    message(
      [PGP_TYPE],
      parts(CONTROL, `${DATA}${BASE64}\r\n\r\n${base64(ENCRYPTED)}`),
    ),
  ],
  [
    "PGP/MIME in binary",
    message(
      [PGP_TYPE],
      parts(
        CONTROL,
        `${DATA}Content-Transfer-Encoding: binary\r\n\r\n${latin1(ENCRYPTED)}`,
      ),
    ),
  ],
  ["inline PGP", message([TEXT], PGP)],
  ["inline PGP without Content-Type", message([], `\r\n${PGP}\r\n\r\n`)],
  ["inline PGP without a header", octets(`\r\n${PGP}`)],
  [
    "inline PGP in quoted-printable",
    message(
      [TEXT, "Content-Transfer-Encoding: quoted-printable"],
      PGP.replaceAll("=", "=3D"),
    ),
  ],
  ["inline PGP in base64", message([TEXT, BASE64], base64(octets(PGP)))],
];
for (const [name, octets] of YES) {
  Deno.test(`isEncrypted() is true for ${name}`, () => {
    assert.equal(isEncrypted(octets), true);
  });

  Deno.test(`isEncrypted() is false for ${name} with text behind`, () => {
    const text = new TextEncoder().encode("\r\nunsubscribe here\r\n");
    assert.equal(isEncrypted(concat([octets, text])), false);
  });

  Deno.test(`isEncrypted() is false for ${name} with half of it cut off`, () => {
    assert.equal(isEncrypted(octets.slice(0, -octets.length / 2)), false);
  });

  Deno.test(`isEncrypted() never throws on ${name} with one octet changed`, () => {
    const copy = octets.slice();
    for (let i = 0; i < copy.length; i++) {
      for (const flip of [0x01, 0x80]) {
        copy[i]! ^= flip;
        isEncrypted(copy);
        copy[i]! ^= flip;
      }
    }
  });
}

/** Bodies that a nested search would choke on. */
const LARGE: readonly (readonly [string, Octets])[] = [
  ["20 MB of text", message([TEXT], "Hello, Kim.\r\n".repeat(1_600_000))],
  ["20 MB of base64", message(P7M, "QUFB".repeat(5_000_000))],
  ["a million delimiters", message([PGP_TYPE], "--b1\r\n".repeat(1_000_000))],
  [
    "a million '='",
    message(
      [TEXT, "Content-Transfer-Encoding: quoted-printable"],
      `=${" ".repeat(20)}`.repeat(1_000_000),
    ),
  ],
  [
    "a million armor lines",
    message(
      [TEXT],
      "-----BEGIN PGP MESSAGE-----\r\n".repeat(1_000_000),
    ),
  ],
];
for (const [name, octets] of LARGE) {
  Deno.test(`isEncrypted() is false for ${name} in linear time`, () => {
    const ms = cpuTime(() => assert.equal(isEncrypted(octets), false));
    assert.ok(ms < 5000, `${ms} ms`);
  });
}
