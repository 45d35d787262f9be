/**
 * What a certificate of others must not be, besides its key and its dates, if
 * mail is to be encrypted to it.
 *
 * @module
 */

import { equal } from "../mail/octets.ts";
import { DerReader } from "./der_reader.ts";
import {
  contextTag,
  INTEGER,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";

/** RFC 5280 §4.1.2.2: at most 20 octets; each message holds the number. */
const SERIAL_OCTETS_MAX = 20;

/** Each message holds the issuer's name; those in use have 300 octets. */
const NAME_OCTETS_MAX = 1024;

const BOOLEAN = 0x01;

/** Of TBSCertificate. */
const VERSION = contextTag(0);
const EXTENSIONS = contextTag(3);

/** Signatures over hashes that others can make collide. */
const WEAK_SIGNATURES = [
  "1.2.840.113549.1.1.2", // md2WithRSAEncryption
  "1.2.840.113549.1.1.4", // md5WithRSAEncryption
  "1.2.840.113549.1.1.5", // sha1WithRSAEncryption
  "1.3.14.3.2.29", // the same, of OIW
  "1.2.840.10040.4.3", // id-dsa-with-sha1
  "1.2.840.10045.4.1", // ecdsa-with-SHA1
].map(objectIdentifier);

/** id-ce: the arc of RFC 5280 §4.2.1. */
const ID_CE = objectIdentifier("2.5.29");

/**
 * What may be critical: the last number of each extension of RFC 5280 §4.2.1.
 * They say who may be believed, which is the owner's concern here.
 */
const KNOWN = [9, 14, 15, 17, 18, 19, 30, 31, 32, 33, 35, 36, 37, 46, 54];

const BASIC_CONSTRAINTS = 19;
const EXTENDED_KEY_USAGE = 37;

/** RFC 5280 §4.2.1.12: what makes an extendedKeyUsage fit for mail. */
const FOR_MAIL = [
  objectIdentifier("1.3.6.1.5.5.7.3.4"), // id-kp-emailProtection
  objectIdentifier("2.5.29.37.0"), // anyExtendedKeyUsage
];

/**
 * Looks for what a certificate must not be.
 *
 * @param octets A certificate that is DER; may be hostile. The time that it
 * takes grows with their length.
 * @returns What is wrong, as words behind "certificate"; undefined if nothing.
 * @throws {SyntaxError} If it is no certificate.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4 | RFC 5280 §4}
 * @see {@link https://www.rfc-editor.org/rfc/rfc8550#section-4.4 | RFC 8550 §4.4}
 */
export function profileProblem(
  octets: Uint8Array<ArrayBuffer>,
): string | undefined {
  const reader = new DerReader(octets);
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  if (reader.peek() === VERSION) reader.skip();
  const serial = reader.read(INTEGER);
  const signature = reader.skip();
  const issuer = reader.skip();
  reader.skip(); // validity
  const subject = reader.skip();
  reader.skip(); // subjectPublicKeyInfo
  while (!reader.isAtEnd() && reader.peek() !== EXTENSIONS) reader.skip();
  const extensions = reader.isAtEnd() ? [] : extensionsOf(reader);
  reader.leave();
  // RFC 5280 §4.1.1.2: what is signed says how it is signed.
  if (!equal(reader.skip(), signature)) throw new SyntaxError("Signature");

  if (serial.length > SERIAL_OCTETS_MAX) {
    return `has a serial number of more than ${SERIAL_OCTETS_MAX} octets`;
  }
  if (Math.max(issuer.length, subject.length) > NAME_OCTETS_MAX) {
    return `has a name of more than ${NAME_OCTETS_MAX} octets`;
  }
  const algorithm = firstIdentifier(signature);
  if (WEAK_SIGNATURES.some((each) => equal(each, algorithm))) {
    return "is signed with a hash that is broken, MD5 or SHA-1";
  }
  return extensionProblem(extensions);
}

interface Extension {
  readonly identifier: Uint8Array<ArrayBuffer>;
  readonly isCritical: boolean;
  readonly value: Uint8Array<ArrayBuffer>;
}

function extensionsOf(reader: DerReader): Extension[] {
  const extensions: Extension[] = [];
  reader.enter(EXTENSIONS);
  reader.enter(SEQUENCE);
  while (!reader.isAtEnd()) {
    reader.enter(SEQUENCE);
    const identifier = reader.read(OBJECT_IDENTIFIER);
    const isCritical = reader.peek() === BOOLEAN &&
      reader.read(BOOLEAN)[0] !== 0;
    const value = reader.read(OCTET_STRING);
    reader.leave();
    extensions.push({ identifier, isCritical, value });
  }
  reader.leave();
  reader.leave();
  return extensions;
}

function extensionProblem(
  extensions: readonly Extension[],
): string | undefined {
  const seen = new Set<string>();
  for (const { identifier, isCritical, value } of extensions) {
    const name = dotted(identifier);
    // RFC 5280 §4.2: readers differ in which of two they believe.
    if (seen.has(name)) return `has the extension ${name} twice`;
    seen.add(name);
    const number = equal(identifier.subarray(0, -1), ID_CE)
      ? identifier.at(-1)!
      : undefined;
    const isKnown = number !== undefined && KNOWN.includes(number);
    if (isCritical && !isKnown) {
      return `has a critical extension that is not known here: ${name}`;
    }
    if (number === BASIC_CONSTRAINTS && isAuthority(value)) {
      return "is of an authority (basicConstraints has cA), not of a person; openssl req -x509 makes others with -addext basicConstraints=critical,CA:FALSE";
    }
    if (number === EXTENDED_KEY_USAGE && !isForMail(value)) {
      return "is not for mail: its extendedKeyUsage lacks emailProtection";
    }
  }
  return undefined;
}

function isAuthority(basicConstraints: Uint8Array<ArrayBuffer>): boolean {
  const reader = new DerReader(basicConstraints);
  reader.enter(SEQUENCE);
  return reader.peek() === BOOLEAN && reader.read(BOOLEAN)[0] !== 0;
}

function isForMail(extendedKeyUsage: Uint8Array<ArrayBuffer>): boolean {
  const reader = new DerReader(extendedKeyUsage);
  reader.enter(SEQUENCE);
  let isFound = false;
  while (!reader.isAtEnd()) {
    const purpose = reader.read(OBJECT_IDENTIFIER);
    isFound ||= FOR_MAIL.some((each) => equal(each, purpose));
  }
  return isFound;
}

/** The OBJECT IDENTIFIER of an AlgorithmIdentifier. */
function firstIdentifier(
  algorithm: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const reader = new DerReader(algorithm);
  reader.enter(SEQUENCE);
  return reader.read(OBJECT_IDENTIFIER);
}

/** Numbers with dots; of a long one, hexadecimal digits of its begin. */
function dotted(identifier: Uint8Array<ArrayBuffer>): string {
  if (identifier.length > 32) return `${identifier.slice(0, 32).toHex()}...`;
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const octet of identifier) {
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if ((octet & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...others] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...others].join(".");
}
