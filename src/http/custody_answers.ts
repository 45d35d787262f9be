/**
 * JSON names of custody and of receipts.
 *
 * @module
 */

import type { Custody } from "../vaultbox/custody.ts";
import type { Receipt } from "../vaultbox/key_destruction.ts";
import { COUNT, ID, type Json, shape, TEXT, TIME } from "./answers.ts";
import type { Schema } from "./fields.ts";

const PROPERTIES = {
  "vaultbox_id": ID,
  custody: { type: "string", enum: ["server", "client", "external"] },
  "keys_kept": COUNT,
  "keys_destroyed": COUNT,
  newest: shape("NewestCertificate", {
    "not_after": TIME,
    "renewed_by": { type: "string", enum: ["appliance", "owner"] },
  }),
  "hand_out": {
    anyOf: [
      shape("HandOut", { since: TIME, files: COUNT, "repeat_until": TIME }),
      { type: "null" },
    ],
  },
};

/** Schema of {@linkcode custodyJson}. */
export const CUSTODY: Schema = shape("Custody", PROPERTIES);

/** Schema of the same with what a change means. */
export const CUSTODY_CHANGE: Schema = shape("CustodyChange", {
  ...PROPERTIES,
  "dry_run": { type: "boolean" },
  warnings: { type: "array", items: TEXT },
});

/**
 * Shapes who holds the keys of a vaultbox.
 *
 * @param custody The state.
 * @returns With the hand-out that nobody has confirmed.
 */
export function custodyJson(custody: Custody): Json {
  const { handOut } = custody;
  return {
    "vaultbox_id": custody.vaultboxId,
    "custody": custody.custody,
    "keys_kept": custody.keysKept,
    "keys_destroyed": custody.keysDestroyed,
    "newest": {
      "not_after": custody.newest.notAfter,
      "renewed_by": custody.newest.renewedBy,
    },
    "hand_out": handOut === undefined ? null : {
      "since": handOut.since,
      "files": handOut.files,
      "repeat_until": handOut.repeatUntil,
    },
  };
}

/** Schema of {@linkcode receiptJson}. */
export const RECEIPT: Schema = shape("DestructionReceipt", {
  "vaultbox_id": ID,
  keys: {
    type: "array",
    items: shape("DestroyedKey", {
      "certificate_id": ID,
      "fingerprint_sha256": TEXT,
      "destroyed_at": TIME,
      "request_id": { type: ["string", "null"], format: "uuid" },
    }),
  },
  "not_covered": TEXT,
});

/** What the program cannot reach. */
const NOT_COVERED =
  "Copies outside the appliance's key store: backups, snapshots of disks and machines, and octets that a disk has set aside.";

/**
 * Shapes a receipt.
 *
 * @param receipt What was destroyed.
 * @returns With what it does not speak of.
 */
export function receiptJson({ vaultboxId, keys }: Receipt): Json {
  return {
    "vaultbox_id": vaultboxId,
    "keys": keys.map((key) => ({
      "certificate_id": key.certificateId,
      "fingerprint_sha256": key.fingerprintSha256,
      "destroyed_at": key.destroyedAt,
      "request_id": key.requestId,
    })),
    "not_covered": NOT_COVERED,
  };
}
