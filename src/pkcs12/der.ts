/**
 * The ASN.1 types that a PKCS#12 file is made of, as DER.
 *
 * Not `@peculiar/asn1-pfx`, which has no PBES2-params and does not sort a SET
 * OF: so every octet of a file stands next to the ASN.1 that it comes from.
 *
 * @see {@link https://www.itu.int/rec/T-REC-X.690 | X.690 §8 and §10}
 *
 * @module
 */

import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "../smime/der.ts";

/** Octets of one DER value. */
export type Der = Uint8Array<ArrayBuffer>;

/** Universal tag BMPString. */
const BMP_STRING = 0x1e;

/**
 * Encodes a SEQUENCE or SEQUENCE OF.
 *
 * @param elements The encoded elements, in order.
 * @returns The value.
 */
export function sequence(...elements: readonly Uint8Array[]): Der {
  return der(SEQUENCE, ...elements);
}

/**
 * Encodes an INTEGER.
 *
 * @param value From 0 to 2^31 - 1.
 * @returns The value.
 */
export function integer(value: number): Der {
  const octets: number[] = [];
  let rest = value;
  do {
    octets.unshift(rest & 0xff);
    rest >>>= 8;
  } while (rest > 0);
  // X.690 §8.3: a leading 1 bit would be a sign.
  if (octets[0]! >= 0x80) octets.unshift(0);
  return der(INTEGER, new Uint8Array(octets));
}

/**
 * Encodes an OCTET STRING.
 *
 * @param octets Its contents.
 * @returns The value.
 */
export function octetString(octets: Uint8Array): Der {
  return der(OCTET_STRING, octets);
}

/**
 * Encodes a BMPString.
 *
 * @param text Characters of the Basic Multilingual Plane.
 * @returns The value.
 */
export function bmpString(text: string): Der {
  return der(BMP_STRING, utf16be(text));
}

/**
 * Encodes an AlgorithmIdentifier.
 *
 * @param algorithm Content octets of the object identifier.
 * @param parameters Encoded parameters; NULL if left out.
 * @returns The value.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1.1.2 | RFC 5280 §4.1.1.2}
 */
export function algorithmIdentifier(
  algorithm: Uint8Array,
  parameters: Uint8Array = der(NULL),
): Der {
  return identified(algorithm, parameters);
}

/**
 * Encodes a SEQUENCE that begins with an OBJECT IDENTIFIER.
 *
 * @param identifier Content octets of the object identifier.
 * @param elements The encoded elements after it, in order.
 * @returns The value.
 */
export function identified(
  identifier: Uint8Array,
  ...elements: readonly Uint8Array[]
): Der {
  return sequence(der(OBJECT_IDENTIFIER, identifier), ...elements);
}

/**
 * Encodes a value with the context-specific tag 0, EXPLICIT.
 *
 * @param value The encoded value.
 * @returns The tagged value.
 */
export function explicit0(value: Uint8Array): Der {
  return der(contextTag(0), value);
}

/**
 * Encodes an OCTET STRING with the context-specific tag 0, IMPLICIT.
 *
 * @param octets Contents of the OCTET STRING.
 * @returns The tagged value.
 */
export function implicit0OctetString(octets: Uint8Array): Der {
  return der(contextTag(0, { isConstructed: false }), octets);
}

/**
 * Encodes text as UTF-16, big-endian, without a mark.
 *
 * @param text Any text.
 * @returns Two octets for each UTF-16 code unit.
 */
export function utf16be(text: string): Der {
  const out = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    out[2 * i] = text.charCodeAt(i) >>> 8;
    out[2 * i + 1] = text.charCodeAt(i) & 0xff;
  }
  return out;
}
