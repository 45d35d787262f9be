/**
 * The parts that all of our certificates have, as DER.
 *
 * Not `@peculiar/x509`, which reads again what it has written, and so takes
 * twice as long for a certificate as the signature in it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, sign } from "node:crypto";
import { DerReader } from "../smime/der_reader.ts";
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
} from "../smime/der.ts";
import { readRecipientKey } from "../smime/recipient_key.ts";
import { publicKeyOf } from "./key_pair.ts";

/** A certificate and its time of validity. */
export interface Issued {
  /** The certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** First moment of validity, whole seconds. */
  readonly notBefore: Date;
  /** Last moment of validity, whole seconds. */
  readonly notAfter: Date;
}

/** When a certificate is valid. */
export interface Validity {
  /** First moment of validity; parts of a second are dropped. */
  readonly notBefore: Date;
  /** Days of 86,400 seconds from `notBefore` to `notAfter`; at least 1. */
  readonly validityDays: number;
}

/** What a certificate says. */
export interface CertificateFields extends Validity {
  /** Name of the signer, DER. */
  readonly issuer: Uint8Array;
  /** Name of the owner, DER. */
  readonly subject: Uint8Array;
  /** What is certified: SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Each as {@linkcode extension} makes it. */
  readonly extensions: readonly Uint8Array[];
}

const BOOLEAN = 0x01;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

const ID_COMMON_NAME = objectIdentifier("2.5.4.3");
const ID_BASIC_CONSTRAINTS = objectIdentifier("2.5.29.19");
const ID_KEY_USAGE = objectIdentifier("2.5.29.15");
const ID_EXTENDED_KEY_USAGE = objectIdentifier("2.5.29.37");
const ID_SUBJECT_KEY_IDENTIFIER = objectIdentifier("2.5.29.14");
const ID_AUTHORITY_KEY_IDENTIFIER = objectIdentifier("2.5.29.35");
const ID_EMAIL_PROTECTION = objectIdentifier("1.3.6.1.5.5.7.3.4");

/** sha256WithRSAEncryption; RFC 4055 §5: parameters are NULL. */
const SHA256_WITH_RSA = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.113549.1.1.11")),
  der(NULL),
);

/** ecdsa-with-SHA256; RFC 5758 §3.2: parameters are absent. */
const ECDSA_WITH_SHA256 = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, objectIdentifier("1.2.840.10045.4.3.2")),
);

/** v3 */
const VERSION = der(contextTag(0), der(INTEGER, new Uint8Array([2])));

const TRUE = der(BOOLEAN, new Uint8Array([0xff]));

/** Longest time that GeneralizedTime can say, RFC 5280 §4.1.2.5. */
const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/** From here on UTCTime is a year of this century, RFC 5280 §4.1.2.5.1. */
const START_OF_TIME = Date.UTC(1950, 0, 1);

/** For WebCrypto. */
const RSA_SHA256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

const encoder = new TextEncoder();

/**
 * Writes a certificate and signs it, with SHA-256.
 *
 * The serial number is random, so issuer and serial number, by which readers
 * look up their key, are never the same for two certificates.
 *
 * ```asn1
 * TBSCertificate ::= SEQUENCE {
 *   version [0] EXPLICIT Version DEFAULT v1,
 *   serialNumber CertificateSerialNumber,
 *   signature AlgorithmIdentifier,
 *   issuer Name,
 *   validity Validity,
 *   subject Name,
 *   subjectPublicKeyInfo SubjectPublicKeyInfo,
 *   extensions [3] EXPLICIT Extensions OPTIONAL }
 * ```
 *
 * @param fields What it says.
 * @param privateKey The signer's, RSA or P-256, PKCS#8 DER.
 * @returns The certificate and the times in it.
 * @throws {RangeError} If the day count or the times cannot stand in a
 * certificate, or the key is another one.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 */
