/**
 * Everything that reads foreign octets, with samples and what it may throw.
 *
 * @module
 */

import { AppError } from "../../src/errors.ts";
import { parseAddress } from "../../src/mail/address.ts";
import {
  escapeMailboxLine,
  fields,
  fieldText,
  isUnambiguous,
  splitEntity,
} from "../../src/mail/header.ts";
import { parseAuthenticationResults } from "../../src/mail/authentication_results.ts";
import {
  AUTODISCOVER_MAX_BYTES,
  autodiscoverAddress,
} from "../../src/mail/client_settings.ts";
import { decodedText } from "../../src/mail/encoded_words.ts";
import { canonicalizeLineEnds } from "../../src/mail/line_ends.ts";
import { splitMultipart } from "../../src/mail/multipart.ts";
import { concat, latin1 } from "../../src/mail/octets.ts";
import { parseParameterized } from "../../src/mail/parameters.ts";
import { queueIdTime } from "../../src/mail/queue_id.ts";
import { mailboxes } from "../../src/mail/mailboxes.ts";
import { createLog } from "../../src/log.ts";
import {
  OPTIONS,
  packet as milterPacket,
  PacketReader,
  ProtocolError,
} from "../../src/milter/packets.ts";
import { Session } from "../../src/milter/session.ts";
import { readCertificationRequest } from "../../src/smime/certification_request.ts";
import { encryptMessage } from "../helpers/encrypt.ts";
import { readCertificate } from "../../src/smime/recipient_certificate.ts";
import { pemDecode, pemExtract } from "../../src/x509/pem.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import { octets } from "../unit/mail/octets.ts";
import { authCms, cms, indefinite } from "../unit/smime/cms.ts";
import {
  BASE64,
  base64,
  message,
  P7M,
  P7M_TYPE,
  PGP,
  PGP_BODY,
  PGP_TYPE,
  TEXT,
} from "../unit/smime/messages.ts";
import { ENCRYPTED, oldPacket, packet } from "../unit/smime/openpgp.ts";
import type { Octets } from "./mutate.ts";
import {
  decodeArmor,
  decodeBody,
  isEncrypted,
  isEncryptedOpenPgp,
  isEnveloped,
} from "../helpers/recognize.ts";

/** Something that reads foreign octets. */
export interface Target {
  /** Name of the function. */
  readonly name: string;
  /** Good octets. */
  readonly samples: readonly Octets[];
  /** Whether the samples are DER, which is mutated by elements, too. */
  readonly isDer?: boolean;
  /** Errors that its docstring names. */
  readonly mayThrow: readonly (new (...args: never[]) => Error)[];
  /** Calls it; a promise is awaited. */
  readonly run: (octets: Octets) => unknown;
}

function fixture(name: string): string {
  return Deno.readTextFileSync(
    new URL(`../fixtures/certificates/${name}`, import.meta.url),
  );
}

const RSA_PEM = fixture("rsa.pem");
const RSA = pemDecode("CERTIFICATE", RSA_PEM);
const P256 = pemDecode("CERTIFICATE", fixture("p256.pem"));
const REQUEST_PEM = fixture("request.pem");
const REQUEST = pemDecode("CERTIFICATE REQUEST", REQUEST_PEM);

/** Encrypted messages of all forms that are recognized. */
export const ENCRYPTED_MESSAGES: readonly Octets[] = [
  message(P7M, base64(cms())),
  message(P7M, base64(authCms())),
  message(P7M, base64(cms({ write: indefinite }))),
  message([P7M_TYPE, "Content-Transfer-Encoding: binary"], latin1(cms())),
  message([PGP_TYPE], PGP_BODY),
  message([TEXT], PGP),
  message([TEXT, BASE64], base64(octets(PGP))),
];

const MESSAGES: readonly Octets[] = [
  ...ENCRYPTED_MESSAGES,
  octets(latin1(ENCRYPTED_MESSAGES[0]!).replaceAll("\r\n", "\n")),
  octets("From a Thu Jan  1\nSubject: x\nMIME-Version: 1.0\n\nbody\n"),
  message(
    ['Content-Type: multipart/mixed; (a (b)) boundary="b\\1"; c=d'],
    "preamble\r\n--b1\r\n\r\na=3D=\r\n\r\n--b1--\r\nepilogue",
  ),
];

