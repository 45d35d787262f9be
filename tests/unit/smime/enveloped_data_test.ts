import assert from "node:assert/strict";
import { concat } from "../../../src/mail/octets.ts";
import { BerReader } from "../../../src/smime/ber_reader.ts";
import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
  SET,
} from "../../../src/smime/der.ts";
import {
  ciphertextOctetsOf,
  envelopedData,
  envelopedDataFrame,
} from "../../../src/smime/enveloped_data.ts";
import { isEnveloped } from "../../../src/smime/enveloped_data_reader.ts";
import { keyTransRecipientInfo } from "../../../src/smime/key_trans_recipient_info.ts";
import { makeCertificate, makeRecipient } from "./recipient.ts";

// Around the borders of a block and of the length octets of DER.
for (
  const length of [
    ...[0, 1, 15, 16, 17, 31, 32, 100, 111, 112, 127, 128, 239, 240, 255, 256],
    ...[65_519, 65_520, 65_535, 65_536, 1_000_000],
  ]
) {
  Deno.test(`envelopedData() of ${length} octets is opened by its recipient`, async () => {
    const recipient = await makeRecipient(1);
    const content = Uint8Array.from({ length }, (_, i) => i % 251);
    const contentInfo = await envelopedData(content, [recipient.certificate]);
    assert.deepEqual(await recipient.open(contentInfo), content);
    assert.equal(isEnveloped(contentInfo), true);
  });
}

Deno.test("envelopedData() is opened by each of several recipients", async () => {
  const recipients = await Promise.all([3, 1, 2].map(makeRecipient));
  const content = new TextEncoder().encode("secret");
  const contentInfo = await envelopedData(
    content,
    recipients.map(({ certificate }) => certificate),
  );
  for (const recipient of recipients) {
    assert.deepEqual(await recipient.open(contentInfo), content);
  }
});

Deno.test("envelopedData() has recipientInfos in DER order, whatever the order of certificates", async () => {
  const recipients = await Promise.all([1, 2, 3].map(makeRecipient));
  const certificates = recipients.map(({ certificate }) => certificate);
  for (const order of [certificates, certificates.toReversed()]) {
    const contentInfo = await envelopedData(new Uint8Array(1), order);
    const infos = readRecipientInfos(contentInfo).map((info) => info.toHex());
    assert.deepEqual(infos, infos.toSorted());
    assert.equal(infos.length, 3);
  }
});

Deno.test("envelopedData() never uses a key or an IV twice", async () => {
  const { certificate } = await makeRecipient(1);
  const content = new Uint8Array(32);
  const [a, b] = [
    await envelopedData(content, [certificate]),
    await envelopedData(content, [certificate]),
  ];
  assert.notDeepEqual(a.slice(-48), b.slice(-48));
});

Deno.test("envelopedData() throws if there is no certificate", async () => {
  await assert.rejects(envelopedData(new Uint8Array(1), []), {
    name: "RangeError",
    message: "Cannot encrypt as there must be >= 1 certificate",
  });
});

Deno.test("keyTransRecipientInfo() copies issuer and serial number octet by octet", async () => {
  const recipient = await makeRecipient(77);
  const info = keyTransRecipientInfo(recipient.certificate, new Uint8Array(32));
  const reader = new BerReader(info, { der: true });
  reader.enter(SEQUENCE);
  assert.deepEqual(reader.read(INTEGER), new Uint8Array([0]));
  assert.deepEqual(reader.skip(), recipient.issuerAndSerialNumber);
  assert.deepEqual(
    reader.skip(),
    der(
      SEQUENCE,
      der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.1.1")),
      der(NULL),
    ),
  );
});

Deno.test("keyTransRecipientInfo() throws if the key is not RSA", async () => {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve: "P-256" },
    true,
    ["sign", "verify"],
  );
  const spki = await crypto.subtle.exportKey("spki", publicKey);
  const { certificate } = makeCertificate(new Uint8Array(spki), 1);
  assert.throws(
    () => keyTransRecipientInfo(certificate, new Uint8Array(32)),
    RangeError,
  );
});

Deno.test("keyTransRecipientInfo() throws if the RSA key is damaged", () => {
  const algorithm = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.1.1")),
  );
  const spki = der(SEQUENCE, algorithm, der(0x03, new Uint8Array([0, 1, 2])));
  const { certificate } = makeCertificate(spki, 1);
  assert.throws(
    () => keyTransRecipientInfo(certificate, new Uint8Array(32)),
    RangeError,
  );
});

Deno.test("keyTransRecipientInfo() throws on every certificate that is cut off", async () => {
  const { certificate } = await makeRecipient(1);
  for (let length = 0; length < certificate.length; length++) {
    assert.throws(
      () =>
        keyTransRecipientInfo(
          certificate.slice(0, length),
          new Uint8Array(32),
        ),
      SyntaxError,
    );
  }
  assert.throws(
    () =>
      keyTransRecipientInfo(
        concat([certificate, new Uint8Array(1)]),
        new Uint8Array(32),
      ),
    SyntaxError,
  );
});

for (const contentOctets of [0, 15, 16, 17, 2 ** 32, 2 ** 32 + 1]) {
  Deno.test(`envelopedDataFrame() has right lengths for ${contentOctets} octets of content`, () => {
    const recipientInfo = der(SEQUENCE, new Uint8Array(10));
    const ciphertextOctets = ciphertextOctetsOf(contentOctets);
    const { head, tail } = envelopedDataFrame(
      [recipientInfo],
      new Uint8Array(16),
      ciphertextOctets,
    );
    assert.equal(tail.length, 0);
    // The first length counts everything behind itself.
    const lengthOctets = head[1]! < 0x80 ? 0 : head[1]! & 0x7f;
    const length = lengthOctets === 0
      ? head[1]!
      : head.slice(2, 2 + lengthOctets).reduce((sum, o) => sum * 256 + o, 0);
    assert.equal(length, head.length - 2 - lengthOctets + ciphertextOctets);
  });
}

Deno.test("envelopedDataFrame() throws without a recipient or with a short IV", () => {
  const info = der(SEQUENCE);
  assert.throws(
    () => envelopedDataFrame([], new Uint8Array(16), 16),
    RangeError,
  );
  assert.throws(
    () => envelopedDataFrame([info], new Uint8Array(12), 16),
    RangeError,
  );
});

function readRecipientInfos(
  contentInfo: Uint8Array<ArrayBuffer>,
): Uint8Array[] {
  const reader = new BerReader(contentInfo, { der: true });
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