export async function signCertificate(
  fields: CertificateFields,
  privateKey: Uint8Array<ArrayBuffer>,
): Promise<Issued> {
  const { notBefore, notAfter } = validity(fields);
  const { algorithm, sign } = signatureBy(privateKey);
  const tbsCertificate = der(
    SEQUENCE,
    VERSION,
    der(INTEGER, serialNumber()),
    algorithm,
    fields.issuer,
    der(SEQUENCE, time(notBefore), time(notAfter)),
    fields.subject,
    fields.publicKey,
    der(contextTag(3), der(SEQUENCE, ...fields.extensions)),
  );
  const certificate = der(
    SEQUENCE,
    tbsCertificate,
    algorithm,
    bits(await sign(tbsCertificate)),
  );
  return { certificate, notBefore, notAfter };
}

/** How a key signs, and the AlgorithmIdentifier that says so. */
interface Signature {
  readonly algorithm: Uint8Array;
  sign(octets: Uint8Array<ArrayBuffer>): Promise<Uint8Array> | Uint8Array;
}

function signatureBy(privateKey: Uint8Array<ArrayBuffer>): Signature {
  switch (readRecipientKey(publicKeyOf(privateKey)).keyType) {
    case "RSA":
      return {
        algorithm: SHA256_WITH_RSA,
        sign: (octets) => signWithRsa(octets, privateKey),
      };
    case "P-256":
      return {
        algorithm: ECDSA_WITH_SHA256,
        // Too fast to be worth a thread. It gives the DER of RFC 3279 §2.2.3,
        // and WebCrypto does not.
        sign: (octets) =>
          sign("sha256", octets, {
            key: Buffer.from(privateKey),
            format: "der",
            type: "pkcs8",
          }),
      };
    case "P-384":
      throw new RangeError("Cannot sign as the key must be RSA or P-256");
  }
}

/** WebCrypto works on a thread of its own, so other requests go on. */
async function signWithRsa(
  octets: Uint8Array<ArrayBuffer>,
  privateKey: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey(
    "pkcs8",
    privateKey,
    RSA_SHA256,
    false,
    ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign(RSA_SHA256, key, octets));
}

/**
 * Writes a name that has one CommonName and nothing else.
 *
 * @param text 64 characters at most: ub-common-name of RFC 5280 appendix A.1.
 * @returns Name, DER.
 */
export function commonName(text: string): Uint8Array<ArrayBuffer> {
  const attribute = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, ID_COMMON_NAME),
    // RFC 5280 §4.1.2.4: UTF8String, as PrintableString has no "@".
    der(UTF8_STRING, encoder.encode(text)),
  );
  return der(SEQUENCE, der(SET, attribute));
}

/**
 * Reads the subject of a certificate of ours.
 *
 * @param certificate The certificate, DER.
 * @returns Name, DER.
 */
export function subjectOf(
  certificate: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const reader = new DerReader(certificate);
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  // version, serialNumber, signature, issuer and validity
  for (let i = 0; i < 5; i++) reader.skip();
  return reader.skip();
}

/**
 * Makes the identifier of a key.
 *
 * @param publicKey SubjectPublicKeyInfo, DER.
 * @returns 20 octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.2 | RFC 5280 §4.2.1.2 method 1}
 */
export function keyIdentifier(
  publicKey: Uint8Array<ArrayBuffer>,
): Uint8Array {
  const reader = new DerReader(publicKey);
  reader.enter(SEQUENCE);
  reader.skip();
  // Without the octet that counts unused bits.
  const key = reader.read(BIT_STRING).subarray(1);
  return createHash("sha1").update(key).digest();
}

/**
 * Writes an extension.
 *
 * @param identifier Content octets of the object identifier.
 * @param value The encoded value.
 * @param isCritical Whether readers that do not know it refuse the certificate.
 * @returns Extension, DER.
 */
export function extension(
  identifier: Uint8Array,
  value: Uint8Array,
  isCritical = false,
): Uint8Array<ArrayBuffer> {
  return der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, identifier),
    ...isCritical ? [TRUE] : [],
    der(OCTET_STRING, value),
  );
}

