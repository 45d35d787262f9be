import assert from "node:assert/strict";
import { DerReader } from "../../../src/smime/der_reader.ts";
import {
  contextTag,
  der,
  INTEGER,
  OBJECT_IDENTIFIER,
  SEQUENCE,
  SET,
} from "../../../src/smime/der.ts";
import {
  ciphertextOctetsOf,
  type ContentCipher,
} from "../../../src/smime/content_encryption.ts";
import { envelope, envelopeHead } from "../../../src/smime/enveloped_data.ts";
import { readRecipient } from "../../../src/smime/recipient.ts";
import { enveloped } from "../../helpers/enveloped.ts";
import { makeRecipient } from "./recipient.ts";
import { isEnveloped } from "../../helpers/recognize.ts";

// Around the borders of a block and of the length octets of DER.
for (
  const length of [
    ...[0, 1, 15, 16, 17, 31, 32, 100, 111, 112, 127, 128, 239, 240, 255, 256],
    ...[65_519, 65_520, 65_535, 65_536, 1_000_000],
  ]
) {
  Deno.test(`envelope() of ${length} octets is opened by its recipient`, async () => {
    const recipient = await makeRecipient(1);
    const content = Uint8Array.from({ length }, (_, i) => i % 251);
    const contentInfo = await enveloped(content, [recipient.certificate]);
    assert.deepEqual(await recipient.open(contentInfo), content);
    assert.equal(isEnveloped(contentInfo), true);
  });
}

Deno.test("envelope() is opened by each of several recipients", async () => {
  const recipients = await Promise.all([3, 1, 2].map(makeRecipient));
  const content = new TextEncoder().encode("secret");
  const contentInfo = await enveloped(
    content,
    recipients.map(({ certificate }) => certificate),
  );
  for (const recipient of recipients) {
    assert.deepEqual(await recipient.open(contentInfo), content);
  }
});

Deno.test("envelope() has recipientInfos in DER order, whatever the order of certificates", async () => {
  const recipients = await Promise.all([1, 2, 3].map(makeRecipient));
  const certificates = recipients.map(({ certificate }) => certificate);
  for (const order of [certificates, certificates.toReversed()]) {
    const contentInfo = await enveloped(new Uint8Array(1), order);
    const infos = readRecipientInfos(contentInfo).map((info) => info.toHex());
    assert.deepEqual(infos, infos.toSorted());
    assert.equal(infos.length, 3);
  }
});

Deno.test("envelope() never uses a key or an IV twice", async () => {
  const { certificate } = await makeRecipient(1);
  const content = new Uint8Array(32);
  const [a, b] = [
    await enveloped(content, [certificate]),
    await enveloped(content, [certificate]),
  ];
  assert.notDeepEqual(a.slice(-48), b.slice(-48));
});

Deno.test("envelope() throws if there is no recipient", async () => {
  await assert.rejects(enveloped(new Uint8Array(1), []), {
    name: "RangeError",
    message: "Cannot encrypt as there must be >= 1 recipient",
  });
});

for (const contentCipher of ["aes-256-cbc", "aes-256-gcm"] as const) {
  for (const contentOctets of [0, 15, 16, 17, 2 ** 32, 2 ** 32 + 1]) {
    Deno.test(`envelopeHead() has right lengths for ${contentOctets} octets with ${contentCipher}`, () => {
      const head = envelopeHead([der(SEQUENCE, new Uint8Array(10))], {
        contentCipher,
        nonce: new Uint8Array(16),
        contentOctets,
      });
      // The first length counts everything behind itself.
      const lengthOctets = head[1]! < 0x80 ? 0 : head[1]! & 0x7f;
      const length = lengthOctets === 0
        ? head[1]!
        : head.slice(2, 2 + lengthOctets).reduce((sum, o) => sum * 256 + o, 0);
      const ciphertext = contentCipher === "aes-256-gcm"
        ? contentOctets + 18
        : ciphertextOctetsOf(contentCipher, contentOctets);
      assert.equal(length, head.length - 2 - lengthOctets + ciphertext);
    });
  }
}

for (
  const [kind, info, version] of [
    ["KeyTransRecipientInfo", der(SEQUENCE), 0],
    ["KeyAgreeRecipientInfo", der(contextTag(1)), 2],
  ] as const
) {
  Deno.test(`envelopeHead() says version ${version} with ${kind}, and 0 if authenticated`, () => {
    const versionOf = (contentCipher: ContentCipher) => {
      const head = envelopeHead([der(SEQUENCE), info], {
        contentCipher,
        nonce: new Uint8Array(16),
        contentOctets: 0,
      });
      return head.toHex().match(/a0..30..0201(..)31/)?.[1];
    };
    assert.equal(versionOf("aes-128-cbc"), `0${version}`);
    assert.equal(versionOf("aes-256-gcm"), "00");
  });
}

for (const octets of [5, 7]) {
  Deno.test(`envelope() throws if content of 6 octets has ${octets}`, async () => {
    const { certificate } = await makeRecipient(1);
    const recipients = [readRecipient(certificate)];
    const whole = [new Uint8Array(octets)];
    async function* stream(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      await Promise.resolve();
      yield* whole;
    }
    for (const chunks of [whole, stream()]) {
      await assert.rejects(
        async () => {
          const made = await envelope({ octets: 6, chunks }, recipients);
          await Array.fromAsync(made.chunks);
        },
        /length that it said, 6 octets/,
      );
    }
  });
}

function readRecipientInfos(
  contentInfo: Uint8Array<ArrayBuffer>,
): Uint8Array[] {
  const reader = new DerReader(contentInfo);
  reader.enter(SEQUENCE);
  reader.read(OBJECT_IDENTIFIER);
  reader.enter(contextTag(0));
  reader.enter(SEQUENCE);
  reader.read(INTEGER);
  reader.enter(SET);
  const infos: Uint8Array[] = [];
  while (!reader.isAtEnd()) infos.push(reader.skip());
  return infos;
}
