import assert from "node:assert/strict";
import { cpuTime } from "../../helpers/cpu_time.ts";
import { concat } from "../../../src/mail/octets.ts";
import {
  contextTag,
  der,
  INTEGER,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  OCTET_STRING,
  SEQUENCE,
} from "../../../src/smime/der.ts";
import { ID_DATA } from "../../../src/smime/object_identifiers.ts";
import { octets } from "../mail/octets.ts";
import { ALGORITHM, authCms, cms, indefinite, KEY_TRANS, ZERO } from "./cms.ts";
import type { Octets } from "./cms.ts";
import { isEnveloped } from "../../helpers/recognize.ts";

const CHUNK = der(OCTET_STRING, new Uint8Array(16).fill(0xa5));
const GCM = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, objectIdentifier("2.16.840.1.101.3.4.1.46")),
  der(SEQUENCE),
);
const write = indefinite;
/** An encrypted key. */
const KEY = der(OCTET_STRING, new Uint8Array(24).fill(0xa5));
const KEY_AGREE = der(
  contextTag(1),
  ZERO,
  der(contextTag(0), der(contextTag(1), ALGORITHM)),
  der(contextTag(1), der(OCTET_STRING, new Uint8Array(8))),
  ALGORITHM,
  der(SEQUENCE, der(SEQUENCE, der(SEQUENCE), KEY)),
);
const KEK = der(contextTag(2), ZERO, der(SEQUENCE, CHUNK), ALGORITHM, KEY);
const PASSWORD = der(contextTag(3), ZERO, der(contextTag(0)), ALGORITHM, KEY);
const OTHER = der(
  contextTag(4),
  der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.9.16.13.3")),
  der(SEQUENCE, ZERO, KEY),
);

const ENVELOPED: readonly (readonly [string, Octets])[] = [
  ["DER", cms()],
  ["white space behind", concat([cms(), octets(" \t\r\n")])],
  ["indefinite lengths", cms({ write })],
  [
    "indefinite lengths and chunks",
    cms({ write, encryptedContent: [indefinite(0xa0, CHUNK, CHUNK)] }),
  ],
  ["chunks in DER", cms({ encryptedContent: [der(0xa0, CHUNK, CHUNK)] })],
  [
    "chunks in chunks",
    cms({ encryptedContent: [der(0xa0, indefinite(0x24, CHUNK), CHUNK)] }),
  ],
  ["originatorInfo", cms({ before: [der(0xa0)] })],
  ["unprotectedAttrs", cms({ after: [der(0xa1, der(SEQUENCE))] })],
  ["two recipients", cms({ recipientInfos: [KEY_TRANS, KEY_TRANS] })],
  ["a KeyAgreeRecipientInfo", cms({ recipientInfos: [KEY_AGREE] })],
  ["a KEKRecipientInfo", cms({ recipientInfos: [KEK] })],
  ["a PasswordRecipientInfo", cms({ recipientInfos: [PASSWORD] })],
  ["an OtherRecipientInfo", cms({ recipientInfos: [OTHER] })],
  [
    "GCM, any length",
    cms({
      algorithm: GCM,
      encryptedContent: [der(0x80, new Uint8Array(5).fill(0xa5))],
    }),
  ],
  [
    // Two octets of ciphertext are US-ASCII once in four times.
    "GCM, a few octets that happen to be US-ASCII",
    authCms({
      algorithm: GCM,
      encryptedContent: [der(0x80, octets("Hi"))],
    }),
  ],
  ["AuthEnvelopedData", authCms({ algorithm: GCM })],
  ["AuthEnvelopedData, indefinite", authCms({ algorithm: GCM, write })],
  [
    "AuthEnvelopedData with attributes",
    authCms({
      after: [der(0xa1, der(SEQUENCE)), CHUNK, der(0xa2, der(SEQUENCE))],
    }),
  ],
];
for (const [name, contentInfo] of ENVELOPED) {
  Deno.test(`isEnveloped() is true for ${name}`, () => {
    assert.equal(isEnveloped(contentInfo), true);
  });

  Deno.test(`isEnveloped() is false for ${name} if it is cut off anywhere`, () => {
    const end = contentInfo.findLastIndex((o) => ![32, 9, 13, 10].includes(o));
    for (let length = 0; length <= end; length++) {
      assert.equal(isEnveloped(contentInfo.slice(0, length)), false);
    }
  });
}

