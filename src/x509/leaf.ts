/**
 * The certificate of one address: the S/MIME profile of RFC 8550.
 *
 * @module
 */

// tsyringe, which @peculiar/x509 uses, throws without it; so it comes first.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
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

/** Who signs a certificate. */
export interface Signer {
  /** Its certificate, DER; undefined if it signs for itself. */
  readonly certificate: Uint8Array<ArrayBuffer> | undefined;
  /** Its RSA private key, PKCS#8 DER. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

/** Characters in a CommonName: ub-common-name of RFC 5280 appendix A.1. */
const UB_COMMON_NAME = 64;

/**
 * An address that rfc822Name can carry: IA5String, so ASCII only. The domain is
 * in A-labels.
 */
const ADDRESS_REGEXP = /^[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9.-]{1,255}$/;

/**
 * id-smime-capabilities, RFC 8551 §2.5.2: the smimeCapabilities attribute.
 * RFC 4262 §2 uses the same identifier for the certificate extension.
 */
const ID_SMIME_CAPABILITIES = "1.2.840.113549.1.9.15";

/**
 * What mail to this certificate may be encrypted with, best first. Outlook
 * picks its cipher from it.
 *
 * ```asn1
 * SMIMECapabilities ::= SEQUENCE OF SMIMECapability
 * SMIMECapability ::= SEQUENCE {
 *   capabilityID OBJECT IDENTIFIER,
 *   parameters ANY DEFINED BY capabilityID OPTIONAL }
 * ```
 */
const SMIME_CAPABILITIES = Uint8Array.fromHex(
  "301a" +
    // RFC 3565 §4.1: without parameters.
    "300b" + "060960864801650304012a" + // id-aes256-CBC
    "300b" + "0609608648016503040102", // id-aes128-CBC
);

/** Longest time that GeneralizedTime can say, RFC 5280 §4.1.2.5. */
const END_OF_TIME = Date.UTC(9999, 11, 31, 23, 59, 59);

/** From here on UTCTime is a year of this century, RFC 5280 §4.1.2.5.1. */
const START_OF_TIME = Date.UTC(1950, 0, 1);

/** Algorithm of all signatures. */
export const RSA_SHA256 = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
} as const;

/**
 * Issues a certificate for one address.
 *
 * The subject is `CN=<address>` and nothing else. A CommonName holds at most 64
 * characters: of a longer address it has the first 61 and `...`, which is no
 * address, so that the shortened name of one vaultbox can never be read as the
 * full name of another. Programs go by subjectAltName, which always has all of
 * it.
 *
 * The serial number is random, so issuer and serial number, by which readers
 * look up their key, are never the same for two certificates.
 *
 * @param address The address, ASCII, domain in A-labels; 320 characters at
 * most. No character of it has a meaning in a name here.
 * @param publicKey What is certified: SubjectPublicKeyInfo, DER.
 * @param options Who signs, and the time.
 * @returns The certificate and the times in it.
 * @throws {RangeError} If the address, the day count or the times cannot stand
 * in a certificate.
 * @throws {DOMException} `DataError` if the signer's key is not an RSA key.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8550#section-4.4 | RFC 8550 §4.4}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 */
export async function leafCertificate(
  address: string,
  publicKey: Uint8Array<ArrayBuffer>,
  options: Validity & { readonly signer: Signer },
): Promise<Issued> {
  if (!ADDRESS_REGEXP.test(address)) {
    throw new RangeError(
      "Cannot issue certificate as address must be an ASCII local part and domain",
    );
  }
  const { signer } = options;
  const { notBefore, notAfter } = validity(options);
  // An object per value, not a string: in a string `,`, `+` and `#` would
  // be syntax. RFC 5280 §4.1.2.4: UTF8String, as PrintableString has no "@".
  const subject = new Name([{ CN: [{ utf8String: commonName(address) }] }]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer: signer.certificate === undefined
      ? subject
      : new X509Certificate(signer.certificate).subjectName,
    notBefore,
    notAfter,
    publicKey: new PublicKey(publicKey),
    signingKey: await importSigningKey(signer.privateKey),
    signingAlgorithm: RSA_SHA256,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      // RFC 8550 §4.4.2: digitalSignature to sign, keyEncipherment to be
      // encrypted to. macOS opens nothing without keyUsage.
      new KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment,
        true,
      ),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.emailProtection]),
      // RFC 5280 §4.1.2.6: an address MUST be here.
      new SubjectAlternativeNameExtension([{ type: "email", value: address }]),
      new SubjectKeyIdentifierExtension(await keyIdentifier(publicKey)),
      new AuthorityKeyIdentifierExtension(
        await keyIdentifier(publicKeyOf(signer.privateKey)),
      ),
      new Extension(ID_SMIME_CAPABILITIES, false, SMIME_CAPABILITIES),
    ],
  }, crypto);
  return {
    certificate: new Uint8Array(certificate.rawData),
    notBefore,
    notAfter,
  };
}

/**
 * Makes the identifier of a key, RFC 5280 §4.2.1.2 method 1.
 *
 * @param publicKey SubjectPublicKeyInfo, DER.
 * @returns 40 hexadecimal digits.
 */
export async function keyIdentifier(
  publicKey: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const { keyId } = await SubjectKeyIdentifierExtension.create(
    new PublicKey(publicKey),
    false,
    crypto,
  );
  return keyId;
}

/**
 * Imports a private key for signing.
 *
 * @param privateKey RSA private key, PKCS#8 DER.
 * @returns The key.
 * @throws {DOMException} `DataError` if the key is not an RSA key.
 */
export function importSigningKey(
  privateKey: Uint8Array<ArrayBuffer>,
): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", privateKey, RSA_SHA256, false, [
    "sign",
  ]);
}

/**
 * Checks the times; a certificate knows no parts of a second.
 *
 * @param options Begin and days.
 * @returns Both moments in whole seconds.
 * @throws {RangeError} If they cannot stand in a certificate.
 */
export function validity(
  options: Validity,
): { notBefore: Date; notAfter: Date } {
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

function commonName(address: string): string {
  return address.length <= UB_COMMON_NAME
    ? address
    : `${address.slice(0, UB_COMMON_NAME - 3)}...`;
}

/**
 * Makes a positive serial number of 16 octets.
 *
 * RFC 5280 §4.1.2.2: positive, at most 20 octets. The top bit is clear, as the
 * INTEGER would be negative; the next one is set, so that it is always 16
 * octets long. 126 bits are random.
 *
 * @returns The number, hexadecimal.
 */
export function serialNumber(): string {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  octets[0] = (octets[0]! & 0x7f) | 0x40;
  return octets.toHex();
}
