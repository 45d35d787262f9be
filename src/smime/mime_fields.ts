/**
 * MIME fields, where they must be read in one way only.
 *
 * @module
 */

import { fields, fieldText, isUnambiguous } from "../mail/header.ts";
import { type Parameterized, parseParameterized } from "../mail/parameters.ts";
import {
  parseTransferEncoding,
  type TransferEncoding,
} from "../mail/transfer_encoding.ts";

/**
 * The fields that go inside when we encrypt stay readable here, so they may not
 * be long enough for a text. All programs need far less than this.
 */
export const MAX_CONTENT_FIELDS_OCTETS = 1000;

/** What the MIME fields of a message or part say about its body. */
export interface MimeFields {
  /** Media type, and its parameters. */
  readonly contentType: Parameterized;
  /** How the body is encoded. */
  readonly transferEncoding: TransferEncoding;
  /** Value of Content-Disposition, if there is one. */
  readonly disposition: Parameterized | undefined;
}

/**
 * Reads the MIME fields of a header section; RFC 2045 §5.2 and §6.1 give what
 * holds if they are missing.
 *
 * @param header Header section.
 * @returns The fields; `undefined` if a field is twice there, malformed, or may
 * be read in two ways, or if all of them are longer than 1000 octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc2045#section-5.2 | RFC 2045 §5.2}
 */
export function readMimeFields(
  header: Uint8Array<ArrayBuffer>,
): MimeFields | undefined {
  const texts = new Map<string, string>();
  let length = 0;
  for (const field of fields(header)) {
    if (!isUnambiguous(field)) return undefined;
    if (!field.name.startsWith("content-")) continue;
    length += field.octets.length;
    if (texts.has(field.name) || length > MAX_CONTENT_FIELDS_OCTETS) {
      return undefined;
    }
    texts.set(field.name, fieldText(field));
  }
  const contentType = parseParameterized(
    texts.get("content-type") ?? "text/plain",
  );
  const transferEncoding = parseTransferEncoding(
    texts.get("content-transfer-encoding"),
  );
  if (contentType === undefined || transferEncoding === undefined) {
    return undefined;
  }
  const disposition = parseParameterized(
    texts.get("content-disposition") ?? "",
  );
  return { contentType, transferEncoding, disposition };
}
