/**
 * EnvelopedData built by hand for tests, with ciphertext that is none.
 *
 * @module
 */

import { concat } from "../../../src/mail/octets.ts";
import {
  contextTag,
  der,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
  SET,
} from "../../../src/smime/der.ts";
import {
  ID_AES256_CBC,
  ID_AUTH_ENVELOPED_DATA,
  ID_DATA,
  ID_ENVELOPED_DATA,
} from "../../../src/smime/object_identifiers.ts";

/** An element as octets. */
export type Octets = Uint8Array<ArrayBuffer>;

/** INTEGER 0. */
export const ZERO: Octets = der(INTEGER, new Uint8Array([0]));

/** AES-256-CBC with an IV. */
export const ALGORITHM: Octets = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, ID_AES256_CBC),
  der(OCTET_STRING, new Uint8Array(16)),
);

/** A KeyTransRecipientInfo. */
export const KEY_TRANS: Octets = der(
  SEQUENCE,
  ZERO,
  der(SEQUENCE, der(SEQUENCE), ZERO),
  ALGORITHM,
  der(OCTET_STRING, new Uint8Array(32)),
);

/** What may differ from a good EnvelopedData. */
export interface CmsParts {
  /** Content type of the ContentInfo; EnvelopedData if left out. */
  readonly contentType?: Octets;
  /** Elements before recipientInfos. */
  readonly before?: readonly Octets[];
  /** Elements of recipientInfos; one if left out. */
  readonly recipientInfos?: readonly Octets[];
  /** Element of contentEncryptionAlgorithm. */
  readonly algorithm?: Octets;
  /** Elements behind contentEncryptionAlgorithm; 32 octets if left out. */
  readonly encryptedContent?: readonly Octets[];
  /** Elements behind encryptedContentInfo. */
  readonly after?: readonly Octets[];
  /** Writes constructed elements; `der` if left out. */
  readonly write?: (tag: number, ...content: Octets[]) => Octets;
}

/**
 * Writes a ContentInfo.
 *
 * @param parts What differs.
 * @returns Its octets.
 */
export function cms(parts: CmsParts = {}): Octets {
  const write = parts.write ?? der;
  const {
    contentType = ID_ENVELOPED_DATA,
    before = [],
    recipientInfos = [KEY_TRANS],
    algorithm = ALGORITHM,
    encryptedContent = [der(0x80, new Uint8Array(32).fill(0xa5))],
    after = [],
  } = parts;
  return write(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, contentType),
    write(
      contextTag(0),
      write(
        SEQUENCE,
        ZERO,
        ...before,
        write(SET, ...recipientInfos),
        write(
          SEQUENCE,
          der(OBJECT_IDENTIFIER, ID_DATA),
          algorithm,
          ...encryptedContent,
        ),
        ...after,
      ),
    ),
  );
}

/**
 * Writes a ContentInfo of AuthEnvelopedData.
 *
 * @param parts What differs; `after` has the MAC if left out.
 * @returns Its octets.
 */
export function authCms(parts: CmsParts = {}): Octets {
  return cms({
    contentType: ID_AUTH_ENVELOPED_DATA,
    after: [der(OCTET_STRING, new Uint8Array(16))],
    ...parts,
  });
}

/**
 * Writes a constructed element with the indefinite form of length.
 *
 * @param tag Identifier octet.
 * @param content Elements.
 * @returns The element.
 */
export function indefinite(tag: number, ...content: Octets[]): Octets {
  return concat([
    new Uint8Array([tag, 0x80]),
    ...content,
    new Uint8Array([0, 0]),
  ]);
}
