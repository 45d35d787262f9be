/**
 * The appliance's issuer, which signs certificates of addresses.
 *
 * @module
 */

import type { Actor, App, KeyName } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { isRefusal } from "../db/connect.ts";
import { insertIssuer, type Issuer, listIssuers } from "../db/issuers.ts";
import { AppError } from "../errors.ts";
import type { Issued } from "../x509/certificate.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { issuerCertificate } from "../x509/issuer.ts";
import { generateRsaKey } from "../x509/key_pair.ts";
import { leafCertificate } from "../x509/leaf.ts";
import { pemDecode, pemEncode } from "../x509/pem.ts";

/** Clocks of readers may be behind ours by this many milliseconds. */
export const CLOCK_SKEW_MS = 3_600_000;

/** Length of the issuer's key. */
const ISSUER_BITS = 3072;

/** Least validity of an issuer: twenty years. */
const ISSUER_DAYS_MIN = 7305;

const DAY_MS = 86_400_000;

/** Nobody asks for an issuer: it is made where one is needed. */
export const APPLIANCE: Actor = {
  owner: undefined,
  name: "appliance",
  isAdmin: false,
  isService: false,
  requestId: undefined,
};

/**
 * Finds an issuer's certificate.
 *
 * @param app Uses `now` and `sql`.
 * @param id UUID; if left out, the issuer that signs now.
 * @returns PEM.
 * @throws {AppError} `not_found` if nothing was issued yet, or there is no such
 * issuer.
 */
export async function getIssuerCertificate(
  app: Pick<App, "now" | "sql">,
  id?: string,
): Promise<string> {
  const issuers = await listIssuers(app.sql);
  const found = id === undefined
    ? signing(issuers, app.now())
    : issuers.find((each) => each.id === id);
  if (found !== undefined) return found.certificatePem;
  throw new AppError(
    "not_found",
    id === undefined
      ? "There is no issuer until it is needed"
      : "No such issuer",
  );
}

/**
 * Issues a certificate for one address. It ends no later than its issuer.
 *
 * @param app Uses `config`, `heavy`, `log`, `now`, `privateKeys` and `sql`.
 * @param address The address, as {@linkcode leafCertificate} takes it.
 * @param publicKey What is certified: SubjectPublicKeyInfo, DER.
 * @param validityDays Days from now, at most.
 * @returns The certificate, the times in it, and UUID of its issuer.
 */
export async function issueLeaf(
  app: App,
  address: string,
  publicKey: Uint8Array<ArrayBuffer>,
  validityDays: number,
): Promise<Issued & { issuerId: string }> {
  const row = await lastingIssuer(app);
  const privateKey = await app.privateKeys.read(keyName(row));
  if (privateKey === undefined) {
    throw new Error("the key of the issuer is missing");
  }
  const certificate = pemDecode("CERTIFICATE", row.certificatePem);
  const notBefore = new Date(app.now().getTime() - CLOCK_SKEW_MS);
  const daysLeft = Math.floor(
    (row.notAfter.getTime() - notBefore.getTime()) / DAY_MS,
  );
  try {
    const issued = await leafCertificate(address, publicKey, {
      signer: { certificate, privateKey },
      notBefore,
      validityDays: Math.min(validityDays, daysLeft),
    });
    return { ...issued, issuerId: row.id };
  } finally {
    privateKey.fill(0);
  }
}

/**
 * Finds the issuer, or makes one if there is none that lasts as long as a new
 * certificate does by CERT_VALIDITY_DAYS. Only for one that is asked to last
 * longer, its issuer's end is its own.
 *
 * @param app Uses `config`, `heavy`, `log`, `now`, `privateKeys` and `sql`.
 * @returns The issuer.
 */
export async function lastingIssuer(app: App): Promise<Issuer> {
  const now = app.now();
  const issuers = await listIssuers(app.sql);
  const found = signing(issuers, now);
  const neededMs = app.config.certValidityDays * DAY_MS;
  return found !== undefined &&
      found.notAfter.getTime() >= now.getTime() + neededMs
    ? found
    : await makeIssuer(app, now, (issuers[0]?.number ?? 0) + 1);
}

/** Of those that are valid, the one that lasts longest. */
function signing(issuers: readonly Issuer[], now: Date): Issuer | undefined {
  return issuers
    .filter(({ notBefore, notAfter }) => notBefore <= now && now < notAfter)
    .sort((a, b) => b.notAfter.getTime() - a.notAfter.getTime())[0];
}

/**
 * Makes another issuer, as the key of the one that signs is lost. It lasts longer
 * than all before it, so it signs from now on.
 *
 * @param app Uses `config`, `heavy`, `log`, `now`, `privateKeys` and `sql`.
 * @returns The issuer.
 */
export async function replaceIssuer(app: App): Promise<Issuer> {
  const issuers = await listIssuers(app.sql);
  return await makeIssuer(app, app.now(), (issuers[0]?.number ?? 0) + 1);
}

/** Of two with one number, one is kept. */
async function makeIssuer(
  app: App,
  now: Date,
  number: number,
): Promise<Issuer> {
  const privateKey = await app.heavy.run(() => generateRsaKey(ISSUER_BITS));
  const { certificate, notBefore, notAfter } = await issuerCertificate({
    privateKey,
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    // It signs for half of its time at least.
    validityDays: Math.max(ISSUER_DAYS_MIN, 2 * app.config.certValidityDays),
  });
  const row = {
    id: crypto.randomUUID(),
    certificatePem: pemEncode("CERTIFICATE", certificate),
    fingerprintSha256: await fingerprintSha256(certificate),
    notBefore,
    notAfter,
    number,
  };
  try {
    await app.privateKeys.store(keyName(row), privateKey);
    const isKept = await app.sql.begin(async (tx) => {
      if (!await insertIssuer(tx, row)) return false;
      await insertAudit(tx, APPLIANCE, {
        action: "issuer.create",
        userId: null,
        details: { "issuer_id": row.id, number },
      });
      return true;
    });
    if (isKept) {
      app.log.write("info", "issuer made", { issuer: row.id, number });
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
  return (await listIssuers(app.sql)).find((each) => each.number === number)!;
}

/** A key is bound to a vaultbox and a certificate: the issuer stands for both. */
function keyName({ id, fingerprintSha256 }: Issuer): KeyName {
  return { certificateId: id, vaultboxId: id, fingerprintSha256 };
}
