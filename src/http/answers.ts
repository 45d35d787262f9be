/**
 * JSON names of answers: what operations return, shaped, and the schema of each
 * shape beside it.
 *
 * @module
 */

import type { AuditEntry } from "../db/audit.ts";
import type { UserDomain } from "../db/domain_claims.ts";
import type { Message } from "../db/messages.ts";
import type { Vaultbox } from "../db/vaultboxes.ts";
import type { GeneratedCertificate } from "../vaultbox/certificate.ts";
import type { CreatedVaultbox } from "../vaultbox/create.ts";
import type { Delivered } from "../vaultbox/deliver.ts";
import { challengeName } from "../vaultbox/domains.ts";
import { type EncryptionPolicy, policyInForce } from "../encryption_policy.ts";
import type { Schema } from "./fields.ts";
import {
  CHOSEN_POLICY_PROPERTIES,
  POLICY_PROPERTIES,
  policyJson,
} from "./policy_answers.ts";

/** JSON of an answer. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * Describes a shape.
 *
 * @param title Name of the shape in openapi.yaml and in clients.
 * @param properties Its properties, which are always there.
 * @param optional Those that may be left out.
 * @returns JSON Schema.
 */
export function shape(
  title: string,
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  return {
    title,
    type: "object",
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** Schema of text. */
export const TEXT: Schema = { type: "string" };

/** Schema of a UUID. */
export const ID: Schema = { type: "string", format: "uuid" };

/** Schema of a time, RFC 3339. */
export const TIME: Schema = { type: "string", format: "date-time" };

/** Schema of a time, or null for never. */
export const TIME_OR_NULL: Schema = {
  type: ["string", "null"],
  format: "date-time",
};

/** Schema of a count. */
export const COUNT: Schema = { type: "integer", minimum: 0 };

/** Schema of a count, or null where there is none. */
export const COUNT_OR_NULL: Schema = { type: ["integer", "null"], minimum: 0 };

/** Schema of what is odd about a certificate that was taken. */
export const WARNINGS: Schema = {
  type: "array",
  items: { type: "string", enum: ["address_mismatch", "no_address"] },
};

/** Schema of {@linkcode createdJson}. */
export const CREATED: Schema = shape("CreatedVaultbox", {
  "vaultbox_id": ID,
  domain: TEXT,
  alias: TEXT,
  name: TEXT,
}, { warnings: WARNINGS });

/**
 * Shapes the answer of a creation.
 *
 * @param vaultbox The vaultbox.
 * @returns As the guide has it; with warnings if there are any.
 */
export function createdJson(vaultbox: CreatedVaultbox): Json {
  return {
    "vaultbox_id": vaultbox.id,
    "domain": vaultbox.domain,
    "alias": vaultbox.alias,
    "name": vaultbox.name,
    ...vaultbox.warnings.length > 0 && { "warnings": vaultbox.warnings },
  };
}

/** Schema of {@linkcode vaultboxJson}. */
export const VAULTBOX: Schema = shape("Vaultbox", {
  id: ID,
  "user_id": ID,
  domain: TEXT,
  alias: TEXT,
  name: TEXT,
  status: { type: "string", enum: ["active", "suspended"] },
  custody: { type: "string", enum: ["server", "client", "external"] },
  "has_certs": { type: "boolean" },
  ...CHOSEN_POLICY_PROPERTIES,
  encryption: shape("EncryptionInForce", POLICY_PROPERTIES),
  "message_count": COUNT,
  "max_bytes": COUNT_OR_NULL,
  "max_messages": COUNT_OR_NULL,
  "used_bytes": COUNT,
  "used_messages": COUNT,
  "last_received": TIME_OR_NULL,
  "publish_certificate": { type: "boolean" },
  "created_at": TIME,
});

/**
 * Shapes one vaultbox of a list.
 *
 * @param vaultbox The vaultbox.
 * @param fallback The appliance's policy, for what it has not chosen.
 * @returns As the guide has it, with more fields.
 */
export function vaultboxJson(
  vaultbox: Vaultbox,
  fallback: EncryptionPolicy,
): Json {
  return {
    "id": vaultbox.id,
    "user_id": vaultbox.userId,
    "domain": vaultbox.domain,
    "alias": vaultbox.alias,
    "name": vaultbox.name,
    "status": vaultbox.status,
    "custody": vaultbox.custody,
    // A vaultbox never exists without a certificate.
    "has_certs": true,
    ...policyJson(vaultbox),
    "encryption": policyJson(policyInForce(vaultbox, fallback)),
    "message_count": vaultbox.messageCount,
    "max_bytes": vaultbox.maxBytes,
    "max_messages": vaultbox.maxMessages,
    "used_bytes": vaultbox.usedBytes,
    "used_messages": vaultbox.usedMessages,
    "last_received": vaultbox.lastReceived,
    "publish_certificate": vaultbox.publishCertificate,
    "created_at": vaultbox.createdAt,
  };
}

/** Schema of {@linkcode usageJson}. */
export const USAGE: Schema = shape("Usage", {
  "vaultbox_id": ID,
  alias: TEXT,
  domain: TEXT,
  "message_count": COUNT,
  "total_bytes": COUNT,
  "last_received": TIME_OR_NULL,
});

/**
 * Shapes one row of the usage.
 *
 * @param vaultbox The vaultbox.
 * @returns As the guide has it.
 */
export function usageJson(vaultbox: Vaultbox): Json {
  return {
    "vaultbox_id": vaultbox.id,
    "alias": vaultbox.alias,
    "domain": vaultbox.domain,
    "message_count": vaultbox.messageCount,
    "total_bytes": vaultbox.totalBytes,
    "last_received": vaultbox.lastReceived,
  };
}

/** Schema of {@linkcode certificateJson}. */
export const GENERATED_CERTIFICATE: Schema = shape("GeneratedCertificate", {
  email: TEXT,
  certificate: TEXT,
  "fingerprint_sha256": TEXT,
  "not_before": TIME,
  "not_after": TIME,
}, {
  "private_key": TEXT,
  "vaultbox_id": ID,
});

/** Schema of a password for a bundle. */
export const GENERATED_PASSWORD: Schema = shape("GeneratedPassword", {
  password: TEXT,
});

/**
 * Shapes a certificate.
 *
 * @param certificate What was made.
 * @returns The private key is there only if it was not stored.
 */
export function certificateJson(certificate: GeneratedCertificate): Json {
  return {
    "email": certificate.email,
    "certificate": certificate.certificatePem,
    "fingerprint_sha256": certificate.fingerprintSha256,
    "not_before": certificate.notBefore,
    "not_after": certificate.notAfter,
    ...(certificate.vaultboxId === undefined
      ? { "private_key": certificate.privateKeyPem }
      : { "vaultbox_id": certificate.vaultboxId }),
  };
}

/**
 * Shapes a domain.
 *
 * @param domain The domain.
 * @returns While it is only claimed, with the TXT record that shows whose it is.
 */
export function domainJson(domain: UserDomain): Json {
  return {
    "domain": domain.domain,
    "user_id": domain.userId,
    "status": domain.challenge === null ? "hosted" : "pending",
    "proof": domain.proof,
    "challenge": domain.challenge === null ? null : {
      "type": "TXT",
      "name": challengeName(domain.domain),
      "value": domain.challenge,
    },
    "created_at": domain.createdAt,
  };
}

/** Schema of {@linkcode domainJson}. */
export const DOMAIN: Schema = shape("Domain", {
  domain: TEXT,
  "user_id": ID,
  status: { type: "string", enum: ["pending", "hosted"] },
  proof: { enum: ["declared", "dns", "platform", null] },
  challenge: {
    anyOf: [
      shape("Challenge", { type: { const: "TXT" }, name: TEXT, value: TEXT }),
      { type: "null" },
    ],
  },
  "created_at": TIME,
});

/**
 * Shapes what is known of a message.
 *
 * @param message The message's row.
 * @returns Nothing of its content.
 */
export function messageJson(message: Message): Json {
  return {
    "id": message.id,
    "vaultbox_id": message.vaultboxId,
    "message_id": message.messageId,
    "from_domain": message.fromDomain,
    "to_alias": message.toAlias,
    "size_bytes": message.sizeBytes,
    "received_at": message.receivedAt,
    "encrypted_by": message.encryptedBy,
  };
}

/** Schema of {@linkcode messageJson}. */
export const MESSAGE: Schema = shape("Message", {
  id: ID,
  "vaultbox_id": ID,
  "message_id": { type: ["string", "null"] },
  "from_domain": { type: ["string", "null"] },
  "to_alias": TEXT,
  "size_bytes": COUNT,
  "received_at": TIME,
  "encrypted_by": { type: "string", enum: ["appliance", "sender"] },
});

/**
 * Shapes an entry of the audit log.
 *
 * @param entry The entry.
 * @returns Its id as text: it may outgrow what JSON readers keep exactly.
 */
export function auditJson(entry: AuditEntry): Json {
  return {
    "id": String(entry.id),
    "at": entry.at,
    "actor": entry.actor,
    "request_id": entry.requestId,
    "action": entry.action,
    "user_id": entry.userId,
    "vaultbox_id": entry.vaultboxId,
    "domain": entry.domain,
    "details": entry.details,
  };
}

/** Schema of {@linkcode auditJson}. */
export const AUDIT_ENTRY: Schema = shape("AuditEntry", {
  id: TEXT,
  at: TIME,
  actor: TEXT,
  "request_id": { type: ["string", "null"], format: "uuid" },
  action: TEXT,
  "user_id": { type: ["string", "null"], format: "uuid" },
  "vaultbox_id": { type: ["string", "null"], format: "uuid" },
  domain: { type: ["string", "null"] },
  details: { type: "object" },
});

/**
 * Shapes what the intake answers.
 *
 * @param delivered What became of the message.
 * @returns The data of the envelope.
 */
export function deliveredJson(delivered: Delivered): Json {
  return {
    "message_id": delivered.messageId,
    "vaultbox_id": delivered.vaultboxId,
    "repeated": delivered.repeated,
  };
}
