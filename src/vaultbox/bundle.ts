/**
 * What a user imports into a mail client: PKCS#12 files and the ZIP bundle.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  type Certificate,
  listCertificates,
  markHandedOut,
} from "../db/certificates.ts";
import { getVaultbox, type Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { checkBundlePassword, pfx } from "../pkcs12/pfx.ts";
import { pemDecode } from "../x509/pem.ts";
import { partyOf } from "./key_pool.ts";
import { bundleZip } from "./bundle_zip.ts";

/** Checked input of a download. */
export interface BundleRequest {
  /** UUID. */
  readonly vaultboxId: string;
  /** Password of the PKCS#12 files. */
  readonly password: string;
}

/** A generation with its key. */
export interface Generation extends Certificate {
  readonly certificate: Uint8Array<ArrayBuffer>;
  readonly privateKey: Uint8Array<ArrayBuffer>;
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
  const { vaultbox, generations } = await handOut(app, actor, request, 1);
  const newest = generations[0]!;
  return await app.heavy.run(() =>
    pfx({
      privateKey: newest.privateKey,
      certificate: newest.certificate,
      friendlyName: `${vaultbox.alias}@${vaultbox.domain}`,
      password: request.password,
      form,
    }), partyOf(actor));
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
  const { vaultbox, generations } = await handOut(app, actor, request);
  return await app.heavy.run(() =>
    bundleZip({
      address: `${vaultbox.alias}@${vaultbox.domain}`,
      hostname: app.config.hostname,
      ...(vaultbox.username === null ? {} : { username: vaultbox.username }),
      password: request.password,
      modified: app.now(),
      generations,
    }), partyOf(actor));
}

/**
 * Reads keys and notes that they went out: from now on mail is encrypted to
 * these generations until they are retired.
 */
export async function handOut(
  app: App,
  actor: Actor,
  request: BundleRequest,
  count?: number,
): Promise<{ vaultbox: Vaultbox; generations: Generation[] }> {
  const { vaultboxId } = request;
  const vaultbox = await getVaultbox(app.sql, vaultboxId, actor);
  if (vaultbox.custody !== "server") {
    throw new AppError("conflict", "The key of this vaultbox is not kept here");
  }
  const certificates = (await listCertificates(app.sql, vaultboxId))
    .filter(({ origin }) => origin === "generated");
  certificates.sort((a, b) =>
    Number(a.retiredAt !== null) - Number(b.retiredAt !== null)
  );
  const generations: Generation[] = [];
  for (const certificate of certificates.slice(0, count)) {
    const { id: certificateId, fingerprintSha256 } = certificate;
    const privateKey = await app.privateKeys.read({
      certificateId,
      vaultboxId,
      fingerprintSha256,
    });
    if (privateKey === undefined) {
      throw new Error(`the key of generation ${certificateId} is missing`);
    }
    generations.push({
      ...certificate,
      certificate: pemDecode("CERTIFICATE", certificate.publicCertPem),
      privateKey,
    });
  }
  if (generations.length === 0) throw new Error("vaultbox has no certificate");
  await app.sql.begin(async (tx) => {
    await markHandedOut(tx, generations.map((each) => each.id));
    await insertAudit(tx, actor, {
      action: "key.download",
      userId: vaultbox.userId,
      vaultboxId,
      domain: vaultbox.domain,
      details: { generations: generations.length },
    });
  });
  app.log.write("info", "keys handed out", {
    vaultbox: vaultboxId,
    generations: generations.length,
  });
  return { vaultbox, generations };
}
