/**
 * PKCS#12 files: a private key and its certificate under a password.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { derSetOf } from "../smime/der.ts";
import { ID_DATA } from "../smime/object_identifiers.ts";
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
  /** Private key, PKCS#8 DER. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** Certificate of that key, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Name that key stores show: 1 to 255 characters of the BMP. */
  readonly friendlyName: string;
  /** Password: 8 to 128 printable ASCII characters. */
  readonly password: string;
  /**
   * `modern` is PBES2 with AES-256 and a SHA-256 MAC; `compat` is 3DES and
   * SHA-1, for Android up to 13, iOS up to 17, macOS up to 14 and gpgsm 2.2,
   * which call the other form a wrong password.
   */
  readonly form: "modern" | "compat";
}

/** The algorithms of a form. */
interface Form {
  /** Encrypts the key and the certificate. */
  encrypt(
    plaintext: Der,
    password: string,
    iterations: number,
  ): Promise<Encrypted>;
  /** Hash function of the MAC. */
  readonly macHash: HashName;
}

const FORMS: Readonly<Record<PfxOptions["form"], Form>> = {
  modern: { encrypt: pbes2Encrypt, macHash: "SHA-256" },
  // iOS up to 17 and macOS up to 14 check a SHA-1 MAC only.
  compat: { encrypt: pbeTripleDesEncrypt, macHash: "SHA-1" },
};

/**
 * Rounds of every key derivation, in both forms. Who guesses passwords takes
 * the cheapest of MAC, key and certificate in either file, so one smaller
 * number would set the price of all. Importers take more: .NET, the strictest
 * known, stops at 300,000 for one derivation and at 1,000,000 for all but the
 * MAC, the JDK at 5,000,000.
 */
const ITERATIONS = 100_000;

/** RFC 2985 appendix A: pkcs-9-ub-friendlyName; BMPString has U+FFFF at most. */
const FRIENDLY_NAME_REGEXP = /^[^\p{Cc}\p{Cs}\u{10000}-\u{10ffff}]{1,255}$/u;

/** Printable ASCII, 8 to 128 characters. */
const PASSWORD_REGEXP = /^[\x20-\x7e]{8,128}$/;

/**
 * Checks the password that a bundle is to be locked with.
 *
 * ASCII only, since importers disagree about everything else: the MAC takes the
 * password as UTF-16, PBES2 as UTF-8, and keytool and gpgsm fail either way.
 *
 * @param text What the caller asked for.
 * @returns The same text.
 * @throws {AppError} `invalid_request` if it is not 8 to 128 printable ASCII
 * characters.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#appendix-B.1 | RFC 7292 appendix B.1}
 */
export function checkBundlePassword(text: string): string {
  if (typeof text !== "string" || !PASSWORD_REGEXP.test(text)) {
    throw new AppError(
      "invalid_request",
      "Field password must be 8 to 128 printable ASCII characters",
    );
  }
  return text;
}

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
 * @param options Key, certificate, name, password and form.
 * @returns The file. Salts are random: no two are equal.
 * @throws {AppError} `invalid_request` if the password is not allowed.
 * @throws {RangeError} If the friendly name is not allowed.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7292#section-4 | RFC 7292 §4}
 */
export async function pfx(
  options: PfxOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const password = checkBundlePassword(options.password);
  const { encrypt, macHash } = FORMS[options.form];
  const attributes = await bagAttributes(options);
  const certificates = await encrypt(
    sequence(certBag(options.certificate, attributes)),
    password,
    ITERATIONS,
  );
  const key = await encrypt(options.privateKey, password, ITERATIONS);
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
function certBag(certificate: Der, attributes: Der): Der {
  return identified(
    ID_CERT_BAG,
    explicit0(
      identified(ID_X509_CERTIFICATE, explicit0(octetString(certificate))),
    ),
    attributes,
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
