/**
 * Hands the content-encryption key to one recipient.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { constants, createPublicKey, publicEncrypt } from "node:crypto";
import { equal } from "../mail/octets.ts";
import { BerReader } from "./ber_reader.ts";
import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import { ID_RSA_ENCRYPTION } from "./object_identifiers.ts";

/**
 * Encrypts a content-encryption key to one certificate.
 *
 * ```asn1
 * KeyTransRecipientInfo ::= SEQUENCE {
 *   version CMSVersion,  -- always set to 0 or 2
 *   rid RecipientIdentifier,
 *   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
 *   encryptedKey EncryptedKey }
 * ```
 *
 * RSAES-PKCS1-v1_5 and issuerAndSerialNumber, since they are what every engine
 * reads (gpgsm and older NSS know neither OAEP nor subjectKeyIdentifier).
 * WebCrypto has no RSAES-PKCS1-v1_5, so this is `node:crypto`.
 *
 * @param certificate The recipient's certificate, DER.
 * @param cek Content-encryption key, 32 octets for AES-256.
 * @returns The structure in DER, ready for `recipientInfos`.
 * @throws {SyntaxError} If the certificate is no DER certificate.
 * @throws {RangeError} If its key is not RSA, or too small for `cek`.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5652#section-6.2.1 | RFC 5652 §6.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc3370#section-4.2.1 | RFC 3370 §4.2.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8017#section-7.2.1 | RFC 8017 §7.2.1}
 */
export function keyTransRecipientInfo(
  certificate: Uint8Array<ArrayBuffer>,
  cek: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const { issuer, serialNumber, subjectPublicKeyInfo } = readCertificate(
    certificate,
  );
  const encryptedKey = rsaesPkcs1(subjectPublicKeyInfo, cek);
  return der(
    SEQUENCE,
    // RFC 5652 §6.2.1: 0, as rid is the CHOICE issuerAndSerialNumber.
    der(INTEGER, new Uint8Array([0])),
    // RFC 5652 §10.2.4: copied from the certificate octet by octet, since
    // readers compare the encoded name.
    der(SEQUENCE, issuer, serialNumber),
    // RFC 3370 §4.2.1: the parameters must be NULL.
    der(SEQUENCE, der(OBJECT_IDENTIFIER, ID_RSA_ENCRYPTION), der(NULL)),
    der(OCTET_STRING, encryptedKey),
  );
}

/** Three elements of a certificate, each with identifier and length. */
interface CertificateElements {
  readonly issuer: Uint8Array<ArrayBuffer>;
  readonly serialNumber: Uint8Array<ArrayBuffer>;
  readonly subjectPublicKeyInfo: Uint8Array<ArrayBuffer>;
}

/** RFC 5280 §4.1. */
function readCertificate(
  certificate: Uint8Array<ArrayBuffer>,
): CertificateElements {
  const reader = new BerReader(certificate, { der: true });
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE); // tbsCertificate
  if (reader.peek() === contextTag(0)) reader.skip(); // version
  const serialNumber = element(reader, INTEGER);
  element(reader, SEQUENCE); // signature
  const issuer = element(reader, SEQUENCE);
  element(reader, SEQUENCE); // validity
  element(reader, SEQUENCE); // subject
  const subjectPublicKeyInfo = element(reader, SEQUENCE);
  while (!reader.isAtEnd()) reader.skip(); // extensions
  reader.leave();
  while (!reader.isAtEnd()) reader.skip(); // signatureAlgorithm, signature
  reader.leave();
  if (reader.rest.length > 0) {
    throw new SyntaxError("Octets follow the certificate");
  }
  return { issuer, serialNumber, subjectPublicKeyInfo };
}

function element(reader: BerReader, tag: number): Uint8Array<ArrayBuffer> {
  if (reader.peek() !== tag) throw new SyntaxError("Not a certificate");
  return reader.skip();
}

function rsaesPkcs1(
  subjectPublicKeyInfo: Uint8Array<ArrayBuffer>,
  cek: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const reader = new BerReader(subjectPublicKeyInfo, { der: true });
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  // A key marked for RSASSA-PSS or RSAES-OAEP must not be used this way
  // (RFC 4055 §1.2), and an EC key cannot.
  if (!equal(reader.read(OBJECT_IDENTIFIER), ID_RSA_ENCRYPTION)) {
    throw new RangeError(
      "Cannot encrypt to the certificate as its key must be RSA",
    );
  }
  try {
    const key = createPublicKey({
      key: Buffer.from(subjectPublicKeyInfo),
      format: "der",
      type: "spki",
    });
    return new Uint8Array(
      publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, cek),
    );
  } catch (error) {
    throw new RangeError(
      "Cannot encrypt to the certificate as its key cannot be used",
      { cause: error },
    );
  }
}
