import assert from "node:assert/strict";
import { concat, latin1 } from "../../src/mail/octets.ts";
import {
  contextTag,
  der,
  INTEGER,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  OCTET_STRING,
  SEQUENCE,
  SET,
} from "../../src/smime/der.ts";
import { packet as milterPacket } from "../../src/milter/packets.ts";
import { octets } from "../unit/mail/octets.ts";
import { ALGORITHM, cms, KEY_TRANS, ZERO } from "../unit/smime/cms.ts";
import {
  BASE64,
  base64,
  CONTROL,
  DATA,
  message,
  P7M,
  P7M_TYPE,
  parts,
  PGP_TYPE,
  TEXT,
} from "../unit/smime/messages.ts";
import { PKESK, SEIPD } from "../unit/smime/openpgp.ts";
import type { Octets } from "./mutate.ts";
import { feed } from "./run.ts";
import { TARGETS } from "./targets.ts";

const SIZE = 1024 * 1024;
/** What one input of 1 MiB may leave behind and use on its way. */
const MAX_MEMORY = 512 * 1024 * 1024;

/** Repeats a text until it is long. */
function many(text: string, length = SIZE): string {
  return text.repeat(Math.ceil(length / text.length)).slice(0, length);
}

/** Repeats an element until it is long. */
function elements(element: Octets, length = SIZE): Octets {
  return concat(
    Array<Octets>(Math.floor(length / element.length)).fill(element),
  );
}

function oid(text: string): Octets {
  return der(OBJECT_IDENTIFIER, objectIdentifier(text));
}

const NAME = der(SEQUENCE);
const RDN = der(
  SET,
  der(SEQUENCE, oid("2.5.4.3"), der(0x0c, octets("Cat"))),
);
const RSA_KEY = der(
  SEQUENCE,
  der(SEQUENCE, oid("1.2.840.113549.1.1.1"), der(0x05)),
  der(
    0x03,
    octets("\0"),
    der(
      SEQUENCE,
      der(INTEGER, octets(`\0${"\xa5".repeat(256)}`)),
      der(INTEGER, octets("\x01\0\x01")),
    ),
  ),
);
const TIME = der(0x17, octets("260101000000Z"));

/** A certificate of which one thing is very long. */
function certificate(parts: {
  serial?: Octets;
  issuer?: Octets;
  key?: Octets;
  extensions?: Octets;
  signature?: Octets;
}): Octets {
  const algorithm = der(SEQUENCE, oid("1.2.840.113549.1.1.11"), der(0x05));
  return der(
    SEQUENCE,
    der(
      SEQUENCE,
      der(contextTag(0), der(INTEGER, new Uint8Array([2]))),
      parts.serial ?? ZERO,
      algorithm,
      parts.issuer ?? NAME,
      der(SEQUENCE, TIME, TIME),
      NAME,
      parts.key ?? RSA_KEY,
      der(contextTag(3), der(SEQUENCE, parts.extensions ?? new Uint8Array())),
    ),
    algorithm,
    der(0x03, parts.signature ?? new Uint8Array(9)),
  );
}

function subjectAltName(...names: Octets[]): Octets {
  return der(
    SEQUENCE,
    oid("2.5.29.17"),
    der(OCTET_STRING, der(SEQUENCE, ...names)),
  );
}

