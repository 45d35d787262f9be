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
import { DerReader } from "./der_reader.ts";
import { CONSTRUCTED, contextTag, OBJECT_IDENTIFIER, SEQUENCE } from "./der.ts";
import { ID_ON_SMTP_UTF8_MAILBOX } from "./object_identifiers.ts";
import { KeyError, type KeyType, readRecipientKey } from "./recipient_key.ts";

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Serial number, hexadecimal. */
  readonly serial: string;
  /** Subject, as RFC 4514 writes it. */
  readonly subject: string;
  /** Addresses in subjectAltName and subject, as they stand there. */
  readonly emails: readonly string[];
  /** Kind of its key. */
  readonly keyType: KeyType;
  /** Length of the RSA modulus, or of the curve's field. */
  readonly bits: number;
  /** First moment of validity. */
  readonly notBefore: Date;
  /** Last moment of validity. */
  readonly notAfter: Date;
  /**
   * Whether keyUsage, if it is there, has keyEncipherment for RSA, or
   * keyAgreement for a curve.
   */
  readonly allowsEncryption: boolean;
}

const UTF8_STRING = 0x0c;

/** Certificates with long names have a tenth of this. */
const MAX_OCTETS = 65_536;

/** Of GeneralName, RFC 5280 §4.2.1.6. */
const OTHER_NAME = contextTag(0);
const RFC822_NAME = contextTag(1, { isConstructed: false });

const SUBJECT_ALT_NAME = "2.5.29.17";
const KEY_USAGE = "2.5.29.15";

/**
 * Reads a certificate.
 *
 * @param octets May be hostile; at most 65,536 octets.
 * @returns What it says; the signature is not checked.
 * @throws {SyntaxError} If it is no certificate in DER.
 * @throws {RangeError} If its key is none of {@linkcode readRecipientKey}.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8550#section-4.4.2 | RFC 8550 §4.4.2}
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
    const { keyType, bits } = readRecipientKey(
      new Uint8Array(certificate.publicKey.rawData),
    );
    // RFC 5480 §3: a curve cannot encipher keys, nor RSA agree on them.
    const needed = keyType === "RSA"
      ? KeyUsageFlags.keyEncipherment
      : KeyUsageFlags.keyAgreement;
    const names = certificate.getExtension(SUBJECT_ALT_NAME);
    return {
      serial,
      subject,
      emails: [
        ...(names === null ? [] : emailsOf(new Uint8Array(names.value))),
        ...certificate.subjectName.getField("E"),
      ],
      keyType,
      bits,
      notBefore,
      notAfter,
      allowsEncryption: usage === null || (usage.usages & needed) !== 0,
    };
  } catch (error) {
    if (error instanceof KeyError) throw new RangeError(error.message);
    throw new SyntaxError("Not a certificate", { cause: error });
  }
}

/**
 * Checks that octets are one element of DER, at most 65,536 octets long and as
 * deep as {@linkcode DerReader} goes: what reads them next may then recurse, and
 * take a time that grows faster than their length.
 *
 * @param octets May be hostile.
 * @throws {SyntaxError} If they are not.
 */
export function checkDer(octets: Uint8Array<ArrayBuffer>): void {
  if (octets.length > MAX_OCTETS) throw new SyntaxError("Too long");
  const reader = new DerReader(octets);
  walk(reader);
  if (reader.rest.length > 0) throw new SyntaxError("Octets follow");
}

function walk(reader: DerReader): void {
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
  const reader = new DerReader(subjectAltName);
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
        const inner = new DerReader(value);
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
