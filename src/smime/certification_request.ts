/**
 * Requests for certificates that mail is encrypted to.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, verify } from "node:crypto";
import { equal } from "../mail/octets.ts";
import { DerReader } from "./der_reader.ts";
import {
  contextTag,
  der,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
} from "./der.ts";
import { checkDer } from "./recipient_certificate.ts";
import { bitString, readRecipientKey } from "./recipient_key.ts";

/**
 * Signatures that are taken: RSASSA-PKCS1-v1_5 (RFC 8017 appendix A.2.4) of
 * RSA keys, and ECDSA (RFC 5758 §3.2) of keys on curves.
 */
const SIGNATURES = [
  {
    id: objectIdentifier("1.2.840.113549.1.1.11"),
    hash: "sha256",
    isRsa: true,
  },
  {
    id: objectIdentifier("1.2.840.113549.1.1.12"),
    hash: "sha384",
    isRsa: true,
  },
  {
    id: objectIdentifier("1.2.840.113549.1.1.13"),
    hash: "sha512",
    isRsa: true,
  },
  { id: objectIdentifier("1.2.840.10045.4.3.2"), hash: "sha256", isRsa: false },
  { id: objectIdentifier("1.2.840.10045.4.3.3"), hash: "sha384", isRsa: false },
  { id: objectIdentifier("1.2.840.10045.4.3.4"), hash: "sha512", isRsa: false },
] as const;

/**
 * RFC 8017 appendix A.2.4: NULL, and some leave it out. RFC 5758 §3.2: left
 * out, and some have NULL.
 */
const NO_PARAMETERS = der(NULL);

/**
 * Reads a PKCS#10 request and checks that who made it has the private key.
 *
 * ```asn1
 * CertificationRequest ::= SEQUENCE {
 *   certificationRequestInfo CertificationRequestInfo,
 *   signatureAlgorithm AlgorithmIdentifier,
 *   signature BIT STRING }
 * CertificationRequestInfo ::= SEQUENCE {
 *   version INTEGER { v1(0) },
 *   subject Name,
 *   subjectPKInfo SubjectPublicKeyInfo,
 *   attributes [0] Attributes }
 * ```
 *
 * Subject and attributes are passed over: nothing of them goes into a
 * certificate.
 *
 * @param octets May be hostile. The time that it takes grows with their length.
 * @returns SubjectPublicKeyInfo, DER.
 * @throws {SyntaxError} If it is no request in DER.
 * @throws {RangeError} If its key is none of {@linkcode readRecipientKey}, or the
 * signature is not by that key.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2986#section-4 | RFC 2986 §4}
 */
export function readCertificationRequest(
  octets: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  checkDer(octets);
  const reader = new DerReader(octets);
  reader.enter(SEQUENCE);
  const info = reader.skip();
  reader.enter(SEQUENCE);
  const id = reader.read(OBJECT_IDENTIFIER);
  const parameters = reader.isAtEnd() ? NO_PARAMETERS : reader.skip();
  reader.leave();
  const signature = bitString(reader);
  reader.leave();

  const inner = new DerReader(info);
  inner.enter(SEQUENCE);
  inner.read(INTEGER);
  if (inner.peek() !== SEQUENCE) throw new SyntaxError("Subject is missing");
  inner.skip();
  if (inner.peek() !== SEQUENCE) throw new SyntaxError("Key is missing");
  const publicKey = inner.skip();
  if (inner.peek() === contextTag(0)) inner.skip();
  inner.leave();

  const isRsa = readRecipientKey(publicKey).keyType === "RSA";
  const algorithm = SIGNATURES.find((each) =>
    equal(each.id, id) && each.isRsa === isRsa
  );
  if (algorithm === undefined) {
    throw new RangeError(
      "Signature must be RSA (PKCS #1 v1.5) or ECDSA with SHA-256, 384 or 512",
    );
  }
  if (!equal(parameters, NO_PARAMETERS)) throw new SyntaxError("Parameters");
  if (!isSigned(info, { publicKey, hash: algorithm.hash, signature })) {
    throw new RangeError("Signature must be by the key in the request");
  }
  return publicKey;
}

function isSigned(
  octets: Uint8Array,
  by: { publicKey: Uint8Array; hash: string; signature: Uint8Array },
): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.from(by.publicKey),
      format: "der",
      type: "spki",
    });
    return verify(by.hash, octets, key, by.signature);
  } catch {
    return false;
  }
}
