/**
 * JSON names of credentials.
 *
 * @module
 */

import type { App } from "../app.ts";
import type { AppCredential } from "../db/app_credentials.ts";
import type { MailServer } from "../db/credentials.ts";
import type { NewAppCredential } from "../vaultbox/app_credentials.ts";
import type { Credential, NewCredential } from "../vaultbox/credentials.ts";
import { imapServer, submissionServer } from "../vaultbox/login.ts";
import { ID, type Json, shape, TEXT, TIME, TIME_OR_NULL } from "./answers.ts";
import type { Schema } from "./fields.ts";

const SERVER_PROPERTIES = {
  host: TEXT,
  port: { type: "integer", minimum: 1, maximum: 65535 },
  "security_type": { type: "string", enum: ["STARTTLS", "SSL/TLS"] },
};

/** Schema of {@linkcode newCredentialJson}. */
export const NEW_CREDENTIAL: Schema = shape("NewCredential", {
  id: ID,
  username: TEXT,
  password: TEXT,
  ...SERVER_PROPERTIES,
});

/**
 * Shapes a credential with its password.
 *
 * @param credential The credential.
 * @returns As the guide has it.
 */
export function newCredentialJson(credential: NewCredential): Json {
  return {
    "id": credential.id,
    "username": credential.username,
    "password": credential.password,
    ...serverJson(credential),
  };
}

/** Schema of {@linkcode credentialJson}. */
export const CREDENTIAL: Schema = shape("Credential", {
  id: ID,
  username: TEXT,
  ...SERVER_PROPERTIES,
  "created_at": TIME,
  "last_used_at": TIME_OR_NULL,
});

/**
 * Shapes a credential without its password.
 *
 * @param credential The credential.
 * @returns What a mail client is told, and when it was used.
 */
export function credentialJson(credential: Credential): Json {
  return {
    "id": credential.id,
    "username": credential.username,
    ...serverJson(credential),
    "created_at": credential.createdAt,
    "last_used_at": credential.lastUsedAt,
  };
}

const SERVER_OR_NULL = {
  anyOf: [shape("MailServer", SERVER_PROPERTIES), { type: "null" }],
};

const APP_PROPERTIES = {
  id: ID,
  "vaultbox_id": ID,
  label: TEXT,
  username: TEXT,
  scope: { type: "string", enum: ["imap", "smtp", "both"] },
  "expires_at": TIME_OR_NULL,
  "allowed_networks": { type: ["array", "null"], items: TEXT },
  servers: shape("MailServers", {
    imap: SERVER_OR_NULL,
    submission: SERVER_OR_NULL,
  }),
  "created_at": TIME,
  "last_used_at": TIME_OR_NULL,
};

/** Schema of {@linkcode appCredentialJson}. */
export const APP_CREDENTIAL: Schema = shape("AppCredential", APP_PROPERTIES);

/** Schema of {@linkcode newAppCredentialJson}. */
export const NEW_APP_CREDENTIAL: Schema = shape("NewAppCredential", {
  ...APP_PROPERTIES,
  password: TEXT,
});

/**
 * Shapes an app credential without its password.
 *
 * @param app Names the servers.
 * @param credential The credential.
 * @returns With the servers that its scope opens; null for the other one.
 */
export function appCredentialJson(
  app: Pick<App, "config">,
  credential: AppCredential,
): Json {
  const { scope } = credential;
  return {
    "id": credential.id,
    "vaultbox_id": credential.vaultboxId,
    "label": credential.label,
    "username": credential.login,
    "scope": scope,
    "expires_at": credential.expiresAt,
    "allowed_networks": credential.allowedNetworks,
    "servers": {
      "imap": scope === "smtp" ? null : serverJson(imapServer(app)),
      "submission": scope === "imap" ? null : serverJson(submissionServer(app)),
    },
    "created_at": credential.createdAt,
    "last_used_at": credential.lastUsedAt,
  };
}

/**
 * Shapes an app credential with its password.
 *
 * @param app Names the servers.
 * @param credential The credential.
 * @returns The same with `password`.
 */
export function newAppCredentialJson(
  app: Pick<App, "config">,
  credential: NewAppCredential,
): Json {
  return {
    ...appCredentialJson(app, credential),
    "password": credential.password,
  };
}

function serverJson({ host, port, securityType }: MailServer): Json {
  return { "host": host, "port": port, "security_type": securityType };
}
