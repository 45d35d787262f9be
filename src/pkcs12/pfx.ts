/**
 * PKCS#12 files: a private key and its certificate under a password.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { equal } from "../mail/octets.ts";
import { derSetOf } from "../smime/der.ts";
import { ID_DATA } from "../smime/object_identifiers.ts";
import { publicKeyOf } from "../x509/key_pair.ts";
import {
  bmpString,
  type Der,
  explicit0,
  identified,
  implicit0OctetString,
  integer,
  octetString,
  sequence,
} from "./der.ts";
import type { HashName } from "./iterated_hash.ts";
import { macData } from "./mac_data.ts";
import {
  ID_CERT_BAG,
  ID_ENCRYPTED_DATA,
  ID_FRIENDLY_NAME,
  ID_LOCAL_KEY_ID,
  ID_PKCS8_SHROUDED_KEY_BAG,
  ID_X509_CERTIFICATE,
} from "./object_identifiers.ts";
import { type Encrypted, pbes2Encrypt } from "./pbes2.ts";
import { pbeTripleDesEncrypt } from "./pbe_triple_des.ts";

/** What goes into a file. */
export interface PfxOptions {
  /** Private key, PKCS#8 DER: RSA or elliptic curve. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** Certificate of that key, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Certificates of its issuers, DER, the nearest first; none if left out. */
  readonly chain?: readonly Uint8Array<ArrayBuffer>[];
  /** Name that key stores show: 1 to 255 characters of the BMP. */
  readonly friendlyName: string;
  /** Password: 1 to 128 characters of the BMP. */
  readonly password: string;
  /** Its algorithms. */
  readonly format: PfxFormat;
}

/**
 * `modern` is PBES2 with AES-256 and a SHA-256 MAC; `compatible` is 3DES and
 * SHA-1, for Android up to 13, iOS up to 17, macOS up to 14 and gpgsm 2.2, which
 * call the other one a wrong password.
 */
export type PfxFormat = "modern" | "compatible";

/** The algorithms of a format. */
interface Algorithms {
  /** Encrypts the key and the certificates. */
  encrypt(
    plaintext: Der,
    password: string,
    iterations: number,
  ): Promise<Encrypted>;
  /** Hash function of the MAC. */
  readonly macHash: HashName;
}

const FORMATS: Readonly<Record<PfxFormat, Algorithms>> = {
  modern: { encrypt: pbes2Encrypt, macHash: "SHA-256" },
  // iOS up to 17 and macOS up to 14 check a SHA-1 MAC only.
  compatible: { encrypt: pbeTripleDesEncrypt, macHash: "SHA-1" },
};

/**
 * Rounds of every key derivation, in both formats. Who guesses passwords takes
 * the cheapest of MAC, key and certificate in either file, so one smaller
 * number would set the price of all. Importers take more: .NET, the strictest
 * known, stops at 300,000 for one derivation and at 1,000,000 for all but the
 * MAC, the JDK at 5,000,000.
 */
const ITERATIONS = 100_000;

/** RFC 2985 appendix A: pkcs-9-ub-friendlyName; BMPString has U+FFFF at most. */
const FRIENDLY_NAME_REGEXP = /^[^\p{Cc}\p{Cs}\u{10000}-\u{10ffff}]{1,255}$/u;

/** What RFC 7292 appendix B.1 can encode, and importers pass on unchanged. */
const PASSWORD_REGEXP = /^[^\p{Cc}\p{Cs}\u{10000}-\u{10ffff}]{1,128}$/u;

/**
 * Encodes a private key and its certificate as a file that mail clients import,
 * usually named `.p12` and of type `application/x-pkcs12`.
 *
 * There is one key per file, as gpgsm and Android take no more, and always a
 * MAC, without which NSS and Apple refuse the file.
 *
 * ```asn1
 * PFX ::= SEQUENCE {
 *   version INTEGER {v3(3)}(v3,...),
 *   authSafe ContentInfo,
 *   macData MacData OPTIONAL }
 * AuthenticatedSafe ::= SEQUENCE OF ContentInfo
 * ```
 *
 * @param options Key, certificates, name, password and format.
 * @returns The file. Salts are random: no two are equal.
 * @throws {RangeError} If password or friendly name are not allowed, or the key
 * is not that of the certificate.
 * @throws {Error} If key or certificate cannot be read.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#section-4 | RFC 7292 §4}
 */
