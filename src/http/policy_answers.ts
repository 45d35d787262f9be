/**
 * Answers about how mail is encrypted.
 *
 * @module
 */

import {
  type ChosenPolicy,
  CONTENT_CIPHERS,
  HEADER_PROTECTIONS,
  KEY_TRANSPORTS,
} from "../encryption_policy.ts";
import type { Json } from "./answers.ts";
import type { Schema } from "./fields.ts";

/** Properties of {@linkcode policyJson} where nothing is null. */
export const POLICY_PROPERTIES: Readonly<Record<string, Schema>> = {
  "content_cipher": { type: "string", enum: CONTENT_CIPHERS },
  "key_transport": { type: "string", enum: KEY_TRANSPORTS },
  "header_protection": { type: "string", enum: HEADER_PROTECTIONS },
};

/** Properties of {@linkcode policyJson}; null is the appliance's default. */
export const CHOSEN_POLICY_PROPERTIES: Readonly<Record<string, Schema>> = {
  "content_cipher": orNull(CONTENT_CIPHERS),
  "key_transport": orNull(KEY_TRANSPORTS),
  "header_protection": orNull(HEADER_PROTECTIONS),
};

/**
 * Shapes a policy.
 *
 * @param policy What is chosen or in force.
 * @returns Its three fields.
 */
export function policyJson(policy: ChosenPolicy): Json {
  return {
    "content_cipher": policy.contentCipher,
    "key_transport": policy.keyTransport,
    "header_protection": policy.headerProtection,
  };
}

function orNull(words: readonly string[]): Schema {
  return { type: ["string", "null"], enum: [...words, null] };
}
