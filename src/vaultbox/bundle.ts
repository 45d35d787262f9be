/**
 * What a user imports into a mail client: PKCS#12 files and the ZIP bundle.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { checkBundlePassword, pfx } from "../pkcs12/pfx.ts";
import { bundleZip } from "./bundle_zip.ts";
import { handOut } from "./hand_out.ts";
import { partyOf } from "./key_pool.ts";

/** Checked input of a download. */
export interface BundleRequest {
  /** UUID. */
  readonly vaultboxId: string;
  /** Password of the PKCS#12 files. */
  readonly password: string;
}

/**
 * Makes the PKCS#12 file of the newest generation.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param request Checked input.
 * @param form `compat` for Android, GnuPG 2.2, iOS 17, macOS 14 and older.
 * @returns The file.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * its key is not kept here.
 */
export async function vaultboxPfx(
  app: App,
  actor: Actor,
  request: BundleRequest,
  form: "modern" | "compat",
): Promise<Uint8Array<ArrayBuffer>> {
  checkBundlePassword(request.password);
  const { vaultboxId, password } = request;
  const wanted = { vaultboxId, onlyNewest: true };
  return await handOut(
    app,
    actor,
    wanted,
    (vaultbox, [newest]) =>
      app.heavy.run(() =>
        pfx({
          privateKey: newest!.privateKey,
          certificate: newest!.certificate,
          friendlyName: `${vaultbox.alias}@${vaultbox.domain}`,
          password,
          form,
        }), partyOf(actor)),
  );
}

/**
 * Makes the ZIP bundle of all generations whose key is kept here. Retired ones
 * are among them, last: they open the mail of their time.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param request Checked input.
 * @returns The ZIP file and a name for it.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * its key is not kept here.
 */
export async function vaultboxBundle(
  app: App,
  actor: Actor,
  request: BundleRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  checkBundlePassword(request.password);
  const { vaultboxId, password } = request;
  return await handOut(
    app,
    actor,
    { vaultboxId },
    (vaultbox, generations) =>
      app.heavy.run(() =>
        bundleZip({
          address: `${vaultbox.alias}@${vaultbox.domain}`,
          hostname: app.config.hostname,
          ...(vaultbox.username === null
            ? {}
            : { username: vaultbox.username }),
          password,
          modified: app.now(),
          generations,
        }), partyOf(actor)),
  );
}
