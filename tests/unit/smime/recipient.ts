/**
 * A recipient for unit tests: a certificate, and what its key opens.
 *
 * Reads with our own reader, so it shows only that nothing is lost; whether
 * others can read it is judged in tests/interop.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants, privateDecrypt } from "node:crypto";
import { DerReader } from "../../../src/smime/der_reader.ts";
import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  OCTET_STRING,
  SEQUENCE,
  SET,
} from "../../../src/smime/der.ts";
import { ID_ENVELOPED_DATA } from "../../../src/smime/object_identifiers.ts";
import { equal } from "../../../src/mail/octets.ts";

/** One recipient. */
export interface Recipient {
  /** Certificate in DER; its signature is nonsense, which nobody checks. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Issuer and serial number, as they stand in the certificate. */
  readonly issuerAndSerialNumber: Uint8Array<ArrayBuffer>;
  /**
   * Decrypts a ContentInfo of EnvelopedData.
   *
   * @param contentInfo The ContentInfo in DER.
   * @returns Its content.
   */
  open(contentInfo: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

/** Keys take long to make, and nothing here changes a recipient. */
const recipients = new Map<number, Promise<Recipient>>();

/**
 * Makes a recipient with a key of its own, once for each serial number.
 *
 * @param serialNumber Serial number of the certificate, 1 to 127.
 * @returns The recipient.
 */
export function makeRecipient(serialNumber: number): Promise<Recipient> {
  const recipient = recipients.get(serialNumber) ?? generate(serialNumber);
  recipients.set(serialNumber, recipient);
  return recipient;
}

async function generate(serialNumber: number): Promise<Recipient> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(
    {
      name: "RSA-OAEP",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    },
    true,
    ["encrypt", "decrypt"],
  );
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  const pkcs8 = new Uint8Array(
    await crypto.subtle.exportKey("pkcs8", privateKey),
  );
  const { certificate, issuerAndSerialNumber } = makeCertificate(
    spki,
    serialNumber,
  );
  return {
    certificate,
    issuerAndSerialNumber,
    open: (contentInfo) => open(contentInfo, pkcs8, issuerAndSerialNumber),
  };
}

/**
 * Makes a certificate around a public key.
 *
 * @param subjectPublicKeyInfo The key in DER.
 * @param serialNumber Serial number, 1 to 127.
 * @returns The certificate, and its issuer and serial number.
 */
export function makeCertificate(
  subjectPublicKeyInfo: Uint8Array<ArrayBuffer>,
  serialNumber: number,
): Pick<Recipient, "certificate" | "issuerAndSerialNumber"> {
  const algorithm = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.1.11")),
    der(NULL),
  );
  const name = der(
    SEQUENCE,
    der(
      SET,
      der(
        SEQUENCE,
        der(OBJECT_IDENTIFIER, objectIdentifier("2.5.4.3")),
        der(0x0c, new TextEncoder().encode("Käthe")),
      ),
    ),
  );
  const time = der(0x17, new TextEncoder().encode("260101000000Z"));
  const serial = der(INTEGER, new Uint8Array([serialNumber]));
  const tbsCertificate = der(
    SEQUENCE,
    der(contextTag(0), der(INTEGER, new Uint8Array([2]))),
    serial,
    algorithm,
    name,
    der(SEQUENCE, time, time),
    name,
    subjectPublicKeyInfo,
  );
  return {
    certificate: der(
      SEQUENCE,
      tbsCertificate,
      algorithm,
      der(0x03, new Uint8Array(9)),
    ),
    issuerAndSerialNumber: der(SEQUENCE, name, serial),
  };
}

async function open(
  contentInfo: Uint8Array<ArrayBuffer>,
  pkcs8: Uint8Array<ArrayBuffer>,
  issuerAndSerialNumber: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new DerReader(contentInfo);
  reader.enter(SEQUENCE);
  if (!equal(reader.read(OBJECT_IDENTIFIER), ID_ENVELOPED_DATA)) {
    throw new Error("Not EnvelopedData");
  }
  reader.enter(contextTag(0));
  reader.enter(SEQUENCE);
  reader.read(INTEGER);
  let encryptedKey: Uint8Array<ArrayBuffer> | undefined;
  reader.enter(SET);
  while (!reader.isAtEnd()) {
    reader.enter(SEQUENCE);
    reader.read(INTEGER);
    const isOurs = equal(reader.skip(), issuerAndSerialNumber);
    reader.skip();
    const octets = reader.read(OCTET_STRING);
    if (isOurs) encryptedKey = octets;
    reader.leave();
  }
  reader.leave();
  reader.enter(SEQUENCE);
  reader.read(OBJECT_IDENTIFIER);
  reader.enter(SEQUENCE);
  reader.read(OBJECT_IDENTIFIER);
  const iv = reader.read(OCTET_STRING);
  reader.leave();
  const ciphertext = reader.read(contextTag(0, { isConstructed: false }));
  for (let depth = 0; depth < 4; depth++) reader.leave();
  if (encryptedKey === undefined || reader.rest.length > 0) {
    throw new Error("Not for this recipient, or not complete");
  }
  const cek = privateDecrypt(
    {
      key: pem("PRIVATE KEY", pkcs8),
      padding: constants.RSA_PKCS1_PADDING,
    },
    Buffer.from(encryptedKey),
  );
  const key = await crypto.subtle.importKey(
    "raw",
    new Uint8Array(cek),
    "AES-CBC",
    false,
    ["decrypt"],
  );
  return new Uint8Array(
    await crypto.subtle.decrypt({ name: "AES-CBC", iv }, key, ciphertext),
  );
}

function pem(label: string, octets: Uint8Array): string {
  const lines = octets.toBase64().replace(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
