/**
 * Identities: keys and certificates for addresses.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import type { Certificate, CertificateRow } from "../db/certificates.ts";
import {
  insertCertificate,
  listCertificates,
  RECIPIENTS_MAX,
} from "../db/certificates.ts";
import { type Db, isRefusal, pipelined } from "../db/connect.ts";
import { findVaultboxByAddress, getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import type { Issued } from "../x509/certificate.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { type KeyKind, publicKeyOf } from "../x509/key_pair.ts";
import { pemEncode } from "../x509/pem.ts";
import { selfSignedCertificate } from "../x509/self_signed.ts";
import { CLOCK_SKEW_MS, issueLeaf } from "./issuer.ts";
import { keyNotHere } from "./key_not_here.ts";
import { makeKey, partyOf, takeKey } from "./key_pool.ts";

/** A certificate and its key, before anything is stored. */
export interface Identity {
  /** The certificate as a row of the database. */
  readonly row: CertificateRow;
  /** The private key, PKCS#8 DER; undefined if it is held elsewhere. */
  readonly privateKey: Uint8Array<ArrayBuffer> | undefined;
}

/** What `generate-certificate` answers. */
export interface GeneratedCertificate {
  /** The address in it. */
  readonly email: string;
  /** The certificate, PEM. */
  readonly certificatePem: string;
  /** SHA-256 over the DER, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Begin of validity. */
  readonly notBefore: Date;
  /** End of validity. */
  readonly notAfter: Date;
  /** UUID of the vaultbox that has a new generation; else nothing is stored. */
  readonly vaultboxId: string | undefined;
  /** The private key, PKCS#8 PEM, where nothing is stored. */
  readonly privateKeyPem: string | undefined;
}

/**
 * Makes a certificate for an address, signed by its own key or by the
 * appliance's issuer, as ENCIMAP_CERT_ISSUER says.
 *
 * @param app Uses `config`, `heavy`, `log`, `now`, `privateKeys` and `sql`.
 * @param privateKey The key, PKCS#8 DER.
 * @param address The address.
 * @param vaultboxId UUID of the vaultbox that the row names.
 * @param validityDays Days from now; CERT_VALIDITY_DAYS if left out. It ends no
 * later than its issuer.
 * @returns Both; nothing is stored.
 */
export async function newIdentity(
  app: App,
  privateKey: Uint8Array<ArrayBuffer>,
  address: string,
  vaultboxId: string,
  validityDays: number = app.config.certValidityDays,
): Promise<Identity & { privateKey: Uint8Array<ArrayBuffer> }> {
  const issued = app.config.certIssuer === "appliance"
    ? await issueLeaf(app, address, publicKeyOf(privateKey), validityDays)
    : await signedByItself(app, address, privateKey, validityDays);
  return await identityOf(issued, privateKey, vaultboxId);
}

async function identityOf(
  issued: Issued & { issuerId: string | null },
  privateKey: Uint8Array<ArrayBuffer>,
  vaultboxId: string,
): Promise<Identity & { privateKey: Uint8Array<ArrayBuffer> }> {
  return {
    privateKey,
    row: {
      id: crypto.randomUUID(),
      vaultboxId,
      publicCertPem: pemEncode("CERTIFICATE", issued.certificate),
      fingerprintSha256: await fingerprintSha256(issued.certificate),
      notBefore: issued.notBefore,
      notAfter: issued.notAfter,
      origin: "generated",
      handedOutAt: null,
      issuerId: issued.issuerId,
    },
  };
}

async function signedByItself(
  app: Pick<App, "config" | "now">,
  address: string,
  privateKey: Uint8Array<ArrayBuffer>,
  validityDays: number = app.config.certValidityDays,
): Promise<Issued & { issuerId: null }> {
  const notBefore = new Date(app.now().getTime() - CLOCK_SKEW_MS);
  const options = { privateKey, notBefore, validityDays };
  return { ...await selfSignedCertificate(address, options), issuerId: null };
}

/**
 * Stores an identity's key while its row is written, and commits when both are
 * done; without the row the key is removed again. A key that is held elsewhere
 * is not stored.
 *
 * @param app Uses `privateKeys` and `sql`.
 * @param identity What to store.
 * @param write Writes the row.
 * @returns What `write` returned.
 */
export async function storeIdentity<T>(
  app: Pick<App, "privateKeys" | "sql">,
  identity: Identity,
  write: (tx: Db) => Promise<T>,
): Promise<T> {
  const { row, privateKey } = identity;
  try {
    return await app.sql.begin(async (tx) => {
      const [written] = await pipelined([
        write(tx),
        storeKey(app, row, privateKey),
      ]);
      return written;
    }) as T;
  } catch (error) {
    // A commit whose answer was lost has the row: the file must stay then.
    if (privateKey !== undefined && isRefusal(error)) {
      await app.privateKeys.remove([row.id]);
    }
    throw error;
  } finally {
    privateKey?.fill(0);
  }
}

async function storeKey(
  app: Pick<App, "privateKeys">,
  { id: certificateId, vaultboxId, fingerprintSha256 }: CertificateRow,
  privateKey: Uint8Array<ArrayBuffer> | undefined,
): Promise<void> {
  if (privateKey === undefined) return;
  const name = { certificateId, vaultboxId, fingerprintSha256 };
  await app.privateKeys.store(name, privateKey);
}

