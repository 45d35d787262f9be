/**
 * The change of the HMACs of stored messages to those under another key.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** What a message's HMAC becomes. */
export interface NewHmac {
  /**
   * The former HMAC, hexadecimal, or the UUID of the message where the former
   * key is lost.
   */
  readonly of: string;
  /** HMAC under the new key, hexadecimal. */
  readonly hmac: string;
}

/**
 * Replaces HMACs of a vaultbox's messages.
 *
 * @param db Transaction.
 * @param vaultboxId UUID; messages of others stay as they are.
 * @param by Whether the messages are named by their former HMAC or their id.
 * @param changes What they become; some thousands at most.
 * @returns How many were changed.
 */
export async function replaceHmacs(
  db: Db,
  vaultboxId: string,
  by: "hmac" | "id",
  changes: readonly NewHmac[],
): Promise<number> {
  const named = changes.map((change) => change.of);
  const hmacs = changes.map(({ hmac }) => hmac);
  const { count } = await db`
    update messages m
    set storage = jsonb_set(storage, '{hmac}', to_jsonb(changes.hmac))
    from unnest(${named}::text[], ${hmacs}::text[]) as changes (named, hmac)
    where m.vaultbox_id = ${vaultboxId} and ${
    by === "id"
      ? db`m.id = changes.named::uuid`
      : db`m.storage->>'hmac' = changes.named`
  }
      and m.storage->>'hmac' <> changes.hmac
  `;
  return count;
}
