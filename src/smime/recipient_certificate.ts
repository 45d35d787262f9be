/**
 * Certificates that others have made, as recipients of mail.
 *
 * @module
 */

// tsyringe, which @peculiar/x509 uses, throws without it; so it comes first.
import "reflect-metadata";
import {
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from "@peculiar/x509";
import { equal } from "../mail/octets.ts";
import { BerReader } from "./ber_reader.ts";
import {
  CONSTRUCTED,
  contextTag,
  INTEGER,
  OBJECT_IDENTIFIER,
  SEQUENCE,
} from "./der.ts";
import {
  ID_ON_SMTP_UTF8_MAILBOX,
  ID_RSA_ENCRYPTION,
} from "./object_identifiers.ts";

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Serial number, hexadecimal. */
  readonly serial: string;
  /** Subject, as RFC 4514 writes it. */
  readonly subject: string;
  /** Addresses in subjectAltName and subject, as they stand there. */
  readonly emails: readonly string[];
  /** Length of the RSA modulus. */
  readonly bits: number;
  /** First moment of validity. */
  readonly notBefore: Date;
  /** Last moment of validity. */
  readonly notAfter: Date;
  /** Whether keyUsage, if it is there, has keyEncipherment. */
  readonly allowsEncryption: boolean;
}

/** Lengths of RSA keys of others, in bits. RFC 8550 §4.3: at least 2048. */
const RSA_BITS_MIN = 2048;

/** Deno's node:crypto, which encrypts to the key, reads none that is longer. */
const RSA_BITS_MAX = 4096;

/** Longest public exponent in octets: a long one makes each delivery slow. */
const EXPONENT_OCTETS_MAX = 4;

const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;

/** Of GeneralName, RFC 5280 §4.2.1.6. */
const OTHER_NAME = contextTag(0);
const RFC822_NAME = contextTag(1, { isConstructed: false });

const SUBJECT_ALT_NAME = "2.5.29.17";
const KEY_USAGE = "2.5.29.15";

/**
 * Reads a certificate.
 *
 * @param octets May be hostile. The time that it takes grows with their length.
 * @returns What it says; the signature is not checked.
 * @throws {SyntaxError} If it is no certificate in DER.
 * @throws {RangeError} If its key is none of {@linkcode rsaBits}.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 */
export function readCertificate(
  octets: Uint8Array<ArrayBuffer>,
): CertificateFacts {
  checkDer(octets);
  try {
    const certificate = new X509Certificate(octets);
    const { serialNumber: serial, subject, notBefore, notAfter } = certificate;
    if (!isTime(notBefore) || !isTime(notAfter)) throw new SyntaxError("Time");
    const usage = certificate.getExtension(KEY_USAGE);
    if (usage !== null && !(usage instanceof KeyUsagesExtension)) {
      throw new SyntaxError("keyUsage");
    }
    const names = certificate.getExtension(SUBJECT_ALT_NAME);
    return {
      serial,
      subject,
      emails: [
        ...(names === null ? [] : emailsOf(new Uint8Array(names.value))),
        ...certificate.subjectName.getField("E"),
      ],
      bits: rsaBits(new Uint8Array(certificate.publicKey.rawData)),
      notBefore,
      notAfter,
      allowsEncryption: usage === null ||
        (usage.usages & KeyUsageFlags.keyEncipherment) !== 0,
    };
  } catch (error) {
    if (error instanceof RsaError) throw new RangeError(error.message);
    throw new SyntaxError("Not a certificate", { cause: error });
  }
}

/**
 * Checks a public key of others and says how long it is.
 *
 * ```asn1
 * RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
 * ```
 *
 * @param subjectPublicKeyInfo SubjectPublicKeyInfo, DER.
 * @returns Length of the modulus in bits.
 * @throws {RangeError} If it is no RSA key of 2048 to 4096 bits with an
 * exponent of at most 32 bits.
 * @throws {SyntaxError} If it is no DER.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.1 | RFC 8017 A.1.1}
 */
