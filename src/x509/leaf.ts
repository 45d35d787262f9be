/**
 * The certificate of one address: the S/MIME profile of RFC 8550.
 *
 * @module
 */

import {
  contextTag,
  der,
  OBJECT_IDENTIFIER,
  objectIdentifier,
  SEQUENCE,
} from "../smime/der.ts";
import { ID_ON_SMTP_UTF8_MAILBOX } from "../smime/object_identifiers.ts";
import { readRecipientKey } from "../smime/recipient_key.ts";
import {
  commonName,
  extension,
  FOR_MAIL,
  type Issued,
  keyIdentifier,
  keyIdentifiers,
  NO_AUTHORITY,
  signCertificate,
  SIGNS_AND_AGREES,
  SIGNS_AND_IS_ENCRYPTED_TO,
  subjectOf,
  type Validity,
} from "./certificate.ts";
import { publicKeyOf } from "./key_pair.ts";

/** Who signs a certificate. */
export interface Signer {
  /** Its certificate, DER; undefined if it signs for itself. */
  readonly certificate: Uint8Array<ArrayBuffer> | undefined;
  /** Its private key, RSA or P-256, PKCS#8 DER. */
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
 * An address that SmtpUTF8Mailbox can carry: the local part in UTF-8, the domain
 * in A-labels and lower case all the same.
 */
const UTF8_ADDRESS_REGEXP = /^[^\p{C}\p{Z}@]{1,64}@[a-z0-9.-]{1,255}$/u;

/**
 * id-smime-capabilities, RFC 8551 §2.5.2: the smimeCapabilities attribute.
 * RFC 4262 §2 uses the same identifier for the certificate extension.
 */
const ID_SMIME_CAPABILITIES = objectIdentifier("1.2.840.113549.1.9.15");

/** RFC 3565 §4.1: id-aes256-CBC and id-aes128-CBC, without parameters. */
const AES_CAPABILITIES = "300b" + "060960864801650304012a" +
  "300b" + "0609608648016503040102";

/**
 * RFC 5753 §8: dhSinglePass-stdDH-sha256kdf-scheme, whose parameter is the key
 * wrap, id-aes256-wrap.
 */
const ECDH_CAPABILITY = "3015" + "06062b810401" + "0b01" +
  "300b" + "060960864801650304012d";

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
function smimeCapabilities(hex: string): Uint8Array {
  const value = der(SEQUENCE, Uint8Array.fromHex(hex));
  return extension(ID_SMIME_CAPABILITIES, value);
}

/** What the two kinds of keys are for, and what may be written to them. */
const USES = {
  // RFC 8550 §4.4.2: digitalSignature to sign, keyEncipherment to be encrypted
  // to. macOS opens nothing without keyUsage.
  RSA: [SIGNS_AND_IS_ENCRYPTED_TO, smimeCapabilities(AES_CAPABILITIES)],
  // RFC 5480 §3, RFC 8813 §3: keyAgreement in place of keyEncipherment.
  EC: [
    SIGNS_AND_AGREES,
    smimeCapabilities(AES_CAPABILITIES + ECDH_CAPABILITY),
  ],
} as const;

const ID_SUBJECT_ALT_NAME = objectIdentifier("2.5.29.17");

/** Of GeneralName, RFC 5280 §4.2.1.6. */
const OTHER_NAME = contextTag(0);
const RFC822_NAME = contextTag(1, { isConstructed: false });

const UTF8_STRING = 0x0c;

/**
 * Issues a certificate for one address.
 *
 * The subject is `CN=<address>` and nothing else. A CommonName holds at most 64
 * characters: of a longer address it has the first 61 and `...`, which is no
 * address, so that the shortened name of one vaultbox can never be read as the
 * full name of another. Programs go by subjectAltName, which always has all of
 * it.
 *
 * @param address The address, domain in A-labels; 320 characters at most. No
 * character of it has a meaning in a name here. A local part that is not ASCII
 * is in Unicode's form C.
 * @param publicKey What is certified: SubjectPublicKeyInfo, DER.
 * @param options Who signs, and the time.
 * @returns The certificate and the times in it.
 * @throws {RangeError} If the address, the day count or the times cannot stand
 * in a certificate, if mail cannot be encrypted to the key, or if the signer's
 * is neither RSA nor P-256.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8550#section-4.4 | RFC 8550 §4.4}
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.1 | RFC 5280 §4.1}
 * @see {@link https://www.rfc-editor.org/rfc/rfc9598#section-3 | RFC 9598 §3}
 */
export async function leafCertificate(
  address: string,
  publicKey: Uint8Array<ArrayBuffer>,
  options: Validity & { readonly signer: Signer },
): Promise<Issued> {
  const name = generalName(address);
  const { signer } = options;
  const { keyType } = readRecipientKey(publicKey);
  const [keyUsage, capabilities] = USES[keyType === "RSA" ? "RSA" : "EC"];
  const subject = commonName(shortened(address));
  return await signCertificate({
    ...options,
    issuer: signer.certificate === undefined
      ? subject
      : subjectOf(signer.certificate),
    subject,
    publicKey,
    extensions: [
      NO_AUTHORITY,
      keyUsage,
      FOR_MAIL,
      // RFC 5280 §4.1.2.6: an address MUST be here.
      extension(
        ID_SUBJECT_ALT_NAME,
        der(SEQUENCE, name),
      ),
      ...keyIdentifiers(
        keyIdentifier(publicKey),
        keyIdentifier(publicKeyOf(signer.privateKey)),
      ),
      capabilities,
    ],
  }, signer.privateKey);
}

/** SmtpUTF8Mailbox is for local parts that are not ASCII alone: RFC 9598 §3. */
function generalName(address: string): Uint8Array {
  const octets = new TextEncoder().encode(address);
  if (ADDRESS_REGEXP.test(address)) return der(RFC822_NAME, octets);
  const isNotAscii = octets.length > address.length;
  if (
    isNotAscii && UTF8_ADDRESS_REGEXP.test(address) &&
    address.normalize("NFC") === address
  ) {
    return der(
      OTHER_NAME,
      der(OBJECT_IDENTIFIER, ID_ON_SMTP_UTF8_MAILBOX),
      der(contextTag(0), der(UTF8_STRING, octets)),
    );
  }
  throw new RangeError(
    "Cannot issue certificate as address must be a local part, ASCII or in " +
      "Unicode's form C, and a domain in ASCII",
  );
}

/** A character may be two of a string's units. */
function shortened(address: string): string {
  const characters = Array.from(address);
  return characters.length <= UB_COMMON_NAME
    ? address
    : `${characters.slice(0, UB_COMMON_NAME - 3).join("")}...`;
}
