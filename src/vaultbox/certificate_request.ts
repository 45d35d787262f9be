/**
 * Certificates that the appliance's issuer makes for keys held elsewhere.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { insertCertificate } from "../db/certificates.ts";
import { getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { readCertificationRequest } from "../smime/certification_request.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { pemEncode, pemExtract } from "../x509/pem.ts";
import { checkGenerations, type Identity } from "./certificate.ts";
import { mistaken } from "./handed_in.ts";
import { issueLeaf } from "./issuer.ts";

/**
 * Issues a certificate of our profile, for a vaultbox's own address and the key
 * of a request. Mail is encrypted to it from now on.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param input UUID of the vaultbox, request in PEM, validity in days, which is
 * cut where the issuer's ends.
 * @returns UUID of the generation and the certificate, PEM.
 * @throws {AppError} `not_found` if there is no such vaultbox,
 * `invalid_request` if the request is not signed by its key or that key cannot
 * be used, `conflict` if the vaultbox has 20 certificates.
 */
export async function issueCertificate(
  app: App,
  actor: Actor,
  input: {
    vaultboxId: string;
    requestPem: string;
    validityDays?: number | undefined;
  },
): Promise<{ id: string; certificatePem: string }> {
  const { vaultboxId, requestPem } = input;
  const { alias, domain, userId } = await getVaultbox(
    app.sql,
    vaultboxId,
    actor,
  );
  await checkGenerations(app.sql, vaultboxId);
  const { row } = await requestedIdentity(
    app,
    requestPem,
    vaultboxId,
    `${alias}@${domain}`,
    input.validityDays,
  );
  await app.sql.begin(async (tx) => {
    await getVaultbox(tx, vaultboxId, actor, true);
    await checkGenerations(tx, vaultboxId);
    await insertCertificate(tx, row);
    await insertAudit(tx, actor, {
      action: "certificate.issue",
      userId,
      vaultboxId,
      domain,
      details: {
        "certificate_id": row.id,
        "fingerprint_sha256": row.fingerprintSha256,
      },
    });
  });
  app.log.write("info", "certificate issued on request", {
    vaultbox: vaultboxId,
    certificate: row.id,
  });
  return { id: row.id, certificatePem: row.publicCertPem };
}

/**
 * Issues a certificate for the key of a request.
 *
 * @param app The world.
 * @param requestPem The request, PEM.
 * @param vaultboxId UUID of the vaultbox that the row names.
 * @param address The vaultbox's own address.
 * @param validityDays Days from now; CERT_VALIDITY_DAYS if left out.
 * @returns A row; nothing is stored.
 * @throws {AppError} `invalid_request` if the request is not signed by its key
 * or that key cannot be used.
 */
export async function requestedIdentity(
  app: App,
  requestPem: string,
  vaultboxId: string,
  address: string,
  validityDays: number = app.config.certValidityDays,
): Promise<Identity> {
  const publicKey = readRequest(requestPem);
  const issued = await issueLeaf(app, address, publicKey, validityDays);
  return {
    privateKey: undefined,
    row: {
      id: crypto.randomUUID(),
      vaultboxId,
      publicCertPem: pemEncode("CERTIFICATE", issued.certificate),
      fingerprintSha256: await fingerprintSha256(issued.certificate),
      notBefore: issued.notBefore,
      notAfter: issued.notAfter,
      origin: "csr",
      // Somebody has its key already.
      handedOutAt: app.now(),
      issuerId: issued.issuerId,
    },
  };
}

function readRequest(pem: string): Uint8Array<ArrayBuffer> {
  try {
    return readCertificationRequest(pemExtract("CERTIFICATE REQUEST", pem));
  } catch (error) {
    const found = error instanceof RangeError ? undefined : mistaken(pem);
    // What says that it is a request and cannot be read is just that.
    const other = found?.reason === "request" ? undefined : found;
    const problem = error instanceof RangeError
      ? `is refused: ${error.message}`
      : "must be one PKCS#10 request in PEM" +
        (other === undefined ? "" : `, and this is ${other.what}`);
    throw new AppError("invalid_request", `csr ${problem}`, {
      cause: error,
      details: {
        field: "csr",
        ...other && { reason: other.reason, advice: other.advice },
      },
    });
  }
}
