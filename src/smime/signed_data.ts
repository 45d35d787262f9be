/**
 * SignedData: octets with a signature around them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, sign } from "node:crypto";
import { DerReader } from "./der_reader.ts";
import {
  contextTag,
  der,
  derSetOf,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import { ID_DATA, ID_RSA_ENCRYPTION } from "./object_identifiers.ts";

/** Who signs. */
export interface CmsSigner {
  /** Its certificate and those of its issuers, DER, its own first. */
  readonly certificates: readonly Uint8Array<ArrayBuffer>[];
  /** Its private key: PEM, PKCS#8 or the older forms; RSA or elliptic curve. */
  readonly privateKeyPem: string;
}

/** `id-signedData`, RFC 5652 §5.1. */
const ID_SIGNED_DATA = objectIdentifier("1.2.840.113549.1.7.2");
/** `id-contentType`, RFC 5652 §11.1. */
const ID_CONTENT_TYPE = objectIdentifier("1.2.840.113549.1.9.3");
/** `id-messageDigest`, RFC 5652 §11.2. */
const ID_MESSAGE_DIGEST = objectIdentifier("1.2.840.113549.1.9.4");
/** `id-signingTime`, RFC 5652 §11.3. */
const ID_SIGNING_TIME = objectIdentifier("1.2.840.113549.1.9.5");
/** `id-sha256`, RFC 5754 §2.2. */
const ID_SHA256 = objectIdentifier("2.16.840.1.101.3.4.2.1");
/** `ecdsa-with-SHA256`, RFC 5753 §7.1.3. */
const ID_ECDSA_WITH_SHA256 = objectIdentifier("1.2.840.10045.4.3.2");

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** From here on UTCTime is another century, RFC 5652 §11.3. */
const YEAR_2050 = 2050;

const SHA256 = der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_SHA256));
const VERSION_1 = der(INTEGER, new Uint8Array([1]));

/**
 * Signs octets with SHA-256; they are inside.
 *
 * ```asn1
 * SignedData ::= SEQUENCE {
 *   version CMSVersion,
 *   digestAlgorithms DigestAlgorithmIdentifiers,
 *   encapContentInfo EncapsulatedContentInfo,
 *   certificates [0] IMPLICIT CertificateSet OPTIONAL,
 *   crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
 *   signerInfos SignerInfos }
 * ```
 *
 * @param content What is signed.
 * @param signer Who signs.
 * @param signingTime When, whole seconds.
 * @returns ContentInfo, DER.
 * @throws {RangeError} If there is no certificate.
 * @throws {Error} If the key cannot be read, or is neither RSA nor an elliptic
 * curve's.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-5 | RFC 5652 §5}
 */
export function signedData(
  content: Uint8Array,
  { certificates, privateKeyPem }: CmsSigner,
  signingTime: Date,
): Uint8Array<ArrayBuffer> {
  const [certificate] = certificates;
  if (certificate === undefined) {
    throw new RangeError("Cannot sign as there must be a certificate");
  }
  const encapsulated = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, ID_DATA),
    der(contextTag(0), der(OCTET_STRING, content)),
  );
  const signed = der(
    SEQUENCE,
    VERSION_1,
    derSetOf([SHA256]),
    encapsulated,
    implicitSetOf(certificates),
    derSetOf([signerInfo(content, certificate, privateKeyPem, signingTime)]),
  );
  return der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, ID_SIGNED_DATA),
    der(contextTag(0), signed),
  );
}

/**
 * ```asn1
 * SignerInfo ::= SEQUENCE {
 *   version CMSVersion,
 *   sid SignerIdentifier,
 *   digestAlgorithm DigestAlgorithmIdentifier,
 *   signedAttrs [0] IMPLICIT SignedAttributes OPTIONAL,
 *   signatureAlgorithm SignatureAlgorithmIdentifier,
 *   signature SignatureValue,
 *   unsignedAttrs [1] IMPLICIT UnsignedAttributes OPTIONAL }
 * ```
 */
function signerInfo(
  content: Uint8Array,
  certificate: Uint8Array<ArrayBuffer>,
  privateKeyPem: string,
  signingTime: Date,
): Uint8Array {
  const key = createPrivateKey(privateKeyPem);
  const attributes = [
    attribute(ID_CONTENT_TYPE, der(OBJECT_IDENTIFIER, ID_DATA)),
    attribute(ID_SIGNING_TIME, time(signingTime)),
    attribute(
      ID_MESSAGE_DIGEST,
      der(OCTET_STRING, createHash("sha256").update(content).digest()),
    ),
  ];
  // RFC 5652 §5.4: signed as SET OF, written with the implicit tag.
  const signature = sign("sha256", derSetOf(attributes), key);
  return der(
    SEQUENCE,
    VERSION_1,
    issuerAndSerialNumber(certificate),
    SHA256,
    implicitSetOf(attributes),
    signatureAlgorithm(key.asymmetricKeyType),
    der(OCTET_STRING, signature),
  );
}

function signatureAlgorithm(keyType: string | undefined): Uint8Array {
  if (keyType === "rsa") {
    return der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_RSA_ENCRYPTION), der(NULL));
  }
  if (keyType === "ec") {
    return der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_ECDSA_WITH_SHA256));
  }
  throw new Error(`cannot sign with a key of type ${keyType}`);
}

function attribute(type: Uint8Array, value: Uint8Array): Uint8Array {
  return der(SEQUENCE, der(OBJECT_IDENTIFIER, type), derSetOf([value]));
}

/** A SET OF with the implicit tag [0]. */
function implicitSetOf(elements: readonly Uint8Array[]): Uint8Array {
  const set = derSetOf(elements);
  set[0] = contextTag(0);
  return set;
}

/** RFC 5652 §10.2.4. */
function issuerAndSerialNumber(
  certificate: Uint8Array<ArrayBuffer>,
): Uint8Array {
  const reader = new DerReader(certificate);
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  if (reader.peek() === contextTag(0)) reader.skip();
  const serialNumber = reader.skip();
  reader.skip();
  return der(SEQUENCE, reader.skip(), serialNumber);
}

/** RFC 5652 §11.3. */
function time(date: Date): Uint8Array {
  const digits = date.toISOString().replaceAll(/\..*|\D/g, "");
  const isLate = date.getUTCFullYear() >= YEAR_2050;
  const text = `${isLate ? digits : digits.slice(2)}Z`;
  return der(
    isLate ? GENERALIZED_TIME : UTC_TIME,
    new TextEncoder().encode(text),
  );
}

/**
 * Says whether a certificate was issued by its own subject.
 *
 * @param certificate The certificate, DER.
 * @returns Whether issuer and subject are the same name.
 */
export function isSelfIssued(certificate: Uint8Array<ArrayBuffer>): boolean {
  const reader = new DerReader(certificate);
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  if (reader.peek() === contextTag(0)) reader.skip();
  reader.skip();
  reader.skip();
  const issuer = reader.skip();
  reader.skip();
  return Buffer.compare(issuer, reader.skip()) === 0;
}