/**
 * Makes a certificate: a new generation for an address of one of the caller's
 * vaultboxes; for any other address a key and a certificate that exist nowhere
 * else and that the key has signed itself.
 *
 * @param app The world.
 * @param actor Who asks, and whose vaultboxes exist for it.
 * @param input Address, validity in days, and kind of the key; what the
 * settings say where they are left out.
 * @returns The certificate.
 * @throws {AppError} `conflict` if the vaultbox has 20 generations or its key is
 * not kept here, `not_found` if it is deleted meanwhile.
 */
export async function generateCertificate(
  app: App,
  actor: Actor,
  input: {
    address: { domain: string; alias: string };
    validityDays?: number | undefined;
    keyKind?: KeyKind | undefined;
  },
): Promise<GeneratedCertificate> {
  const email = `${input.address.alias}@${input.address.domain}`;
  const vaultbox = await findVaultboxByAddress(
    app.sql,
    input.address,
    actor.owner,
  );
  if (vaultbox !== undefined) {
    if (vaultbox.custody === "external") throw keyNotHere(vaultbox);
    // Again in the transaction; here it keeps the cost of a key down.
    await checkGenerations(app.sql, vaultbox.id);
  }
  const party = partyOf(actor);
  // What is stored nowhere takes no key from those that are, and what is to be
  // destroyed was never in a file of the pool.
  const privateKey = vaultbox?.custody === "server"
    ? await takeKey(app, party, input.keyKind)
    : await makeKey(app, party, input.keyKind);
  const { validityDays } = input;
  // The issuer signs for vaultboxes alone: whoever trusts it would believe the
  // caller that any other address is its own.
  const identity = vaultbox === undefined
    ? await identityOf(
      await signedByItself(app, email, privateKey, validityDays),
      privateKey,
      crypto.randomUUID(),
    )
    : await newIdentity(app, privateKey, email, vaultbox.id, validityDays);
  let privateKeyPem: string | undefined;
  if (vaultbox === undefined) {
    privateKeyPem = pemEncode("PRIVATE KEY", identity.privateKey);
    identity.privateKey.fill(0);
  } else {
    await storeIdentity(
      app,
      identity,
      async (tx) => {
        const now = await getVaultbox(tx, vaultbox.id, actor, true);
        if (now.custody === "external") throw keyNotHere(now);
        await checkGenerations(tx, vaultbox.id);
        await insertCertificate(tx, identity.row);
        await insertAudit(tx, actor, {
          action: "certificate.generate",
          userId: vaultbox.userId,
          vaultboxId: vaultbox.id,
          domain: vaultbox.domain,
          details: { "certificate_id": identity.row.id },
        });
      },
    );
    app.log.write("info", "certificate issued", {
      vaultbox: vaultbox.id,
      certificate: identity.row.id,
    });
  }
  return {
    email,
    certificatePem: identity.row.publicCertPem,
    fingerprintSha256: identity.row.fingerprintSha256,
    notBefore: identity.row.notBefore,
    notAfter: identity.row.notAfter,
    vaultboxId: vaultbox?.id,
    privateKeyPem,
  };
}

/**
 * Generations that people may add to a vaultbox: those that have a key in every
 * bundle, or a place in every message.
 */
const LIVE_MAX = 20;

/** All that there ever were, renewals included. */
const GENERATIONS_MAX = 100;

/**
 * Checks that a vaultbox may be given one more certificate.
 *
 * @param db Pool, or a transaction in which the vaultbox is locked.
 * @param vaultboxId UUID.
 * @throws {AppError} `conflict` if it has 20; those that are retired and whose
 * key is not here do not count.
 */
export async function checkGenerations(
  db: Db,
  vaultboxId: string,
): Promise<void> {
  const generations = await checkRenewals(db, vaultboxId);
  const live = generations.filter(({ keyState, retiredAt }) =>
    keyState === "kept" || retiredAt === null
  );
  if (live.length >= LIVE_MAX) {
    throw new AppError(
      "conflict",
      `Vaultbox has ${LIVE_MAX} certificates, the most it can have`,
    );
  }
}

/**
 * Checks that a certificate of a vaultbox may be renewed.
 *
 * @param db Pool, or a transaction in which the vaultbox is locked.
 * @param vaultboxId UUID.
 * @returns Its generations.
 * @throws {AppError} `conflict` if there were 100, or if mail is encrypted to 8
 * that went out: one more would shut a reader out.
 */
export async function checkRenewals(
  db: Db,
  vaultboxId: string,
): Promise<Certificate[]> {
  const generations = await listCertificates(db, vaultboxId);
  if (generations.length >= GENERATIONS_MAX) {
    throw new AppError(
      "conflict",
      `Vaultbox has had ${GENERATIONS_MAX} certificates`,
    );
  }
  checkRecipients(generations, 1);
  return generations;
}

/**
 * Checks that no certificate drops out of those that mail is encrypted to.
 *
 * @param generations All of the vaultbox, newest first.
 * @param added Certificates that come in addition.
 * @throws {AppError} `conflict` if they are more than 8: one of those in use
 * would have to go, and its readers would open no new mail.
 */
export function checkRecipients(
  generations: readonly Certificate[],
  added: number,
): void {
  const inUse = generations.filter(({ retiredAt }) => retiredAt === null)
    // The newest of today is not, once there is a newer one.
    .filter(({ hasReaders }, n) => hasReaders || n === 0 && added === 0);
  if (inUse.length + added <= RECIPIENTS_MAX) return;
  throw new AppError(
    "conflict",
    `Mail is encrypted to ${RECIPIENTS_MAX} certificates, the most it can be`,
    {
      details: {
        reason: "recipients",
        advice: "Retire one that no device needs any more.",
      },
    },
  );
}