export function rsaBits(
  subjectPublicKeyInfo: Uint8Array<ArrayBuffer>,
): number {
  const reader = new BerReader(subjectPublicKeyInfo, { der: true });
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  if (!equal(reader.read(OBJECT_IDENTIFIER), ID_RSA_ENCRYPTION)) {
    throw new RsaError("Key must be RSA; elliptic curves are not taken yet");
  }
  while (!reader.isAtEnd()) reader.skip();
  reader.leave();
  const key = new BerReader(bitString(reader), { der: true });
  key.enter(SEQUENCE);
  const modulus = unsigned(key.read(INTEGER));
  const exponent = unsigned(key.read(INTEGER));
  key.leave();
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (!(bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)) {
    throw new RsaError(
      `RSA key must have ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`,
    );
  }
  const isOdd = (octets: Uint8Array) => (octets.at(-1)! & 1) === 1;
  const isExponent = exponent.length >= 1 &&
    exponent.length <= EXPONENT_OCTETS_MAX && isOdd(exponent) &&
    !(exponent.length === 1 && exponent[0] === 1);
  if (!isExponent || !isOdd(modulus)) {
    throw new RsaError("RSA key must have an exponent of 32 bits at most");
  }
  return bits;
}

/**
 * Checks that octets are one element of DER, as deep as {@linkcode BerReader}
 * goes and no deeper: what reads them next may then recurse.
 *
 * @param octets May be hostile.
 * @throws {SyntaxError} If they are not.
 */
export function checkDer(octets: Uint8Array<ArrayBuffer>): void {
  const reader = new BerReader(octets, { der: true });
  walk(reader);
  if (reader.rest.length > 0) throw new SyntaxError("Octets follow");
}

function walk(reader: BerReader): void {
  const tag = reader.peek();
  if (tag === undefined) throw new SyntaxError("Element is missing");
  if ((tag & CONSTRUCTED) === 0) {
    reader.read(tag);
    return;
  }
  reader.enter(tag);
  while (!reader.isAtEnd()) walk(reader);
  reader.leave();
}

/**
 * Reads a BIT STRING of whole octets.
 *
 * @param reader Before it.
 * @returns A view of its octets.
 * @throws {SyntaxError} If it is another element, or has a part of an octet.
 */
export function bitString(reader: BerReader): Uint8Array<ArrayBuffer> {
  const content = reader.read(BIT_STRING);
  if (content[0] !== 0) throw new SyntaxError("Octets are not whole");
  return content.subarray(1);
}

/** A key that is of no use; RangeError is also what parsers throw. */
class RsaError extends RangeError {}

function unsigned(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return octets[0] === 0 ? octets.subarray(1) : octets;
}

/** PostgreSQL and JSON know these years. */
function isTime(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1950 && year <= 9999;
}

/**
 * Addresses of a subjectAltName: rfc822Name, and SmtpUTF8Mailbox, which has the
 * local parts that are not ASCII.
 */
function emailsOf(subjectAltName: Uint8Array<ArrayBuffer>): string[] {
  const reader = new BerReader(subjectAltName, { der: true });
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const emails: string[] = [];
  reader.enter(SEQUENCE);
  while (!reader.isAtEnd()) {
    if (reader.peek() === RFC822_NAME) {
      emails.push(decoder.decode(reader.read(RFC822_NAME)));
    } else if (reader.peek() === OTHER_NAME) {
      reader.enter(OTHER_NAME);
      const isMailbox = equal(
        reader.read(OBJECT_IDENTIFIER),
        ID_ON_SMTP_UTF8_MAILBOX,
      );
      const value = reader.skip();
      reader.leave();
      if (isMailbox) {
        const inner = new BerReader(value, { der: true });
        inner.enter(contextTag(0));
        emails.push(decoder.decode(inner.read(UTF8_STRING)));
      }
    } else {
      reader.skip();
    }
  }
  reader.leave();
  return emails;
}
