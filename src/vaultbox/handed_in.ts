/**
 * What people hand in by mistake in the place of a certificate or a request.
 *
 * @module
 */

/** What a text is, as the end of a sentence, and what to do with it. */
export interface Mistaken {
  /** For programs. */
  readonly reason: "certificate" | "der" | "pkcs12" | "request";
  /** Words behind "this is". */
  readonly what: string;
  /** A sentence. */
  readonly advice: string;
}

/** Begin of PFX behind SEQUENCE and its length: INTEGER 3, RFC 7292 §4. */
const PKCS12_VERSION = "\x02\x01\x03";

/** SEQUENCE, its length, and the next one, read as text. */
const DER_REGEXP = /^0[^]{1,5}0/;

/** Characters of a text whose beginning may be base64 of such a file. */
const HEAD = 16;

/**
 * Recognizes what is handed in by mistake.
 *
 * @param text What was handed in; octets that are no text may be replaced.
 * @returns What it is; undefined if it is nothing that is known.
 */
export function mistaken(text: string): Mistaken | undefined {
  if (/-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/.test(text)) {
    return {
      reason: "request",
      what: "a certificate request (CSR)",
      advice: "Hand it in as a request: then a certificate is issued on it.",
    };
  }
  if (text.includes("-----BEGIN CERTIFICATE-----")) {
    return {
      reason: "certificate",
      what: "a certificate",
      advice: "Hand it in as a certificate.",
    };
  }
  const starts = [text.slice(0, HEAD), decoded(text.slice(0, HEAD))];
  if (
    text.includes("-----BEGIN PKCS12-----") ||
    starts.some((start) =>
      start.startsWith("0") && start.slice(0, 9).includes(PKCS12_VERSION)
    )
  ) {
    return {
      reason: "pkcs12",
      what: "a PKCS#12 file, which has the private key",
      advice:
        "openssl pkcs12 -in FILE -clcerts -nokeys writes the certificate alone.",
    };
  }
  if (starts.some((start) => DER_REGEXP.test(start))) {
    return {
      reason: "der",
      what: "DER",
      advice:
        "openssl x509 -inform DER -in FILE writes a certificate as PEM, and openssl req -inform DER a request.",
    };
  }
  return undefined;
}

/** Octets that are base64, one character each; nothing if they are none. */
function decoded(base64: string): string {
  try {
    return atob(base64);
  } catch {
    return "";
  }
}
