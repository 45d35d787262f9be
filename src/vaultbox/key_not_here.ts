/**
 * What is said to whoever asks for keys that cannot be had.
 *
 * @module
 */

import type { Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";

/**
 * Makes the failure of whoever asks for a key that is not here.
 *
 * @param vaultbox Whose key.
 * @returns The failure; `details` say why and what to do.
 */
export function keyNotHere(
  vaultbox: Pick<Vaultbox, "custody" | "id">,
): AppError {
  const isExternal = vaultbox.custody === "external";
  return refusedKey(vaultbox, "The key of this vaultbox is not kept here", {
    reason: isExternal ? "held_elsewhere" : "destroyed",
    advice: isExternal
      ? "The owner has the key; upload a certificate or send a request (CSR) to renew it, or change the custody to have keys made here."
      : "The owner has the keys from an earlier bundle; generate-certificate makes a new one to hand out.",
  });
}

/**
 * Makes the failure of whoever asks for keys that may not go out.
 *
 * @param vaultbox Whose keys.
 * @param message For people.
 * @param details `reason` for programs, `advice` for people.
 * @returns The failure.
 */
export function refusedKey(
  { custody }: Pick<Vaultbox, "custody">,
  message: string,
  details: Readonly<Record<string, unknown>>,
): AppError {
  return new AppError("conflict", message, {
    details: { custody, ...details },
  });
}
