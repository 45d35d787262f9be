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
import { pfx, type PfxFormat } from "../pkcs12/pfx.ts";
import { pemDecode } from "../x509/pem.ts";
import { bundlePassword } from "./bundle_password.ts";
import {
  type BundleGeneration,
  bundleZip,
  friendlyName,
} from "./bundle_zip.ts";
import { partyOf } from "./key_pool.ts";

/** Checked input of a download. */
export interface BundleRequest {
  /** UUID. */
  readonly vaultboxId: string;
  /** Password of the PKCS#12 files, as {@linkcode bundlePassword} takes it. */
  readonly password: string;
}

/** Makes a file of a vaultbox's keys: the newest first, retired ones last. */
type MakeFile = (
  vaultbox: Vaultbox,
  generations: readonly BundleGeneration[],
) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Makes the PKCS#12 file of the newest generation.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param request Checked input.
 * @param format `compatible` for Android, GnuPG 2.2, iOS 17, macOS 14 and older.
 * @returns The file.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * its key is not kept here, `invalid_request` if the password is not allowed.
 */
export async function vaultboxPfx(
  app: App,
  actor: Actor,
  request: BundleRequest,
  format: PfxFormat,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vaultboxId, password } = request;
  const make: MakeFile = (vaultbox, [newest]) => {
    const address = `${vaultbox.alias}@${vaultbox.domain}`;
    const { privateKey, certificate, chain, fingerprintSha256 } = newest!;
    return pfx({
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
  const make: MakeFile = (vaultbox, generations) => {
    const { alias, domain, username } = vaultbox;
    const address = `${alias}@${domain}`;
    return bundleZip({
      address,
      hostname: app.config.hostname,
      ...(username === null ? {} : { username }),
      custody: "server",
      password: bundlePassword(password, address),
      modified: app.now(),
      generations,
    });
  };
  return await app.heavy.run(
    () => handOut(app, actor, { vaultboxId }, make),
    partyOf(actor),
  );
}

/**
 * Makes a file of keys and notes that they went out: from now on mail is
 * encrypted to these generations until they are retired.
 */
async function handOut(
  app: App,
  actor: Actor,
  wanted: { vaultboxId: string; onlyNewest?: boolean },
  make: MakeFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vaultboxId, onlyNewest = false } = wanted;
  const vaultbox = await getVaultbox(app.sql, vaultboxId, actor);
  if (vaultbox.custody !== "server") {
    throw new AppError("conflict", "The key of this vaultbox is not kept here");
  }
  const certificates = (await listCertificates(app.sql, vaultboxId))
    .filter(({ origin }) => origin === "generated");
  certificates.sort((a, b) =>
    Number(a.retiredAt !== null) - Number(b.retiredAt !== null)
  );
  if (onlyNewest) certificates.splice(1);
  if (certificates.length === 0) throw new Error("vaultbox has no certificate");
  const generations: BundleGeneration[] = [];
  let file: Uint8Array<ArrayBuffer>;
  try {
    for (const certificate of certificates) {
      generations.push(await withKey(app, certificate));
    }
    file = await make(vaultbox, generations);
  } finally {
    for (const { privateKey } of generations) privateKey.fill(0);
  }
  await app.sql.begin(async (tx) => {
    await markHandedOut(tx, certificates.map(({ id }) => id));
    await insertAudit(tx, actor, {
      action: "key.download",
      userId: vaultbox.userId,
      vaultboxId,
      domain: vaultbox.domain,
      details: { generations: certificates.length },
    });
  });
  app.log.write("info", "keys handed out", {
    vaultbox: vaultboxId,
    generations: certificates.length,
  });
  return file;
}

async function withKey(
  app: App,
  certificate: Certificate,
): Promise<BundleGeneration> {
  const { id: certificateId, vaultboxId, fingerprintSha256, notAfter } =
    certificate;
  const name = { certificateId, vaultboxId, fingerprintSha256 };
  const privateKey = await app.privateKeys.read(name);
  if (privateKey === undefined) {
    throw new Error(`the key of generation ${certificateId} is missing`);
  }
  return {
    certificate: pemDecode("CERTIFICATE", certificate.publicCertPem),
    privateKey,
    chain: [],
    fingerprintSha256,
    notAfter,
  };
}
