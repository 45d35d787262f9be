/**
 * JSON names of certificates.
 *
 * @module
 */

import type { Generation } from "../vaultbox/generations.ts";
import type { CertificateUses } from "../vaultbox/certificate_uses.ts";
import {
  COUNT,
  ID,
  type Json,
  shape,
  TEXT,
  TIME,
  TIME_OR_NULL,
  WARNINGS,
} from "./answers.ts";
import type { Schema } from "./fields.ts";

const PROPERTIES = {
  id: ID,
  "vaultbox_id": ID,
  "fingerprint_sha256": TEXT,
  serial: TEXT,
  subject: TEXT,
  emails: { type: "array", items: TEXT },
  algorithm: { type: "string", enum: ["RSA", "EC"] },
  bits: { type: "integer", minimum: 256, maximum: 4096 },
  "not_before": TIME,
  "not_after": TIME,
  origin: { type: "string", enum: ["generated", "uploaded", "csr"] },
  "issuer_id": { type: ["string", "null"], format: "uuid" },
  "key_state": {
    type: "string",
    enum: ["elsewhere", "kept", "destroying", "destroyed"],
  },
  "key_destroyed_at": TIME_OR_NULL,
  "is_recipient": { type: "boolean" },
  "handed_out_at": TIME_OR_NULL,
  "retired_at": TIME_OR_NULL,
  "created_at": TIME,
};

/** Schema of {@linkcode generationJson}. */
export const CERTIFICATE: Schema = shape("Certificate", PROPERTIES);

/** Schema of the same with what is odd about it. */
export const UPLOADED_CERTIFICATE: Schema = shape("UploadedCertificate", {
  ...PROPERTIES,
  warnings: WARNINGS,
});

/** Schema of the same with the certificate itself. */
export const ISSUED_CERTIFICATE: Schema = shape("IssuedCertificate", {
  ...PROPERTIES,
  certificate: TEXT,
});

/**
 * Shapes a certificate of a vaultbox.
 *
 * @param generation The certificate.
 * @returns What it is for and what it says of itself.
 */
export function generationJson(generation: Generation): Json {
  return {
    "id": generation.id,
    "vaultbox_id": generation.vaultboxId,
    "fingerprint_sha256": generation.fingerprintSha256,
    "serial": generation.serial,
    "subject": generation.subject,
    "emails": generation.emails,
    "algorithm": generation.keyType === "RSA" ? "RSA" : "EC",
    "bits": generation.bits,
    "not_before": generation.notBefore,
    "not_after": generation.notAfter,
    "origin": generation.origin,
    "issuer_id": generation.issuerId,
    "key_state": generation.keyState,
    "key_destroyed_at": generation.keyDestroyedAt,
    "is_recipient": generation.isRecipient,
    "handed_out_at": generation.handedOutAt,
    "retired_at": generation.retiredAt,
    "created_at": generation.createdAt,
  };
}

/** Schema of {@linkcode usesJson}. */
export const CERTIFICATE_USES: Schema = shape("CertificateUses", {
  "certificate_id": ID,
  "is_recipient": { type: "boolean" },
  "other_recipients": COUNT,
  messages: COUNT,
  from: TIME,
  until: TIME_OR_NULL,
  retiring: TEXT,
  destroying: { type: ["string", "null"] },
});

/**
 * Shapes what a certificate is needed for.
 *
 * @param uses Its uses.
 * @returns Numbers for programs, sentences for people.
 */
export function usesJson(uses: CertificateUses): Json {
  return {
    "certificate_id": uses.certificateId,
    "is_recipient": uses.isRecipient,
    "other_recipients": uses.otherRecipients,
    "messages": uses.messages,
    "from": uses.from,
    "until": uses.until,
    "retiring": uses.retiring,
    "destroying": uses.destroying,
  };
}