const AUTHENTICATION_RESULTS =
  'mail.example.com (a (b)) 1; spf=pass smtp.mailfrom="a@b"; dkim=fail (c)';
const AUTODISCOVER =
  "<Autodiscover><Request><EMailAddress>a@b</EMailAddress></Request></Autodiscover>";

/** What header protection reads besides: subjects, and texts that it marks. */
const TEXT_MESSAGES: readonly Octets[] = [
  message(
    ["Subject: =?utf-8?q?a=C3=BC?=", 'Content-Type: text/html; hp="x"'],
    "<html><body class=a>text</body></html>",
  ),
  message(
    [
      "Subject: b",
      `Authentication-Results: ${AUTHENTICATION_RESULTS}`,
      'Content-Type: multipart/alternative; boundary="b1"',
    ],
    "--b1\r\n\r\ntext\r\n--b1\r\nContent-Type: text/html\r\n" +
      "Content-Transfer-Encoding: base64\r\n\r\nPGI+\r\n--b1--\r\n",
  ),
];

const CONTENT_TYPES: readonly Octets[] = [
  ...['text/plain; charset="utf-8"; (a comment (nested)) format=flowed;'],
  ...['multipart/mixed; boundary="a \\" b"', " (a\\)) a/b ; c = d"],
].map(octets);

/** What Postfix says of one message on port 587. */
const MILTER_STREAM = concat([
  milterPacket("O", 6, 0x1ff, OPTIONS),
  milterPacket("D", "M{auth_authen}", "cat-1"),
  milterPacket("M", "<cat@pets.example>", "BODY=8BITMIME"),
  milterPacket("R", "<bob@away.example>"),
  milterPacket("L", "From", " Cat <cat@pets.example>"),
  milterPacket("L", "Authentication-Results", " a; b=c"),
  milterPacket("B", "one\r\n two \r\n"),
  milterPacket("E"),
  milterPacket("A"),
  milterPacket("Q"),
]);

/** Says all of it to the filter of submission. */
async function filterSubmission(stream: Octets): Promise<void> {
  const session = new Session(
    {
      begin: () => Promise.resolve(undefined),
      finish: () => Promise.resolve({ signature: "v=1" }),
    },
    createLog(() => {}, "info"),
  );
  const reader = new PacketReader();
  for (let at = 0; at < stream.length; at += 65_536) {
    for (const each of reader.take(stream.slice(at, at + 65_536))) {
      if (await session.answer(each) === undefined) return;
    }
  }
}

