import assert from "node:assert/strict";
import { DerReader } from "../../../src/smime/der_reader.ts";
import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
} from "../../../src/smime/der.ts";
import { recipientInfo } from "../../../src/smime/recipient_info.ts";
import { readRecipient } from "../../../src/smime/recipient.ts";
import { makeCertificate, makeRecipient } from "./recipient.ts";

const CEK = new Uint8Array(32);

Deno.test("recipientInfo() copies issuer and serial number octet by octet", async () => {
  const recipient = await makeRecipient(77);
  const info = await recipientInfo(
    readRecipient(recipient.certificate),
    CEK,
    "rsaes-pkcs1-v1_5",
  );
  const reader = new DerReader(info);
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

// RFC 4055 appendix: rSAES-OAEP-SHA256-Identifier.
Deno.test("recipientInfo() names SHA-256 twice for RSAES-OAEP", async () => {
  const { certificate } = await makeRecipient(77);
  const info = await recipientInfo(
    readRecipient(certificate),
    CEK,
    "rsaes-oaep",
  );
  const reader = new DerReader(info);
  reader.enter(SEQUENCE);
  reader.skip();
  reader.skip();
  assert.equal(
    reader.skip().toHex(),
    "303c06092a864886f70d010107302fa00f300d06096086480165030402010500" +
      "a11c301a06092a864886f70d010108300d06096086480165030402010500",
  );
});

for (const curve of ["P-256", "P-384"]) {
  Deno.test(`recipientInfo() to ${curve} is KeyAgreeRecipientInfo with a new key each time, whatever keyTransport says`, async () => {
    const { certificate } = await curveCertificate(curve);
    const points = new Set<string>();
    for (const keyTransport of ["rsaes-pkcs1-v1_5", "rsaes-oaep"] as const) {
      const info = await recipientInfo(
        readRecipient(certificate),
        CEK,
        keyTransport,
      );
      const reader = new DerReader(info);
      reader.enter(contextTag(1));
      assert.deepEqual(reader.read(INTEGER), new Uint8Array([3]));
      points.add(reader.skip().toHex());
      const wrapAlgorithm = "300b060960864801650304012d";
      const scheme = curve === "P-256" ? "01" : "02";
      assert.equal(
        reader.skip().toHex(),
        `301506062b8104010b${scheme}${wrapAlgorithm}`,
      );
    }
    assert.equal(points.size, 2);
  });
}

async function curveCertificate(
  namedCurve: string,
): Promise<ReturnType<typeof makeCertificate>> {
  const { publicKey } = await crypto.subtle.generateKey(
    { name: "ECDSA", namedCurve },
    true,
    ["sign", "verify"],
  );
  const spki = await crypto.subtle.exportKey("spki", publicKey);
  return makeCertificate(new Uint8Array(spki), 1);
}
