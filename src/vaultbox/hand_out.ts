/**
 * Private keys on their way to their owners. The state table is in
 * docs/design.md, "Custody".
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  type Certificate,
  insertCertificate,
  listCertificates,
  markHandedOut,
  updateRetired,
} from "../db/certificates.ts";
import {
  closeHandOuts,
  findHandOut,
  insertHandOut,
  listOpenHandOuts,
} from "../db/hand_outs.ts";
import type { Db } from "../db/connect.ts";
import { getVaultbox, type Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { pemDecode } from "../x509/pem.ts";
import { checkGenerations, newIdentity, storeIdentity } from "./certificate.ts";
import {
  decideDestruction,
  destroyDecided,
  type Receipt,
} from "./key_destruction.ts";
import { keyNotHere, refusedKey } from "./key_not_here.ts";
import { makeKey, partyOf } from "./key_pool.ts";

/** A generation with its key. */
export interface KeyedGeneration extends Certificate {
  /** The certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** The private key, PKCS#8 DER; wiped when the file is made. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** The certificate of its issuer, DER; none if it is self-signed. */
  readonly chain: readonly Uint8Array<ArrayBuffer>[];
}

/** Makes a file of keys. */
export type MakeFile = (
  vaultbox: Vaultbox,
  generations: readonly KeyedGeneration[],
) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Milliseconds after the first hand-out of a vaultbox of custody `client` in
 * which it may be repeated: a download breaks off now and then.
 */
export const REPEAT_MS = 3_600_000;

/**
 * Makes a file of private keys that goes out to their owner. Before this
 * returns it is written down that the keys went out: mail is encrypted to these
 * generations until they are retired.
 *
 * With custody `client` the file's SHA-256 is kept: {@linkcode confirmHandOut}
 * asks for it. It may be repeated for an hour, and after that only when the
 * first one was confirmed or taken back.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param wanted UUID of the vaultbox; `onlyNewest` leaves older keys out.
 * @param make Makes the file from generations whose key is here, at least one,
 * newest first and retired ones last.
 * @returns The file.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * no key of it is here or may go out now; `details` say what to do.
 */
export async function handOut(
  app: Pick<App, "log" | "now" | "privateKeys" | "sql">,
  actor: Actor,
  wanted: { vaultboxId: string; onlyNewest?: boolean },
  make: MakeFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vaultboxId, onlyNewest = false } = wanted;
  const vaultbox = await getVaultbox(app.sql, vaultboxId, actor);
  const certificates = await keysToHandOut(app, app.sql, vaultbox, onlyNewest);
  const generations: KeyedGeneration[] = [];
  let file: Uint8Array<ArrayBuffer>;
  try {
    for (const certificate of certificates) {
      generations.push(await withKey(app, certificate));
    }
    file = await make(vaultbox, generations);
  } finally {
    for (const { privateKey } of generations) privateKey.fill(0);
  }
  const ids = certificates.map(({ id }) => id);
  await app.sql.begin(async (tx) => {
    const now = await getVaultbox(tx, vaultboxId, actor, true);
    // A key that is to go since, or another custody: the file stays here.
    const allowed = await keysToHandOut(app, tx, now, onlyNewest);
    const isAllowed = now.custody === vaultbox.custody &&
      ids.every((id) => allowed.some((each) => each.id === id));
    if (!isAllowed) {
      throw new AppError("conflict", "The keys have changed meanwhile");
    }
    await markHandedOut(tx, ids);
    if (now.custody === "client") {
      const hash = await crypto.subtle.digest("SHA-256", file);
      const sha256 = new Uint8Array(hash);
      const handedOutAt = app.now();
      const row = { vaultboxId, sha256, certificateIds: ids, handedOutAt };
      await insertHandOut(tx, row);
    }
    await insertAudit(tx, actor, {
      action: now.custody === "client" ? "key.hand_out" : "key.download",
      userId: now.userId,
      vaultboxId,
      domain: now.domain,
      // Without the SHA-256: who reads it here has not read the file.
      details: { generations: ids.length },
    });
  });
  app.log.write("info", "keys handed out", {
    vaultbox: vaultboxId,
    custody: vaultbox.custody,
    generations: ids.length,
  });
  return file;
}

async function withKey(
  app: Pick<App, "privateKeys">,
  certificate: Certificate,
): Promise<KeyedGeneration> {
  const { id: certificateId, vaultboxId, fingerprintSha256 } = certificate;
  const name = { certificateId, vaultboxId, fingerprintSha256 };
  const privateKey = await app.privateKeys.read(name);
  if (privateKey === undefined) {
    throw new Error(`the key of generation ${certificateId} is missing`);
  }
  return {
    ...certificate,
    certificate: pemDecode("CERTIFICATE", certificate.publicCertPem),
    privateKey,
    chain: certificate.issuerPem === null
      ? []
      : [pemDecode("CERTIFICATE", certificate.issuerPem)],
  };
}

