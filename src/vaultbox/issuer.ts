/**
 * The appliance's issuer, and certificates that it issues for keys held
 * elsewhere.
 *
 * @module
 */

import type { Actor, App, KeyName } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { insertCertificate } from "../db/certificates.ts";
import { isRefusal } from "../db/connect.ts";
import { findIssuer, insertIssuer, type IssuerRow } from "../db/issuers.ts";
import { getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { readCertificationRequest } from "../smime/certification_request.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { issuerCertificate } from "../x509/issuer.ts";
import { generateRsaKey } from "../x509/key_pair.ts";
import { leafCertificate, type Signer } from "../x509/leaf.ts";
import { pemDecode, pemEncode, pemExtract } from "../x509/pem.ts";
import { checkGenerations, CLOCK_SKEW_MS } from "./certificate.ts";

/** Length of the issuer's key. */
const ISSUER_BITS = 3072;

/** Twenty years: nothing of what it signs is to outlive it soon. */
const ISSUER_DAYS = 7305;

const DAY_MS = 86_400_000;

/**
 * Finds the issuer's certificate.
 *
 * @param app Uses `sql`.
 * @returns PEM.
 * @throws {AppError} `not_found` if nothing was issued yet.
 */
export async function getIssuerCertificate(
  app: Pick<App, "sql">,
): Promise<string> {
  const row = await findIssuer(app.sql);
  if (row === undefined) {
    throw new AppError("not_found", "There is no issuer until it is needed");
  }
  return row.certificatePem;
}

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
  const publicKey = readRequest(requestPem);
  await checkGenerations(app.sql, vaultboxId);
  const notBefore = new Date(app.now().getTime() - CLOCK_SKEW_MS);
  const { signer, notAfter } = await openIssuer(app);
  const daysLeft = Math.floor(
    (notAfter.getTime() - notBefore.getTime()) / DAY_MS,
  );
  const wanted = input.validityDays ?? app.config.certValidityDays;
  let issued;
  try {
    issued = await leafCertificate(`${alias}@${domain}`, publicKey, {
      signer,
      notBefore,
      validityDays: Math.min(wanted, daysLeft),
    });
  } finally {
    signer.privateKey.fill(0);
  }
  const row = {
    id: crypto.randomUUID(),
    vaultboxId,
    publicCertPem: pemEncode("CERTIFICATE", issued.certificate),
    fingerprintSha256: await fingerprintSha256(issued.certificate),
    notBefore: issued.notBefore,
    notAfter: issued.notAfter,
    origin: "csr",
    handedOutAt: app.now(),
  } as const;
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

function readRequest(pem: string): Uint8Array<ArrayBuffer> {
  try {
    return readCertificationRequest(pemExtract("CERTIFICATE REQUEST", pem));
  } catch (error) {
    const problem = error instanceof RangeError
      ? `is refused: ${error.message}`
      : "must be one PKCS#10 request in PEM";
    throw new AppError("invalid_request", `csr ${problem}`, {
      cause: error,
      details: { field: "csr" },
    });
  }
}

/** The issuer with its key, which the caller wipes; makes the first one. */
async function openIssuer(
  app: App,
): Promise<{ signer: Signer; notAfter: Date }> {
  const row = await findIssuer(app.sql) ?? await makeIssuer(app);
  const privateKey = await app.privateKeys.read(keyName(row));
  if (privateKey === undefined) {
    throw new Error("the key of the issuer is missing");
  }
  return {
    signer: {
      certificate: pemDecode("CERTIFICATE", row.certificatePem),
      privateKey,
    },
    notAfter: row.notAfter,
  };
}

/** Of two at once, one is kept. */
async function makeIssuer(app: App): Promise<IssuerRow> {
  const privateKey = await app.heavy.run(() => generateRsaKey(ISSUER_BITS));
  const { certificate, notAfter } = await issuerCertificate({
    privateKey,
    notBefore: new Date(app.now().getTime() - CLOCK_SKEW_MS),
    validityDays: ISSUER_DAYS,
  });
  const row = {
    id: crypto.randomUUID(),
    certificatePem: pemEncode("CERTIFICATE", certificate),
    fingerprintSha256: await fingerprintSha256(certificate),
    notAfter,
  };
  try {
    await app.privateKeys.store(keyName(row), privateKey);
    if (await insertIssuer(app.sql, row)) {
      app.log.write("info", "issuer made", { issuer: row.id });
      return row;
    }
  } catch (error) {
    // A commit whose answer was lost has the row: the file must stay then.
    if (isRefusal(error)) await app.privateKeys.remove([row.id]);
    throw error;
  } finally {
    privateKey.fill(0);
  }
  await app.privateKeys.remove([row.id]);
  return (await findIssuer(app.sql))!;
}

/** A key is bound to a vaultbox and a certificate: the issuer stands for both. */
function keyName({ id, fingerprintSha256 }: IssuerRow): KeyName {
  return { certificateId: id, vaultboxId: id, fingerprintSha256 };
}
