/**
 * Certificates whose private keys are held elsewhere.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { insertCertificate } from "../db/certificates.ts";
import { listAddressesOf } from "../db/addresses.ts";
import { getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { encryptMessage } from "../smime/encrypt_message.ts";
import {
  type CertificateFacts,
  readCertificate,
} from "../smime/recipient_certificate.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { pemEncode, pemExtract } from "../x509/pem.ts";
import { checkGenerations, type Identity } from "./certificate.ts";

/** An address of a vaultbox. */
export interface Address {
  /** Lower case, A-labels. */
  readonly domain: string;
  /** Local part, lower case. */
  readonly alias: string;
}

/** What a certificate must be able to encrypt before it is taken. */
const TRIAL = new TextEncoder().encode("Subject: Trial\r\n\r\nTrial\r\n");

/**
 * Checks a certificate of others: mail will be encrypted to it.
 *
 * @param app Uses `now`.
 * @param pem The certificate as it was handed in, PEM with text around it.
 * @param vaultboxId UUID of the vaultbox that the row names.
 * @param addresses Addresses of the vaultbox. If the certificate has any, one
 * of them must be among these; one without any is taken.
 * @returns A row; nothing is stored.
 * @throws {AppError} `invalid_request` if it cannot be used.
 */
export async function uploadedIdentity(
  app: Pick<App, "now">,
  pem: string,
  vaultboxId: string,
  addresses: readonly Address[],
): Promise<Identity> {
  const { certificate, facts } = await readUpload(app, pem);
  checkEmails(facts, addresses);
  const { notBefore, notAfter } = facts;
  return {
    privateKey: undefined,
    row: {
      id: crypto.randomUUID(),
      vaultboxId,
      publicCertPem: pemEncode("CERTIFICATE", certificate),
      fingerprintSha256: await fingerprintSha256(certificate),
      notBefore,
      notAfter,
      origin: "uploaded",
      // Somebody has its key already.
      handedOutAt: app.now(),
      issuerId: null,
    },
  };
}

/**
 * Adds a certificate whose key is held elsewhere. Mail is encrypted to it from
 * now on.
 *
 * @param app The world.
 * @param actor Who adds it, and whose the vaultbox must be.
 * @param input UUID of the vaultbox and the certificate, PEM.
 * @returns UUID of the generation.
 * @throws {AppError} `not_found` if there is no such vaultbox,
 * `invalid_request` if the certificate cannot be used, `conflict` if the
 * vaultbox has it already or has 20.
 */
export async function uploadCertificate(
  app: App,
  actor: Actor,
  input: { vaultboxId: string; certificatePem: string },
): Promise<string> {
  const { vaultboxId, certificatePem } = input;
  const id = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const { row } = await uploadedIdentity(
      app,
      certificatePem,
      vaultboxId,
      await listAddressesOf(tx, { vaultboxId }),
    );
    await checkGenerations(tx, vaultboxId);
    await insertCertificate(tx, row);
    await insertAudit(tx, actor, {
      action: "certificate.upload",
      userId: vaultbox.userId,
      vaultboxId,
      domain: vaultbox.domain,
      details: {
        "certificate_id": row.id,
        "fingerprint_sha256": row.fingerprintSha256,
      },
    });
    return row.id;
  });
  app.log.write("info", "certificate uploaded", {
    vaultbox: vaultboxId,
    certificate: id,
  });
  return id;
}

async function readUpload(
  app: Pick<App, "now">,
  pem: string,
): Promise<{ certificate: Uint8Array<ArrayBuffer>; facts: CertificateFacts }> {
  if (pem.includes("PRIVATE KEY-----")) {
    throw refused("must come without its private key");
  }
  let certificate: Uint8Array<ArrayBuffer>;
  let facts: CertificateFacts;
  try {
    certificate = pemExtract("CERTIFICATE", pem);
    facts = readCertificate(certificate);
  } catch (error) {
    if (error instanceof RangeError) throw refused(error.message, error);
    throw refused("must be one X.509 certificate in PEM", error);
  }
  if (facts.notAfter <= app.now()) throw refused("has expired");
  if (!facts.allowsEncryption) {
    const usage = facts.keyType === "RSA" ? "keyEncipherment" : "keyAgreement";
    throw refused(`must allow ${usage} in its key usage`);
  }
  try {
    await encryptMessage(TRIAL, [certificate], { traceFields: [] });
  } catch (error) {
    throw refused("is not one that mail can be encrypted to", error);
  }
  return { certificate, facts };
}

function checkEmails(
  { emails }: CertificateFacts,
  addresses: readonly Address[],
): void {
  const isOurs = (email: string): boolean =>
    addresses.some(({ alias, domain }) =>
      email.toLowerCase() === `${alias}@${domain}`
    );
  if (emails.length > 0 && !emails.some(isOurs)) {
    throw refused("is for another address");
  }
}

function refused(problem: string, cause?: unknown): AppError {
  return new AppError("invalid_request", `certificate ${problem}`, {
    cause,
    details: { field: "certificate" },
  });
}
