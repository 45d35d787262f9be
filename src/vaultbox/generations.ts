/**
 * The certificates of a vaultbox: which there are, and which mail is encrypted
 * to.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  type Certificate,
  getCertificate,
  listCertificates,
  listRecipients,
  pageCertificates,
  updateRetired,
} from "../db/certificates.ts";
import type { Page, Rows } from "../db/page.ts";
import { getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import {
  type CertificateFacts,
  readCertificate,
} from "../smime/recipient_certificate.ts";
import { pemDecode } from "../x509/pem.ts";
import { checkRecipients } from "./certificate.ts";

/** A certificate and what it says of itself. */
export interface Generation extends Certificate, CertificateFacts {
  /** The certificate, DER. */
  readonly der: Uint8Array<ArrayBuffer>;
}

/** Which certificate is meant. */
export interface GenerationId {
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** UUID of the certificate. */
  readonly certificateId: string;
}

/**
 * Lists certificates of a vaultbox, retired ones too.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param page Which part.
 * @returns The page.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function listGenerations(
  app: Pick<App, "sql">,
  actor: Actor,
  vaultboxId: string,
  page: Page,
): Promise<Rows<Generation>> {
  await getVaultbox(app.sql, vaultboxId, actor);
  const { rows, next } = await pageCertificates(app.sql, vaultboxId, page);
  return { rows: rows.map(withFacts), next };
}

/**
 * Finds a certificate of a vaultbox.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param ids Which one.
 * @returns The certificate.
 * @throws {AppError} `not_found` if there is no such vaultbox or it has no such
 * certificate.
 */
export async function getGeneration(
  app: Pick<App, "sql">,
  actor: Actor,
  ids: GenerationId,
): Promise<Generation> {
  await getVaultbox(app.sql, ids.vaultboxId, actor);
  return withFacts(
    await getCertificate(app.sql, ids.vaultboxId, ids.certificateId),
  );
}

/**
 * Retires a certificate, so that mail is no longer encrypted to it, or takes
 * that back. A key that is kept here stays: it opens the mail of its time.
 *
 * @param app Uses `sql`.
 * @param actor Who does it, and whose the vaultbox must be.
 * @param ids Which one.
 * @param isRetired What it shall be; nothing happens if it is so already.
 * @returns The certificate.
 * @throws {AppError} `not_found` as {@linkcode getGeneration}, `conflict` if no
 * certificate would be left to encrypt to, one that nobody has the key of
 * would be, or a ninth.
 */
export async function setRetired(
  app: Pick<App, "sql">,
  actor: Actor,
  ids: GenerationId,
  isRetired: boolean,
): Promise<Generation> {
  const { vaultboxId, certificateId } = ids;
  const changed = await app.sql.begin(async (tx) => {
    // Two at once must not each leave the other as the last.
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const before = await getCertificate(tx, vaultboxId, certificateId);
    if ((before.retiredAt !== null) === isRetired) return before;
    const isNobodys = before.handedOutAt === null &&
      ["destroying", "destroyed"].includes(before.keyState);
    if (!isRetired && isNobodys) {
      throw new AppError("conflict", "Nobody has the key of this certificate");
    }
    await updateRetired(tx, certificateId, isRetired);
    if (!isRetired) checkRecipients(await listCertificates(tx, vaultboxId), 0);
    if ((await listRecipients(tx, vaultboxId)).length === 0) {
      throw new AppError(
        "conflict",
        "Mail would have no certificate to be encrypted to",
      );
    }
    await insertAudit(tx, actor, {
      action: isRetired ? "certificate.retire" : "certificate.restore",
      userId: vaultbox.userId,
      vaultboxId,
      domain: vaultbox.domain,
      details: { "certificate_id": certificateId },
    });
    return await getCertificate(tx, vaultboxId, certificateId);
  });
  return withFacts(changed as Certificate);
}

function withFacts(certificate: Certificate): Generation {
  const der = pemDecode("CERTIFICATE", certificate.publicCertPem);
  return { ...certificate, ...readCertificate(der), der };
}
