/**
 * Textual encoding of DER structures, RFC 7468.
 *
 * @module
 */

/** RFC 7468 §3: label characters with single hyphens or spaces between them. */
const LABEL_REGEXP = /^[\x21-\x2c\x2e-\x7e]+(?:[- ][\x21-\x2c\x2e-\x7e]+)*$/;

/** Line ends that RFC 7468 §3 allows. */
const EOL_REGEXP = /\r\n|\n|\r/;

/** Characters of a full line, RFC 7468 §2. */
const LINE_LENGTH = 64;

/**
 * Writes a DER structure as text.
 *
 * @param label Kind of structure, as `CERTIFICATE` or `PRIVATE KEY`.
 * @param der The structure; at least one octet.
 * @returns Lines of 64 characters that end with LF, in the strict form.
 * @throws {RangeError} If the label is not one of RFC 7468 or `der` is empty.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7468#section-3 | RFC 7468 §3}
 */
export function pemEncode(label: string, der: Uint8Array): string {
  checkLabel(label);
  if (der.length === 0) {
    throw new RangeError("Cannot encode PEM as there must be >= 1 octet");
  }
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""]
    .join("\n");
}

/**
 * Reads one DER structure from text.
 *
 * Accepts the strict form only: one structure, nothing before or after it,
 * full lines of 64 characters. Whoever wants to take more from people removes
 * it first, so that nothing is skipped here unseen.
 *
 * @param label Expected kind of structure.
 * @param pem Text with LF, CRLF or CR line ends.
 * @returns The octets. They are not checked to be DER.
 * @throws {RangeError} If the label is not one of RFC 7468.
 * @throws {SyntaxError} If the text is not in the strict form.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7468#section-3 | RFC 7468 §3}
 */
export function pemDecode(
  label: string,
  pem: string,
): Uint8Array<ArrayBuffer> {
  checkLabel(label);
  const lines = pem.split(EOL_REGEXP);
  // posteb may or may not have a line end: RFC 7468 §3, stricttextualmsg.
  if (lines.at(-1) === "") lines.pop();
  const first = lines.shift();
  const last = lines.pop();
  if (first !== `-----BEGIN ${label}-----`) {
    throw new SyntaxError(`Cannot decode PEM as it must begin with ${label}`);
  }
  if (last !== `-----END ${label}-----`) {
    throw new SyntaxError(`Cannot decode PEM as it must end with ${label}`);
  }
  const final = lines.at(-1) ?? "";
  const full = lines.slice(0, -1);
  if (
    final.length < 1 || final.length > LINE_LENGTH ||
    full.some((line) => line.length !== LINE_LENGTH) ||
    // fromBase64() skips white space, which the strict form has not.
    lines.some((line) => /\s/.test(line))
  ) {
    throw new SyntaxError(
      `Cannot decode PEM as lines must have ${LINE_LENGTH} characters`,
    );
  }
  try {
    return Uint8Array.fromBase64(lines.join(""), {
      lastChunkHandling: "strict",
    });
  } catch (error) {
    throw new SyntaxError("Cannot decode PEM as it must be base64", {
      cause: error,
    });
  }
}

function checkLabel(label: string): void {
  if (!LABEL_REGEXP.test(label)) {
    throw new RangeError("Cannot use PEM label as it must be of RFC 7468");
  }
}

/**
 * Finds the one DER structure of a kind in a text that people hand in: any line
 * ends, any length of lines, and text before and after it.
 *
 * @param label Expected kind of structure.
 * @param text The text. The time that it takes grows with its length.
 * @returns The octets. They are not checked to be DER.
 * @throws {RangeError} If the label is not one of RFC 7468.
 * @throws {SyntaxError} If there is none, more than one, or it is no base64.
 * @see {@link https://www.rfc-editor.org/rfc/rfc7468#section-2 | RFC 7468 §2}
 */
export function pemExtract(
  label: string,
  text: string,
): Uint8Array<ArrayBuffer> {
  checkLabel(label);
  const [, after, ...more] = text.split(`-----BEGIN ${label}-----`);
  if (after === undefined || more.length > 0) {
    throw new SyntaxError(`Cannot find PEM as there must be one ${label}`);
  }
  const [base64, end] = after.split(`-----END ${label}-----`, 2);
  if (end === undefined) {
    throw new SyntaxError(`Cannot find PEM as ${label} has no end`);
  }
  try {
    // Skips white space.
    const octets = Uint8Array.fromBase64(base64!, {
      lastChunkHandling: "strict",
    });
    if (octets.length > 0) return octets;
  } catch {
    // Said below, without a piece of the text.
  }
  throw new SyntaxError(`Cannot find PEM as ${label} must be base64`);
}

/**
 * Finds all DER structures of a kind in a text, as of a certificate chain.
 *
 * @param label Expected kind of structure.
 * @param text The text.
 * @returns The octets of each, in order. They are not checked to be DER.
 * @throws {RangeError} If the label is not one of RFC 7468.
 * @throws {SyntaxError} If one has no end or is no base64.
 */
export function pemDecodeAll(
  label: string,
  text: string,
): Uint8Array<ArrayBuffer>[] {
  const begin = `-----BEGIN ${label}-----`;
  return text.split(begin).slice(1)
    .map((part) => pemExtract(label, begin + part));
}
