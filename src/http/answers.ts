/**
 * JSON names of answers: what operations return, shaped.
 *
 * @module
 */

import type { Cursor, Vaultbox } from "../db/vaultboxes.ts";
import type { GeneratedCertificate } from "../vaultbox/certificate.ts";
import type { NewCredential } from "../vaultbox/credentials.ts";
import type { Delivered } from "../vaultbox/deliver.ts";
import type { Health } from "../vaultbox/health.ts";

/** JSON of an answer. */
export type Json = Readonly<Record<string, unknown>>;

/**
 * Shapes the answer of a creation.
 *
 * @param vaultbox The vaultbox.
 * @returns As the guide has it.
 */
export function createdJson(vaultbox: Vaultbox): Json {
  return {
    "vaultbox_id": vaultbox.id,
    "domain": vaultbox.domain,
    "alias": vaultbox.alias,
    "name": vaultbox.name,
  };
}

/**
 * Shapes one vaultbox of a list.
 *
 * @param vaultbox The vaultbox.
 * @returns As the guide has it, with more fields.
 */
export function vaultboxJson(vaultbox: Vaultbox): Json {
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
    "message_count": vaultbox.messageCount,
    "created_at": vaultbox.createdAt,
  };
}

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

/**
 * Shapes a page of a list.
 *
 * @param rows Shaped rows.
 * @param next Where the next page begins.
 * @returns The envelope; `next_cursor` is there only if there is more.
 */
export function pageJson(
  rows: readonly Json[],
  next: Cursor | undefined,
): Json {
  return {
    "success": true,
    "data": rows,
    ...(next && {
      "next_cursor": btoa(`${next.createdAt} ${next.id}`),
    }),
  };
}

/**
 * Shapes a credential with its password.
 *
 * @param credential The credential.
 * @returns As the guide has it.
 */
export function credentialJson(credential: NewCredential): Json {
  return {
    "id": credential.id,
    "username": credential.username,
    "password": credential.password,
    "host": credential.host,
    "port": credential.port,
    "security_type": credential.securityType,
  };
}

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
 * Shapes the state of health.
 *
 * @param health The state.
 * @returns As the guide has it: without an envelope.
 */
export function healthJson(health: Health): Json {
  return {
    "status": health.healthy ? "healthy" : "unhealthy",
    "services": {
      "database": health.database ? "connected" : "disconnected",
      "storage": health.storage ? "accessible" : "inaccessible",
      "mta": health.mta ? "running" : "stopped",
    },
  };
}

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
