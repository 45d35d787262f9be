/**
 * Fields of how mail is encrypted.
 *
 * @module
 */

import {
  CONTENT_CIPHERS,
  type ContentCipher,
  HEADER_PROTECTIONS,
  type HeaderProtection,
  KEY_TRANSPORTS,
  type KeyTransport,
} from "../encryption_policy.ts";
import {
  described,
  type Field,
  nullable,
  oneOf,
  optional,
  wrong,
} from "./fields.ts";

/** Cipher of the content. */
const CONTENT_CIPHER: Field<ContentCipher> = described(
  oneOf(...CONTENT_CIPHERS),
  "Cipher of stored mail.",
);

/** Way to RSA keys. */
const KEY_TRANSPORT: Field<KeyTransport> = described(
  oneOf(...KEY_TRANSPORTS),
  "How a message's key is encrypted to RSA keys; of no effect on EC keys.",
);

/** What happens to the header. */
const HEADER_PROTECTION: Field<HeaderProtection> = described(
  oneOf(...HEADER_PROTECTIONS),
  "RFC 9788: copies of header fields inside (`protect`), and no subject outside (`hide`).",
);

/** A policy that is wanted; what is left out is not changed. */
export const WANTED_POLICY = {
  "content_cipher": optional(CONTENT_CIPHER),
  "key_transport": optional(KEY_TRANSPORT),
  "header_protection": optional(HEADER_PROTECTION),
};

/** A policy in a change: null takes the appliance's default again. */
export const CHANGED_POLICY = {
  "content_cipher": optional(nullable(CONTENT_CIPHER)),
  "key_transport": optional(nullable(KEY_TRANSPORT)),
  "header_protection": optional(nullable(HEADER_PROTECTION)),
};

/** That the caller knows what it does. */
export const EXPLICIT: Field<boolean> = {
  schema: {
    type: "boolean",
    description:
      "Switches on, without a trial mail, what not every mail client reads: `aes-256-gcm`, `rsaes-oaep` or `hide`.",
  },
  parse(value, name) {
    if (typeof value === "boolean") return value;
    throw wrong(name, "must be true or false");
  },
};

/**
 * Takes a policy out of a parsed body.
 *
 * @param body Values of the three fields.
 * @returns Those that are there.
 */
export function policyOf<
  C extends ContentCipher | null,
  K extends KeyTransport | null,
  H extends HeaderProtection | null,
>(body: {
  readonly "content_cipher": C | undefined;
  readonly "key_transport": K | undefined;
  readonly "header_protection": H | undefined;
}): { contentCipher?: C; keyTransport?: K; headerProtection?: H } {
  const {
    "content_cipher": contentCipher,
    "key_transport": keyTransport,
    "header_protection": headerProtection,
  } = body;
  return {
    ...contentCipher !== undefined && { contentCipher },
    ...keyTransport !== undefined && { keyTransport },
    ...headerProtection !== undefined && { headerProtection },
  };
}
