/**
 * What a user imports into a mail client: PKCS#12 files and the ZIP bundle.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { listCertificates } from "../db/certificates.ts";
import { pfx, type PfxFormat } from "../pkcs12/pfx.ts";
import { bundlePassword } from "./bundle_password.ts";
import { bundleZip, friendlyName } from "./bundle_zip.ts";
import { handOut, type MakeFile } from "./hand_out.ts";
import { partyOf } from "./key_pool.ts";
import { profile } from "./profile.ts";

/** Checked input of a download. */
export interface BundleRequest {
  /** UUID. */
  readonly vaultboxId: string;
  /** Password of the PKCS#12 files, as {@linkcode bundlePassword} takes it. */
  readonly password: string;
}

/**
 * Makes the PKCS#12 file of the newest generation.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param request Checked input.
 * @param format `compatible` for Android, GnuPG 2.2, iOS 17, macOS 14 and older.
 * @returns The file.
 * @throws {AppError} As {@linkcode handOut}, and `invalid_request` if the
 * password is not allowed.
 */
export async function vaultboxPfx(
  app: App,
  actor: Actor,
  request: BundleRequest,
  format: PfxFormat,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vaultboxId, password } = request;
  const make: MakeFile = async (vaultbox, [newest]) => {
    const address = `${vaultbox.alias}@${vaultbox.domain}`;
    const { privateKey, certificate, chain, fingerprintSha256 } = newest!;
    return await pfx({
      privateKey,
      certificate,
      chain,
      friendlyName: friendlyName(address, fingerprintSha256),
      password: bundlePassword(password, address),
      format,
    });
  };
  const wanted = { vaultboxId, onlyNewest: true };
  // The whole of it takes its turn, so that no key waits in memory.
  return await app.heavy.run(
    () => handOut(app, actor, wanted, make),
    partyOf(actor),
  );
}

/**
 * Makes the ZIP bundle of all generations whose key is kept here. Retired ones
 * are among them, last: they open the mail of their time.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param request Checked input.
 * @returns The ZIP file.
 * @throws {AppError} As {@linkcode vaultboxPfx}.
 */
export async function vaultboxBundle(
  app: App,
  actor: Actor,
  request: BundleRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vaultboxId, password } = request;
  const make: MakeFile = async (vaultbox, generations) => {
    const { alias, domain, name, username, custody } = vaultbox;
    const address = `${alias}@${domain}`;
    const destroyed = (await listCertificates(app.sql, vaultboxId))
      .filter(({ keyState }) => /^destroy/.test(keyState));
    return await bundleZip({
      address,
      hostname: app.config.hostname,
      ...(username === null ? {} : { username }),
      // handOut() has refused `external`.
      isOnlyCopy: custody === "client",
      destroyedKeys: destroyed.length,
      password: bundlePassword(password, address),
      modified: app.now(),
      generations,
      profile: (keys) => profile(app, { vaultboxId, address, name, keys }),
    });
  };
  return await app.heavy.run(
    () => handOut(app, actor, { vaultboxId }, make),
    partyOf(actor),
  );
}