/** The generations whose keys go out, in the order of a bundle. */
async function keysToHandOut(
  app: Pick<App, "now">,
  db: Db,
  vaultbox: Vaultbox,
  onlyNewest: boolean,
): Promise<Certificate[]> {
  const { id: vaultboxId, custody } = vaultbox;
  const kept = await listKept(db, vaultboxId);
  if (custody === "external" || kept.length === 0) {
    throw keyNotHere(vaultbox);
  }
  if (custody === "client") {
    if (onlyNewest && kept.length > 1) {
      throw refusedKey(
        vaultbox,
        `${kept.length} keys have to go out together`,
        {
          reason: "several_keys",
          advice: "Download the bundle: it has all of them.",
        },
      );
    }
    const [first] = await listOpenHandOuts(db, vaultboxId);
    const age = first && app.now().getTime() - first.handedOutAt.getTime();
    if (age !== undefined && age > REPEAT_MS) {
      throw refusedKey(vaultbox, "The keys were handed out and not confirmed", {
        reason: "unconfirmed",
        "handed_out_at": first!.handedOutAt,
        advice:
          "Confirm the hand-out with the SHA-256 of the file, or take it back: then a new key is made.",
      });
    }
  }
  return onlyNewest ? kept.slice(0, 1) : kept;
}

/**
 * Looks whether keys may go out in a file whose SHA-256 nobody can tell, such
 * as one that a telephone takes at once.
 *
 * @param app Uses `now`.
 * @param db Database or transaction.
 * @param vaultbox Whose keys.
 * @throws {AppError} `conflict` with custody `client`, if no key of it is here,
 * or if none may go out now; `details` say what to do.
 */
export async function checkUnconfirmedFile(
  app: Pick<App, "now">,
  db: Db,
  vaultbox: Vaultbox,
): Promise<void> {
  await keysToHandOut(app, db, vaultbox, false);
  if (vaultbox.custody === "client") {
    throw refusedKey(vaultbox, "The keys of this vaultbox go out in a bundle", {
      reason: "bundle_only",
      advice: "Download the bundle and confirm it.",
    });
  }
}

async function listKept(db: Db, vaultboxId: string): Promise<Certificate[]> {
  const kept = (await listCertificates(db, vaultboxId))
    .filter(({ keyState }) => keyState === "kept");
  return kept.sort((a, b) =>
    Number(a.retiredAt !== null) - Number(b.retiredAt !== null)
  );
}

/**
 * Ends a hand-out: its owner has the file, and the keys in it are destroyed
 * here.
 *
 * @param app The world.
 * @param actor Who confirms, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param sha256 SHA-256 of the file, 64 hexadecimal digits: who knows it has
 * the whole file.
 * @returns The receipt; the same again if it was confirmed before.
 * @throws {AppError} `not_found` if there is no such vaultbox or file,
 * `conflict` if it was taken back.
 */
export async function confirmHandOut(
  app: Pick<App, "log" | "privateKeys" | "sql">,
  actor: Actor,
  vaultboxId: string,
  sha256: string,
): Promise<Receipt> {
  const certificateIds = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const file = await findHandOut(tx, vaultboxId, Uint8Array.fromHex(sha256));
    if (file === undefined) {
      throw new AppError("not_found", "No file with this SHA-256 went out");
    }
    if (file.outcome === "taken_back") {
      throw new AppError("conflict", "The hand-out was taken back");
    }
    if (file.outcome === null) {
      const inIt = (await listCertificates(tx, vaultboxId))
        .filter(({ id }) => file.certificateIds.includes(id));
      await closeHandOuts(tx, vaultboxId, "confirmed", file.certificateIds);
      await decideDestruction(tx, actor, vaultbox, inIt, {
        reason: "confirmed",
        sha256: sha256.toLowerCase(),
      });
    }
    return file.certificateIds;
  }) as string[];
  return await destroyDecided(app, vaultboxId, certificateIds);
}

/**
 * Takes a hand-out back that nobody has confirmed: who has got the file is not
 * known, so its certificates are retired, and a new key is made. The old keys
 * stay for the mail of their time, and go out with the new one.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * there is no such hand-out or the vaultbox has 20 certificates.
 */
export async function takeHandOutBack(
  app: App,
  actor: Actor,
  vaultboxId: string,
): Promise<void> {
  const { alias, domain } = await getVaultbox(app.sql, vaultboxId, actor);
  await openHandOuts(app.sql, vaultboxId);
  await checkGenerations(app.sql, vaultboxId);
  const key = await makeKey(app, partyOf(actor));
  const address = `${alias}@${domain}`;
  const identity = await newIdentity(app, key, address, vaultboxId);
  await storeIdentity(app, identity, async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const files = await openHandOuts(tx, vaultboxId);
    await checkGenerations(tx, vaultboxId);
    await insertCertificate(tx, identity.row);
    const ids = new Set(files.flatMap((file) => file.certificateIds));
    for (const id of ids) await updateRetired(tx, id, true);
    await closeHandOuts(tx, vaultboxId, "taken_back");
    await insertAudit(tx, actor, {
      action: "key.take_back",
      userId: vaultbox.userId,
      vaultboxId,
      domain,
      details: { "certificate_id": identity.row.id, retired: ids.size },
    });
  });
  app.log.write("info", "hand-out taken back", { vaultbox: vaultboxId });
}

async function openHandOuts(db: Db, vaultboxId: string) {
  const files = await listOpenHandOuts(db, vaultboxId);
  if (files.length > 0) return files;
  throw new AppError("conflict", "No hand-out waits for its confirmation");
}
