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
import { type Address, parseAddress } from "../mail/address.ts";
import { messageInMemory } from "../mail/message.ts";
import { encryptMessage } from "../smime/encrypt_message.ts";
import {
  type CertificateFacts,
  readCertificate,
} from "../smime/recipient_certificate.ts";
import { readRecipient } from "../smime/recipient.ts";
import { profileProblem } from "../smime/recipient_profile.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { pemEncode, pemExtract } from "../x509/pem.ts";
import { checkGenerations, type Identity } from "./certificate.ts";
import { mistaken } from "./handed_in.ts";
import { CLOCK_SKEW_MS } from "./issuer.ts";

/** What is odd about a certificate that was taken. */
export type CertificateWarning = "address_mismatch" | "no_address";

/** A certificate of others, before anything is stored. */
export interface UploadedIdentity extends Identity {
  /** What its owner is to be told. */
  readonly warnings: readonly CertificateWarning[];
}

/** Addresses that a message names, at most. */
const SHOWN_MAX = 3;

/** Characters of each that it shows, at most. */
const SHOWN_LENGTH = 100;

/** What a certificate must be able to encrypt before it is taken. */
const TRIAL = new TextEncoder().encode("Subject: Trial\r\n\r\nTrial\r\n");

/**
 * Checks a certificate of others: mail will be encrypted to it.
 *
 * @param app Uses `config` and `now`.
 * @param pem The certificate as it was handed in, PEM with text around it.
 * @param vaultboxId UUID of the vaultbox that the row names.
 * @param addresses Addresses of the vaultbox. If the certificate has any, one
 * of them must be among these, or ENCIMAP_ADDRESS_MISMATCH be `warn`; one
 * without any is taken.
 * @returns A row, and what is odd; nothing is stored.
 * @throws {AppError} `invalid_request` if it cannot be used.
 */
export async function uploadedIdentity(
  app: Pick<App, "config" | "now">,
  pem: string,
  vaultboxId: string,
  addresses: readonly Address[],
): Promise<UploadedIdentity> {
  const { certificate, facts } = await readUpload(app, pem);
  const warnings = emailWarnings(facts, addresses);
  if (
    warnings.includes("address_mismatch") &&
    app.config.addressMismatch === "refuse"
  ) {
    const ours = addresses.map(({ alias, domain }) => `${alias}@${domain}`);
    throw refused(
      `is for another address: ${some(facts.emails)}, not ${some(ours)}`,
    );
  }
  const { notBefore, notAfter } = facts;
  return {
    warnings,
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
 * @returns UUID of the generation, and what is odd about it.
 * @throws {AppError} `not_found` if there is no such vaultbox,
 * `invalid_request` if the certificate cannot be used, `conflict` if the
 * vaultbox has it already or has 20.
 */
export async function uploadCertificate(
  app: App,
  actor: Actor,
  input: { vaultboxId: string; certificatePem: string },
): Promise<{ id: string; warnings: readonly CertificateWarning[] }> {
  const { vaultboxId, certificatePem } = input;
  const uploaded = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const { row, warnings } = await uploadedIdentity(
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
    return { id: row.id, warnings };
  });
  app.log.write("info", "certificate uploaded", {
    vaultbox: vaultboxId,
    certificate: uploaded.id,
  });
  return uploaded;
}

async function readUpload(
  app: Pick<App, "now">,
  pem: string,
): Promise<{ certificate: Uint8Array<ArrayBuffer>; facts: CertificateFacts }> {
  if (pem.includes("PRIVATE KEY-----")) {
    throw refused("must come without its private key");
  }
  if (pem.split("-----BEGIN CERTIFICATE-----").length > 2) {
    throw refused("must be one alone: leave those of its issuers out");
  }
  let certificate: Uint8Array<ArrayBuffer>;
  let facts: CertificateFacts;
  let problem: string | undefined;
  try {
    certificate = pemExtract("CERTIFICATE", pem);
    facts = readCertificate(certificate);
    problem = profileProblem(certificate);
  } catch (error) {
    if (error instanceof RangeError) {
      throw refused(`is refused: ${error.message}`, error);
    }
    const found = mistaken(pem);
    // What says that it is a certificate and cannot be read is just that.
    if (found === undefined || found.reason === "certificate") {
      throw refused("must be one X.509 certificate in PEM", error);
    }
    const { what, reason, advice } = found;
    throw refused(
      `must be one X.509 certificate in PEM, and this is ${what}`,
      error,
      { reason, advice },
    );
  }
  if (problem !== undefined) throw refused(problem);
  const now = app.now().getTime();
  if (facts.notAfter.getTime() <= now) {
    throw refused(`has expired on ${facts.notAfter.toISOString()}`);
  }
  // Who made it a moment ago may have a clock that is ahead of ours.
  if (facts.notBefore.getTime() > now + CLOCK_SKEW_MS) {
    throw refused(
      `is not valid yet, but from ${facts.notBefore.toISOString()} on`,
    );
  }
  if (!facts.allowsEncryption) {
    const usage = facts.keyType === "RSA" ? "keyEncipherment" : "keyAgreement";
    throw refused(`must allow ${usage} in its key usage`);
  }
  try {
    await encryptMessage(messageInMemory(TRIAL), [readRecipient(certificate)], {
      traceFields: [],
    });
  } catch (error) {
    throw refused("is not one that mail can be encrypted to", error);
  }
  return { certificate, facts };
}

function emailWarnings(
  { emails }: CertificateFacts,
  addresses: readonly Address[],
): CertificateWarning[] {
  const isOurs = (email: string): boolean => {
    const found = readAddress(email);
    return addresses.some(({ alias, domain }) =>
      alias === found?.alias && domain === found.domain
    );
  };
  if (emails.length === 0) return ["no_address"];
  return emails.some(isOurs) ? [] : ["address_mismatch"];
}

/** No vaultbox has an address that is not in this form. */
function readAddress(email: string): Address | undefined {
  try {
    return parseAddress(email);
  } catch {
    return undefined;
  }
}

/** A few addresses, which may be hostile: no spaces, no controls. */
function some(addresses: readonly string[]): string {
  const shown = addresses.slice(0, SHOWN_MAX).map((address) =>
    address.slice(0, SHOWN_LENGTH).replace(/[^!-~\p{L}\p{N}]/gu, "?")
  );
  const more = addresses.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function refused(
  problem: string,
  cause?: unknown,
  details: Readonly<Record<string, string>> = {},
): AppError {
  return new AppError("invalid_request", `certificate ${problem}`, {
    cause,
    details: { field: "certificate", ...details },
  });
}