const OTHERS: readonly (readonly [string, Octets])[] = [
  ["nothing", octets("")],
  ["text", octets("Dear Kim, the password is 1234.\r\n")],
  ["NULs", new Uint8Array(1000)],
  ["Data", cms({ contentType: ID_DATA })],
  ...["1.2.840.113549.1.7.2", "1.2.840.113549.1.7.5", "1.2.840.113549.1.7.6"]
    .map((oid) => [oid, cms({ contentType: objectIdentifier(oid) })] as const),
  [
    "compressed-data",
    cms({ contentType: objectIdentifier("1.2.840.113549.1.9.16.1.9") }),
  ],
  ["text behind", concat([cms(), octets("text")])],
  ["a NUL behind", concat([cms(), octets("\0")])],
  ["two of them", concat([cms(), cms()])],
  ["no recipient", cms({ recipientInfos: [] })],
  ["an empty recipient", cms({ recipientInfos: [der(0xa1)] })],
  ["a recipient that is an INTEGER", cms({ recipientInfos: [ZERO] })],
  [
    "a recipient that is a SEQUENCE of nothing",
    cms({
      recipientInfos: [der(SEQUENCE)],
    }),
  ],
  [
    "a recipient with an unknown tag",
    cms({ recipientInfos: [der(0xa5, ZERO)] }),
  ],
  [
    "a recipient without a key",
    cms({
      recipientInfos: [
        der(SEQUENCE, ZERO, der(SEQUENCE), ALGORITHM, der(OCTET_STRING)),
      ],
    }),
  ],
  [
    "a recipient with a key that is too short",
    cms({
      recipientInfos: [
        der(
          SEQUENCE,
          ZERO,
          der(SEQUENCE),
          ALGORITHM,
          der(OCTET_STRING, new Uint8Array(15)),
        ),
      ],
    }),
  ],
  [
    "a KeyAgreeRecipientInfo that is only a version",
    cms({ recipientInfos: [der(contextTag(1), ZERO)] }),
  ],
  [
    "a KeyAgreeRecipientInfo without recipients",
    cms({
      recipientInfos: [
        der(
          contextTag(1),
          ZERO,
          der(contextTag(0), ALGORITHM),
          ALGORITHM,
          der(SEQUENCE),
        ),
      ],
    }),
  ],
  [
    "a PasswordRecipientInfo that is only a version",
    cms({ recipientInfos: [der(contextTag(3), ZERO)] }),
  ],
  [
    "an OtherRecipientInfo without a value",
    cms({
      recipientInfos: [
        der(contextTag(4), der(OBJECT_IDENTIFIER, objectIdentifier("1.2.3"))),
      ],
    }),
  ],
  [
    "content that is plainly text",
    cms({
      encryptedContent: [der(0x80, octets("The password is 1234".repeat(4)))],
    }),
  ],
  [
    "content that is plainly text, in chunks",
    cms({
      write,
      encryptedContent: [
        indefinite(
          0xa0,
          der(
            OCTET_STRING,
            octets("Dear Kim, the password is 1234.\n".repeat(2)),
          ),
          der(OCTET_STRING, octets("Yours, Cat.    \n")),
        ),
      ],
    }),
  ],
  [
    "GCM content that is plainly text",
    authCms({
      algorithm: GCM,
      encryptedContent: [der(0x80, octets("The password is 1234".repeat(4)))],
    }),
  ],
  ["detached content", cms({ encryptedContent: [] })],
  ["empty content", cms({ encryptedContent: [der(0x80)] })],
  ["no chunks", cms({ encryptedContent: [der(0xa0)] })],
  ["empty chunks", cms({ encryptedContent: [der(0xa0, der(OCTET_STRING))] })],
  [
    "chunks that are no OCTET STRING",
    cms({
      encryptedContent: [der(0xa0, der(0x0c, new Uint8Array(16)))],
    }),
  ],
  ["half a block", cms({ encryptedContent: [der(0x80, new Uint8Array(24))] })],
  [
    "text behind the content",
    cms({
      encryptedContent: [
        der(0x80, new Uint8Array(16)),
        der(0x0c, octets("text")),
      ],
    }),
  ],
  [
    "text behind encryptedContentInfo",
    cms({ after: [der(0x0c, octets("x"))] }),
  ],
  ["AuthEnvelopedData without a MAC", authCms({ after: [] })],
  [
    "AuthEnvelopedData with an empty MAC",
    authCms({
      after: [der(OCTET_STRING)],
    }),
  ],
  ["an OCTET STRING", der(OCTET_STRING, cms())],
  [
    "a SEQUENCE without content",
    der(
      SEQUENCE,
      der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.7.3")),
    ),
  ],
  [
    "content that is no SEQUENCE",
    der(
      SEQUENCE,
      der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.7.3")),
      der(contextTag(0), der(INTEGER, octets("text"))),
    ),
  ],
  [
    "an endless nest",
    cms({
      encryptedContent: [octets("\x24\x80".repeat(100_000))],
    }),
  ],
];
for (const [name, contentInfo] of OTHERS) {
  Deno.test(`isEnveloped() is false for ${name}`, () => {
    assert.equal(isEnveloped(contentInfo), false);
  });
}

Deno.test("isEnveloped() knows the cipher wherever the octets are cut", () => {
  const half = cms({
    encryptedContent: [der(0x80, new Uint8Array(24).fill(0xa5))],
  });
  // Each chunk is overwritten once it was taken.
  for (let chunk = 1; chunk <= 400; chunk++) {
    const contentInfo = concat([half, octets(" ".repeat(400))]);
    assert.equal(isEnveloped(contentInfo, chunk), false, `${chunk}`);
  }
});

Deno.test("isEnveloped() takes a million chunks in linear time", () => {
  const chunks = new Uint8Array(3_000_000);
  for (let i = 0; i < chunks.length; i += 3) chunks.set([4, 1, 0xa5], i);
  const contentInfo = cms({
    algorithm: GCM,
    encryptedContent: [indefinite(0xa0, chunks)],
  });
  const ms = cpuTime(() => assert.equal(isEnveloped(contentInfo), true));
  assert.ok(ms < 5000, `${ms} ms`);
});