export async function pfx(
  options: PfxOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { privateKey, certificate, chain = [], password } = options;
  if (!PASSWORD_REGEXP.test(password)) {
    throw new RangeError(
      "Cannot encode PFX as password must be 1 to 128 characters of the BMP",
    );
  }
  checkPair(privateKey, certificate);
  const { encrypt, macHash } = FORMATS[options.format];
  const attributes = await bagAttributes(options);
  const certificates = await encrypt(
    sequence(
      certBag(certificate, attributes),
      // Importers take the certificate with the key's localKeyId for its own.
      ...chain.map((issuer) => certBag(issuer)),
    ),
    password,
    ITERATIONS,
  );
  const key = await encrypt(privateKey, password, ITERATIONS);
  // Certificates first, as OpenSSL and Windows write them.
  const authenticatedSafe = sequence(
    encryptedData(certificates),
    data(sequence(pkcs8ShroudedKeyBag(key, attributes))),
  );
  return sequence(
    integer(3),
    data(authenticatedSafe),
    await macData(authenticatedSafe, {
      hash: macHash,
      password,
      iterations: ITERATIONS,
    }),
  );
}

/** A file with another's key would import and open nothing. */
function checkPair(
  privateKey: Uint8Array<ArrayBuffer>,
  certificate: Uint8Array<ArrayBuffer>,
): void {
  const { publicKey } = new X509Certificate(certificate);
  const certified = publicKey.export({ type: "spki", format: "der" });
  if (!equal(new Uint8Array(certified), publicKeyOf(privateKey))) {
    throw new RangeError(
      "Cannot encode PFX as the private key must be that of the certificate",
    );
  }
}

/**
 * The attributes by which key stores pair key and certificate: Apple goes by
 * localKeyId, then by friendlyName. Both bags have the same ones.
 *
 * ```asn1
 * PKCS12Attribute ::= SEQUENCE {
 *   attrId ATTRIBUTE.&id ({PKCS12AttrSet}),
 *   attrValues SET OF ATTRIBUTE.&Type ({PKCS12AttrSet}{@attrId}) }
 * ```
 */
async function bagAttributes(options: PfxOptions): Promise<Der> {
  if (!FRIENDLY_NAME_REGEXP.test(options.friendlyName)) {
    throw new RangeError(
      "Cannot encode PFX as friendlyName must be 1 to 255 characters of the BMP",
    );
  }
  // RFC 2985 §5.5.2 leaves the value open; this is what OpenSSL takes.
  const localKeyId = new Uint8Array(
    await crypto.subtle.digest("SHA-1", options.certificate),
  );
  return derSetOf([
    identified(
      ID_FRIENDLY_NAME,
      derSetOf([bmpString(options.friendlyName)]),
    ),
    identified(ID_LOCAL_KEY_ID, derSetOf([octetString(localKeyId)])),
  ]);
}

/**
 * RFC 7292 §4.2.2, with the EncryptedPrivateKeyInfo of RFC 5208 §6.
 *
 * ```asn1
 * SafeBag ::= SEQUENCE {
 *   bagId BAG-TYPE.&id ({PKCS12BagSet}),
 *   bagValue [0] EXPLICIT BAG-TYPE.&Type({PKCS12BagSet}{@bagId}),
 *   bagAttributes SET OF PKCS12Attribute OPTIONAL }
 * EncryptedPrivateKeyInfo ::= SEQUENCE {
 *   encryptionAlgorithm EncryptionAlgorithmIdentifier,
 *   encryptedData EncryptedData }
 * ```
 */
function pkcs8ShroudedKeyBag(key: Encrypted, attributes: Der): Der {
  return identified(
    ID_PKCS8_SHROUDED_KEY_BAG,
    explicit0(sequence(key.algorithm, octetString(key.octets))),
    attributes,
  );
}

/**
 * RFC 7292 §4.2.3.
 *
 * ```asn1
 * CertBag ::= SEQUENCE {
 *   certId BAG-TYPE.&id ({CertTypes}),
 *   certValue [0] EXPLICIT BAG-TYPE.&Type ({CertTypes}{@certId}) }
 * ```
 */
function certBag(certificate: Der, ...attributes: readonly Der[]): Der {
  return identified(
    ID_CERT_BAG,
    explicit0(
      identified(ID_X509_CERTIFICATE, explicit0(octetString(certificate))),
    ),
    ...attributes,
  );
}

/** A ContentInfo of the type data, RFC 5652 §3 and §4. */
function data(octets: Der): Der {
  return identified(ID_DATA, explicit0(octetString(octets)));
}

/**
 * A ContentInfo of the type encryptedData, RFC 5652 §8.
 *
 * ```asn1
 * EncryptedData ::= SEQUENCE {
 *   version CMSVersion,
 *   encryptedContentInfo EncryptedContentInfo,
 *   unprotectedAttrs [1] IMPLICIT UnprotectedAttributes OPTIONAL }
 * EncryptedContentInfo ::= SEQUENCE {
 *   contentType ContentType,
 *   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
 *   encryptedContent [0] IMPLICIT EncryptedContent OPTIONAL }
 * ```
 */
function encryptedData({ algorithm, octets }: Encrypted): Der {
  return identified(
    ID_ENCRYPTED_DATA,
    explicit0(sequence(
      // RFC 5652 §8: 0, as there are no unprotectedAttrs.
      integer(0),
      identified(ID_DATA, algorithm, implicit0OctetString(octets)),
    )),
  );
}
