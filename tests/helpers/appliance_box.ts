/**
 * Vaultboxes of an appliance, with what reads their mail.
 *
 * @module
 */

import { ALICE } from "./app.ts";
import type { Appliance } from "./appliance.ts";

/** Password of the P12 files. */
export const PASSWORD = "correct horse battery";

/** A vaultbox as a test uses it. */
export interface Box {
  /** UUID. */
  readonly id: string;
  /** Its address. */
  readonly address: string;
  /** Its key, under {@linkcode PASSWORD}. */
  readonly p12: Uint8Array<ArrayBuffer>;
}

/** What a mail client logs in with. */
export interface Login {
  /** User name. */
  readonly username: string;
  /** Password. */
  readonly password: string;
}

/**
 * Makes a vaultbox of Alice's.
 *
 * @param appliance The appliance.
 * @param alias Local part at pets.example.
 * @returns The vaultbox.
 */
export async function makeBox(
  appliance: Appliance,
  alias: string,
): Promise<Box> {
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias,
    name: alias,
  });
  const id = made.data["vaultbox_id"];
  const request = { "vaultbox_id": id, password: PASSWORD };
  const p12 = await appliance.download("/p12", request);
  return { id, address: `${alias}@pets.example`, p12 };
}

/**
 * Makes an app credential for IMAP and submission.
 *
 * @param appliance The appliance.
 * @param id UUID of the vaultbox.
 * @returns The credential.
 */
export async function makeLogin(
  appliance: Appliance,
  id: string,
): Promise<Login> {
  const path = `/vaultboxes/${id}/app-credentials`;
  return (await appliance.api("POST", path, { label: "Phone" })).data;
}