/** A certificate is refused unread above 64 KiB, so these come in two sizes. */
const certificates = (size: number): [string, Octets][] => [
  ["a deep nest", octets(many("\x30\x80", size))],
  [
    "a deep nest of definite lengths",
    octets(many("\x30\x84\0\x0f\xff\xff", size)),
  ],
  [
    "a serial number that is long",
    certificate({ serial: der(INTEGER, new Uint8Array(size).fill(0xa5)) }),
  ],
  [
    "a name that is long",
    certificate({ issuer: der(SEQUENCE, elements(RDN, size)) }),
  ],
  [
    "a name in one part",
    certificate({
      issuer: der(
        SEQUENCE,
        der(SET, elements(der(SEQUENCE, oid("2.5.4.3"), der(0x0c)), size)),
      ),
    }),
  ],
  [
    "a name with one text that is long",
    certificate({
      issuer: der(
        SEQUENCE,
        der(
          SET,
          der(SEQUENCE, oid("2.5.4.3"), der(0x0c, octets(many('",+\\', size)))),
        ),
      ),
    }),
  ],
  [
    "an object identifier that is long",
    certificate({
      issuer: der(
        SEQUENCE,
        der(
          SET,
          der(
            SEQUENCE,
            der(OBJECT_IDENTIFIER, octets(`\x2a${many("\xff", size)}\x01`)),
            der(0x0c),
          ),
        ),
      ),
    }),
  ],
  [
    "an object identifier of many arcs",
    certificate({
      issuer: der(
        SEQUENCE,
        der(
          SET,
          der(
            SEQUENCE,
            der(OBJECT_IDENTIFIER, octets(`\x2a${many("\x01", size)}`)),
            der(0x0c),
          ),
        ),
      ),
    }),
  ],
  [
    "many addresses",
    certificate({
      extensions: subjectAltName(
        elements(der(0x81, octets("a@b.example")), size),
      ),
    }),
  ],
  [
    "one address that is long",
    certificate({
      extensions: subjectAltName(der(0x81, octets(many("a@", size)))),
    }),
  ],
  [
    "many extensions",
    certificate({
      extensions: elements(
        der(SEQUENCE, oid("1.2.3.4"), der(OCTET_STRING, ZERO)),
        size,
      ),
    }),
  ],
  [
    "many subjectAltName",
    certificate({
      extensions: elements(
        subjectAltName(der(0x81, octets("a@b.example"))),
        size,
      ),
    }),
  ],
  [
    "a modulus that is long",
    certificate({
      key: der(
        SEQUENCE,
        der(SEQUENCE, oid("1.2.840.113549.1.1.1"), der(0x05)),
        der(
          0x03,
          octets("\0"),
          der(
            SEQUENCE,
            der(INTEGER, new Uint8Array(size).fill(0xa5)),
            der(INTEGER, new Uint8Array(size).fill(0xa5)),
          ),
        ),
      ),
    }),
  ],
  [
    "a signature that is long",
    certificate({ signature: new Uint8Array(size).fill(0xa5) }),
  ],
];
const CERTIFICATES = [...certificates(60_000), ...certificates(SIZE)];
const DEEP = octets(many("\x30\x80"));

const HEADER = "From: a@b\r\n";
const MESSAGES: readonly (readonly [string, Octets])[] = [
  ["letters", octets(many("a"))],
  ["colons", octets(many(":"))],
  ["names without an end", octets(many("a "))],
  ["short fields", octets(many("a:\n"))],
  ["folds", octets(`a: b\r\n${many(" \r\n")}`)],
  ["blanks in a field", octets(`Content-Type:${many(" ")}\r\n\r\n`)],
  ["Content fields", octets(many("Content-A:b\n"))],
  ["CRs", octets(`${HEADER}${many("\r")}\r\n`)],
  ["CR LFs", octets(many("\r\r\n"))],
  ["From lines", octets(many("From a\n"))],
  ["quoted From", octets(`${many(">")}From a\n`)],
  ["open comments", message([`Content-Type: ${many("(")}`], "a")],
  ["closed comments", message([`Content-Type: ${many("()")}`], "a")],
  ["comments in 10000", message([`Content-Type: ${"(".repeat(9900)}`], "a")],
  ["parameters", message([`Content-Type: a/b${many(";a=b")}`], "a")],
  [
    "parameters in 10000",
    message([
      `Content-Type: a/b${
        Array.from({ length: 1200 }, (_, i) => `;a${i}=b`).join("")
      }`,
    ], "a"),
  ],
  [
    "an open quotation",
    message([`Content-Type: a/b; c="${"\\a".repeat(4900)}`], "a"),
  ],
  ["delimiters", message([PGP_TYPE], many("--b1\r\n"))],
  ["delimiters of LF", message([PGP_TYPE], many("--b1\n\n"))],
  ["near delimiters", message([PGP_TYPE], many("--b\r\n"))],
  [
    "a preamble of blanks",
    message([PGP_TYPE], `${many(" \r\n")}${parts("a")}`),
  ],
  [
    "a control part of blanks",
    message([PGP_TYPE], parts(`${CONTROL}${many(" ")}`, DATA)),
  ],
  ["armor lines", message([TEXT], many("-----BEGIN PGP MESSAGE-----\r\n"))],
  [
    "armor headers",
    message(
      [TEXT],
      `-----BEGIN PGP MESSAGE-----\r\n${many("Comment: a\r\n")}\r\n`,
    ),
  ],
  [
    "armor of line ends",
    message(
      [TEXT],
      `-----BEGIN PGP MESSAGE-----\r\n\r\n${
        many("\r\n")
      }-----END PGP MESSAGE-----`,
    ),
  ],
  ["base64 of blanks", message(P7M, many(" \r\n"))],
  ["base64 of equals signs", message(P7M, many("="))],
  ["base64 of a deep nest", message(P7M, base64(DEEP))],
  [
    "soft line breaks",
    message(
      [TEXT, "Content-Transfer-Encoding: quoted-printable"],
      many(`=${" ".repeat(1000)}`),
    ),
  ],
  [
    "binary chunks without octets",
    message(
      [P7M_TYPE, "Content-Transfer-Encoding: binary"],
      `\x30\x80${many("\x24\x80\0\0")}`,
    ),
  ],
  ["many session keys", message([TEXT, BASE64], latin1(elements(PKESK)))],
];

