/**
 * Public keys of others, which mail is encrypted to.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { equal } from "../mail/octets.ts";
import { DerReader } from "./der_reader.ts";
import {
  INTEGER,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
} from "./der.ts";
import { ID_EC_PUBLIC_KEY, ID_RSA_ENCRYPTION } from "./object_identifiers.ts";
import type { RsaPublicKey } from "./rsaes.ts";

/** Kinds of keys that mail can be encrypted to; the names are WebCrypto's. */
export type KeyType = "RSA" | "P-256" | "P-384";

/** A key that was checked, ready for use. */
export type RecipientKey =
  | RsaPublicKey & {
    /** Its kind. */
    readonly keyType: "RSA";
  }
  | CurveKey;

/** A key on a curve. */
export interface CurveKey {
  /** Its kind: the name of the curve. */
  readonly keyType: "P-256" | "P-384";
  /** Length of the curve's field. */
  readonly bits: number;
  /** The point, for ECDH. */
  readonly point: CryptoKey;
}

/** A key that is of no use; RangeError is also what parsers throw. */
export class KeyError extends RangeError {}

/** Lengths of RSA keys of others, in bits. RFC 8550 §4.3: at least 2048. */
const RSA_BITS_MIN = 2048;

/** Longer ones make each delivery slow; Deno's node:crypto reads none. */
const RSA_BITS_MAX = 4096;

/** Longest public exponent in octets: a long one makes each delivery slow. */
const EXPONENT_OCTETS_MAX = 4;

const BIT_STRING = 0x03;

/** Identifiers of RFC 5480 §2.1.1.1, in the order that they are looked for. */
const CURVES = [
  { keyType: "P-256", bits: 256, id: objectIdentifier("1.2.840.10045.3.1.7") },
  { keyType: "P-384", bits: 384, id: objectIdentifier("1.3.132.0.34") },
] as const;

/** First octet of a point that is not compressed: SEC 1 §2.3.3. */
const UNCOMPRESSED = 0x04;

/**
 * Checks a public key of others and says what it is.
 *
 * ```asn1
 * SubjectPublicKeyInfo ::= SEQUENCE {
 *   algorithm AlgorithmIdentifier,
 *   subjectPublicKey BIT STRING }
 * ```
 *
 * @param subjectPublicKeyInfo DER; may be hostile.
 * @returns The key.
 * @throws {RangeError} If it is neither an RSA key of 2048 to 4096 bits with an
 * exponent of at most 32 bits, nor a point of P-256 or P-384, named and not
 * compressed.
 * @throws {SyntaxError} If it is no DER.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.1 | RFC 8017 A.1.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5480#section-2 | RFC 5480 §2}
 */
export function readRecipientKey(
  subjectPublicKeyInfo: Uint8Array<ArrayBuffer>,
): RecipientKey {
  const reader = new DerReader(subjectPublicKeyInfo);
  reader.enter(SEQUENCE);
  reader.enter(SEQUENCE);
  const algorithm = reader.read(OBJECT_IDENTIFIER);
  const parameters = reader.isAtEnd() ? undefined : reader.skip();
  reader.leave();
  const publicKey = bitString(reader);
  // A key marked for RSASSA-PSS or RSAES-OAEP alone has another identifier
  // (RFC 4055 §1.2), and so has one for ECDH alone (RFC 5480 §2.1.2).
  if (equal(algorithm, ID_RSA_ENCRYPTION)) {
    const key = rsaPublicKey(publicKey);
    if (keyObject(subjectPublicKeyInfo) === undefined) {
      throw new KeyError("RSA key must have the form of RFC 8017");
    }
    return { keyType: "RSA", ...key };
  }
  if (!equal(algorithm, ID_EC_PUBLIC_KEY)) {
    throw new KeyError("Key must be RSA, P-256 or P-384");
  }
  const { keyType, bits } = curveOf(parameters);
  const isPoint = publicKey[0] === UNCOMPRESSED &&
    publicKey.length === 1 + bits / 4;
  // It looks whether the point is on its curve; WebCrypto's importKey() does not.
  const object = isPoint ? keyObject(subjectPublicKeyInfo) : undefined;
  if (object === undefined) {
    throw new KeyError(`Key must be a point of ${keyType}, not compressed`);
  }
  const curve = { name: "ECDH", namedCurve: keyType };
  return { keyType, bits, point: object.toCryptoKey(curve, false, []) };
}

/**
 * Reads a BIT STRING of whole octets.
 *
 * @param reader Before it.
 * @returns A view of its octets.
 * @throws {SyntaxError} If it is another element, or has a part of an octet.
 */
export function bitString(reader: DerReader): Uint8Array<ArrayBuffer> {
  const content = reader.read(BIT_STRING);
  if (content[0] !== 0) throw new SyntaxError("Octets are not whole");
  return content.subarray(1);
}

/** RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
function rsaPublicKey(octets: Uint8Array<ArrayBuffer>): RsaPublicKey {
  const key = new DerReader(octets);
  key.enter(SEQUENCE);
  const modulus = unsigned(key.read(INTEGER));
  const exponent = unsigned(key.read(INTEGER));
  key.leave();
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (!(bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)) {
    throw new KeyError(
      `RSA key must have ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits`,
    );
  }
  const isOdd = (octets: Uint8Array) => (octets.at(-1)! & 1) === 1;
  const isExponent = exponent.length >= 1 &&
    exponent.length <= EXPONENT_OCTETS_MAX && isOdd(exponent) &&
    !(exponent.length === 1 && exponent[0] === 1);
  if (!isExponent || !isOdd(modulus)) {
    throw new KeyError("RSA key must have an exponent of 32 bits at most");
  }
  return {
    bits,
    modulus: BigInt(`0x${modulus.toHex()}`),
    publicExponent: BigInt(`0x${exponent.toHex()}`),
  };
}

/** RFC 5480 §2.1.1: namedCurve; curves that are spelled out are not taken. */
function curveOf(
  parameters: Uint8Array<ArrayBuffer> | undefined,
): (typeof CURVES)[number] {
  if (parameters?.[0] === OBJECT_IDENTIFIER) {
    const id = new DerReader(parameters).read(OBJECT_IDENTIFIER);
    const curve = CURVES.find((each) => equal(each.id, id));
    if (curve !== undefined) return curve;
  }
  throw new KeyError("Key must be RSA, P-256 or P-384");
}

/** The key for Deno's node:crypto; undefined if that cannot use it. */
function keyObject(
  subjectPublicKeyInfo: Uint8Array<ArrayBuffer>,
): KeyObject | undefined {
  try {
    return createPublicKey({
      key: Buffer.from(subjectPublicKeyInfo),
      format: "der",
      type: "spki",
    });
  } catch {
    return undefined;
  }
}

function unsigned(octets: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return octets[0] === 0 ? octets.subarray(1) : octets;
}
