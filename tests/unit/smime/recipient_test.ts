import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { concat } from "../../../src/mail/octets.ts";
import {
  der,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
} from "../../../src/smime/der.ts";
import { readRecipient } from "../../../src/smime/recipient.ts";
import { makeCertificate, makeRecipient } from "./recipient.ts";

Deno.test("readRecipient() gives what CMS and the receipt need, and no view of the certificate", async () => {
  const made = await makeRecipient(77);
  const octets = made.certificate.slice();
  const recipient = readRecipient(octets);
  octets.fill(0);
  assert.equal(recipient.keyType, "RSA");
  assert.equal(recipient.bits, 2048);
  assert.deepEqual(
    recipient.issuerAndSerialNumber,
    made.issuerAndSerialNumber,
  );
  assert.equal(
    recipient.fingerprintSha256,
    createHash("sha256").update(made.certificate).digest("hex"),
  );
});

for (
  const [what, spki] of [
    ["damaged RSA", key("1.2.840.113549.1.1.1", new Uint8Array([1, 2]))],
    ["RSASSA-PSS", key("1.2.840.113549.1.1.10", new Uint8Array([1, 2]))],
    ["Ed25519", key("1.3.101.112", new Uint8Array(32))],
  ] as const
) {
  Deno.test(`readRecipient() refuses a key of ${what}`, () => {
    const { certificate } = makeCertificate(spki, 1);
    assert.throws(
      () => readRecipient(certificate),
      (error) => error instanceof RangeError || error instanceof SyntaxError,
    );
  });
}

Deno.test("readRecipient() throws on every certificate that is cut off", async () => {
  const { certificate } = await makeRecipient(1);
  for (let length = 0; length < certificate.length; length++) {
    assert.throws(
      () => readRecipient(certificate.slice(0, length)),
      SyntaxError,
    );
  }
  assert.throws(
    () => readRecipient(concat([certificate, new Uint8Array(1)])),
    SyntaxError,
  );
});

function key(
  id: string,
  octets: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return der(
    SEQUENCE,
    der(SEQUENCE, der(OBJECT_IDENTIFIER, objectIdentifier(id))),
    der(0x03, concat([new Uint8Array(1), octets])),
  );
}