/** RFC 5280 §4.2.1.9: of whoever is no authority; cA is false by DEFAULT. */
export const NO_AUTHORITY: Uint8Array = extension(
  ID_BASIC_CONSTRAINTS,
  der(SEQUENCE),
  true,
);

/** RFC 5280 §4.2.1.9: of an authority under which there is no other one. */
export const LAST_AUTHORITY: Uint8Array = extension(
  ID_BASIC_CONSTRAINTS,
  der(SEQUENCE, TRUE, der(INTEGER, new Uint8Array([0]))),
  true,
);

/** RFC 5280 §4.2.1.3: digitalSignature (0) and keyEncipherment (2). */
export const SIGNS_AND_IS_ENCRYPTED_TO: Uint8Array = extension(
  ID_KEY_USAGE,
  bits(new Uint8Array([0b1010_0000]), 5),
  true,
);

/** RFC 5280 §4.2.1.3: digitalSignature (0) and keyAgreement (4), for a curve. */
export const SIGNS_AND_AGREES: Uint8Array = extension(
  ID_KEY_USAGE,
  bits(new Uint8Array([0b1000_1000]), 3),
  true,
);

/** RFC 5280 §4.2.1.3: keyCertSign (5) and cRLSign (6). */
export const SIGNS_CERTIFICATES: Uint8Array = extension(
  ID_KEY_USAGE,
  bits(new Uint8Array([0b0000_0110]), 1),
  true,
);

/** RFC 5280 §4.2.1.12: emailProtection alone. */
export const FOR_MAIL: Uint8Array = extension(
  ID_EXTENDED_KEY_USAGE,
  der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_EMAIL_PROTECTION)),
);

/**
 * Writes subjectKeyIdentifier and authorityKeyIdentifier.
 *
 * @param subject Identifier of the key that is certified.
 * @param authority Identifier of the key that signs.
 * @returns Both extensions, DER.
 */
export function keyIdentifiers(
  subject: Uint8Array,
  authority: Uint8Array,
): Uint8Array[] {
  const keyId = der(contextTag(0, { isConstructed: false }), authority);
  return [
    extension(ID_SUBJECT_KEY_IDENTIFIER, der(OCTET_STRING, subject)),
    extension(ID_AUTHORITY_KEY_IDENTIFIER, der(SEQUENCE, keyId)),
  ];
}

/** Checks the times; a certificate knows no parts of a second. */
function validity(options: Validity): { notBefore: Date; notAfter: Date } {
  const { validityDays } = options;
  if (!Number.isInteger(validityDays) || validityDays < 1) {
    throw new RangeError(
      `Cannot issue certificate as validityDays must be an integer >= 1: current value is ${validityDays}`,
    );
  }
  const start = Math.floor(options.notBefore.getTime() / 1000) * 1000;
  const end = start + validityDays * 86_400_000;
  if (!(start >= START_OF_TIME && end <= END_OF_TIME)) {
    throw new RangeError(
      "Cannot issue certificate as it must be valid between 1950 and 9999",
    );
  }
  return { notBefore: new Date(start), notAfter: new Date(end) };
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
function time(moment: Date): Uint8Array<ArrayBuffer> {
  // 2026-11-22T12:00:00.000Z becomes 20261122120000Z.
  const digits = moment.toISOString().replace(/\.\d+|[-:T]/g, "");
  return moment.getUTCFullYear() < 2050
    ? der(UTC_TIME, encoder.encode(digits.slice(2)))
    : der(GENERALIZED_TIME, encoder.encode(digits));
}

/**
 * Makes a positive serial number of 16 octets.
 *
 * RFC 5280 §4.1.2.2: positive, at most 20 octets. The top bit is clear, as the
 * INTEGER would be negative; the next one is set, so that it is always 16
 * octets long. 126 bits are random.
 */
function serialNumber(): Uint8Array<ArrayBuffer> {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return octets;
}

function bits(octets: Uint8Array, unused = 0): Uint8Array<ArrayBuffer> {
  return der(BIT_STRING, new Uint8Array([unused]), octets);
}
