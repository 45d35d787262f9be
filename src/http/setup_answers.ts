/**
 * Answers about the set-up of mail clients.
 *
 * @module
 */

import type { SetupLink } from "../db/setup_links.ts";
import { ID, type Json, shape, TEXT, TIME, TIME_OR_NULL } from "./answers.ts";
import type { Schema } from "./fields.ts";

const LINK_PROPERTIES = {
  id: ID,
  "vaultbox_id": ID,
  "with_credential": { type: "boolean" },
  "expires_at": TIME,
  "used_at": TIME_OR_NULL,
  "created_at": TIME,
};

/** Schema of {@linkcode setupLinkJson}. */
export const SETUP_LINK: Schema = shape("SetupLink", LINK_PROPERTIES);

/** The same with the URL, which is shown once. */
export const NEW_SETUP_LINK: Schema = shape("NewSetupLink", {
  ...LINK_PROPERTIES,
  url: TEXT,
});

/**
 * Shapes a one-time link.
 *
 * @param link The link.
 * @returns Without the URL.
 */
export function setupLinkJson(link: SetupLink): Json {
  return {
    "id": link.id,
    "vaultbox_id": link.vaultboxId,
    "with_credential": link.withCredential,
    "expires_at": link.expiresAt,
    "used_at": link.usedAt,
    "created_at": link.createdAt,
  };
}