/** All targets. */
export const TARGETS: readonly Target[] = [
  {
    name: "readCertificate",
    samples: [RSA, P256],
    isDer: true,
    mayThrow: [SyntaxError, RangeError],
    run: readCertificate,
  },
  {
    name: "readCertificationRequest",
    samples: [REQUEST],
    isDer: true,
    mayThrow: [SyntaxError, RangeError],
    run: readCertificationRequest,
  },
  {
    name: "encryptMessage, of the certificate",
    samples: [RSA, P256],
    isDer: true,
    mayThrow: [SyntaxError, RangeError],
    run: (certificate) =>
      encryptMessage(octets("a"), [readRecipient(certificate)], {
        traceFields: [],
      }),
  },
  {
    name: "encryptMessage, of the message",
    samples: MESSAGES,
    mayThrow: [],
    run: (mail) =>
      encryptMessage(mail, [readRecipient(RSA)], { traceFields: ["X-A: b"] }),
  },
  {
    name: "encryptMessage, hiding the header",
    samples: [...MESSAGES, ...TEXT_MESSAGES],
    mayThrow: [],
    run: (mail) =>
      encryptMessage(mail, [readRecipient(RSA)], {
        traceFields: [],
        headerProtection: "hide",
        border: {
          at: new Date(0),
          hostname: "mail.example.com",
          authservId: "mail.example.com",
        },
      }),
  },
  {
    name: "parseAuthenticationResults",
    samples: [octets(AUTHENTICATION_RESULTS)],
    mayThrow: [],
    run: (value) => parseAuthenticationResults(latin1(value)),
  },
  {
    name: "filterSubmission",
    samples: [MILTER_STREAM],
    mayThrow: [ProtocolError],
    run: filterSubmission,
  },
  {
    name: "mailboxes",
    samples: [octets('"Cat, a" (b) <cat@pets.example>, bob@away.example')],
    mayThrow: [],
    run: (value) => mailboxes(latin1(value)),
  },
  {
    name: "decodedText",
    samples: [octets("=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?b?4Q==?= x")],
    mayThrow: [],
    run: (value) => decodedText(latin1(value), 1000),
  },
  {
    name: "autodiscoverAddress",
    samples: [octets(AUTODISCOVER)],
    mayThrow: [],
    run: (xml) =>
      autodiscoverAddress(latin1(xml.subarray(0, AUTODISCOVER_MAX_BYTES))),
  },
  {
    name: "isEncrypted",
    samples: MESSAGES,
    mayThrow: [],
    run: isEncrypted,
  },
  {
    name: "isEnveloped",
    samples: [cms(), authCms()],
    isDer: true,
    mayThrow: [],
    run: isEnveloped,
  },
  {
    name: "isEnveloped, BER",
    samples: [
      cms({ write: indefinite }),
      cms({
        write: indefinite,
        encryptedContent: [
          indefinite(0xa0, octets("\x04\x10".concat("\xa5".repeat(16)))),
        ],
      }),
    ],
    mayThrow: [],
    run: isEnveloped,
  },
  {
    name: "isEncryptedOpenPgp",
    samples: [
      ENCRYPTED,
      concat([
        oldPacket(1, octets("\x03".padEnd(268, "\xa5"))),
        octets(`\xd2\xe9${"\x01".padEnd(512, "\xa5")}\xc1\x01`),
        octets("\xa5".repeat(449)),
      ]),
      packet(11, octets("text")),
    ],
    mayThrow: [],
    run: isEncryptedOpenPgp,
  },
  {
    name: "decodeArmor",
    samples: [octets(PGP)],
    mayThrow: [],
    run: decodeArmor,
  },
  {
    name: "splitEntity, fields and their texts",
    samples: MESSAGES,
    mayThrow: [],
    run: (mail) => {
      const { header } = splitEntity(escapeMailboxLine(mail));
      for (const field of fields(header)) {
        fieldText(field);
        isUnambiguous(field);
      }
    },
  },
  {
    name: "canonicalizeLineEnds",
    samples: MESSAGES,
    mayThrow: [],
    run: canonicalizeLineEnds,
  },
  {
    name: "splitMultipart",
    samples: [octets(PGP_BODY)],
    mayThrow: [],
    run: (body) => splitMultipart(body, "b1"),
  },
  {
    name: "splitMultipart, of the boundary",
    samples: [octets("b1"), octets("=_a b'()+,./:=?")],
    mayThrow: [],
    run: (boundary) => splitMultipart(octets(PGP_BODY), latin1(boundary)),
  },
  {
    name: "parseParameterized",
    samples: CONTENT_TYPES,
    mayThrow: [],
    run: (value) => parseParameterized(latin1(value)),
  },
  {
    name: "decodeBody, base64 and quoted-printable",
    samples: [octets("QUJD\r\nQUI=\r\n"), octets("a=3D=\r\nb=20\r\n")],
    mayThrow: [],
    run: (body) => [
      decodeBody(body, "base64"),
      decodeBody(body, "quoted-printable"),
    ],
  },
  {
    name: "pemDecode",
    samples: [octets(RSA_PEM)],
    mayThrow: [SyntaxError],
    run: (text) => pemDecode("CERTIFICATE", latin1(text)),
  },
  {
    name: "pemExtract",
    samples: [octets(RSA_PEM), octets(`a\n${REQUEST_PEM}b`)],
    mayThrow: [SyntaxError],
    run: (text) => pemExtract("CERTIFICATE", latin1(text)),
  },
  {
    name: "parseAddress",
    samples: [octets("cat@example.com"), octets("a.b-c@xn--kse-qla.example")],
    mayThrow: [AppError],
    run: (address) => parseAddress(new TextDecoder("utf-8").decode(address)),
  },
  {
    name: "queueIdTime",
    samples: [octets("4cBqZY6Sncz3Wd9J"), octets("3Pt2mN2VXxznjll")],
    mayThrow: [],
    run: (id) => queueIdTime(latin1(id)),
  },
];