const HIDDEN: readonly (readonly [string, Octets])[] = [
  ["many To", octets(`Subject: a\r\n${many("To: a@b\r\n")}\r\na`)],
  ["encoded words", octets(`Subject: ${many("=?utf-8?q?a?= ")}\r\n\r\na`)],
  ["half encoded words", octets(`Subject: ${many("=?a?b?")}\r\n\r\na`)],
  ["a folded subject", octets(`Subject: a${many("\r\n b")}\r\n\r\na`)],
  [
    "results",
    octets(`Subject: a\r\nAuthentication-Results: ${many("a=b;")}\r\n\r\na`),
  ],
  [
    "many results",
    octets(`Subject: a\r\n${many("Authentication-Results: a;b=c\r\n")}\r\na`),
  ],
  [
    "open tags",
    message(["Subject: a", "Content-Type: text/html"], many("<body ")),
  ],
  [
    "parameters of hp",
    message(["Subject: a", `Content-Type: a/b${many(";hp=1")}`], "a"),
  ],
];

const CMS: readonly (readonly [string, Octets])[] = [
  ["a deep nest", DEEP],
  ["many recipients", cms({ recipientInfos: [elements(KEY_TRANS)] })],
  [
    "empty chunks",
    cms({ encryptedContent: [der(0xa0, octets(many("\x04\0")))] }),
  ],
  [
    "chunks in chunks",
    cms({ encryptedContent: [der(0xa0, octets(many("\x24\x80\0\0")))] }),
  ],
  ["open chunks", cms({ encryptedContent: [octets(many("\x24\x80"))] })],
  [
    "attributes",
    cms({ after: [der(0xa1, elements(der(SEQUENCE, ALGORITHM)))] }),
  ],
];

const PACKETS: readonly (readonly [string, Octets])[] = [
  ["session keys", concat([elements(PKESK), SEIPD])],
  ["partial lengths", octets(`${latin1(PKESK)}\xd2${many("\xe0\xa5")}`)],
  ["empty packets", octets(many("\xc1\0"))],
];

const STREAMS: readonly (readonly [string, Octets])[] = [
  ["fields", elements(milterPacket("L", ""))],
  ["results", elements(milterPacket("L", "Authentication-Results", ""))],
  ["one field", milterPacket("L", "A", many("\0"))],
  ["macros", milterPacket("D", `M${many("\0")}`)],
  ["line ends", milterPacket("B", many("\r\n"))],
  ["blanks", milterPacket("B", many(" "))],
];

const TEXTS: readonly (readonly [string, Octets])[] = [
  ["beginnings", octets(many("-----BEGIN CERTIFICATE-----\n"))],
  ["ends", octets(many("-----END CERTIFICATE-----\n"))],
  ["line ends", octets(`-----BEGIN CERTIFICATE-----${many("\r\n")}`)],
  ["hyphens", octets(many("-"))],
  ["headers", octets(`-----BEGIN CERTIFICATE-----\n${many("A: b\n")}`)],
  ["at signs", octets(many("@"))],
  ["dots", octets(`a@${many("a.")}`)],
  ["labels in Unicode", octets(`a@${many("\xc3\xa4.")}`)],
  ["backslashes", octets(many("\\"))],
  ["comments", octets(many("(a)"))],
  ["open comments", octets(many("("))],
  ["encoded words", octets(many("=?utf-8?b?QQ==?= "))],
  ["tags", octets(many("<EMailAddress>"))],
  ["quotation marks", octets(many('a;b="'))],
];

const CASES: Readonly<Record<string, readonly (readonly [string, Octets])[]>> =
  {
    "readCertificate": CERTIFICATES,
    "readCertificationRequest": CERTIFICATES,
    "encryptMessage, of the certificate": CERTIFICATES,
    "encryptMessage, of the message": MESSAGES,
    "encryptMessage, hiding the header": [...MESSAGES, ...HIDDEN],
    "isEncrypted": MESSAGES,
    "isEnveloped": CMS,
    "isEncryptedOpenPgp": PACKETS,
    "filterSubmission": STREAMS,
  };

for (const target of TARGETS) {
  for (const [name, input] of CASES[target.name] ?? TEXTS) {
    Deno.test(`${target.name} takes ${input.length} octets of ${name} in seconds and without much memory`, async () => {
      const before = Deno.memoryUsage().rss;
      await feed(target, input);
      const used = Deno.memoryUsage().rss - before;
      assert.ok(used < MAX_MEMORY, `${used} octets`);
    });
  }
}
