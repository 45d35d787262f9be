/**
 * The end of private keys. The state table is in docs/design.md, "Custody".
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  type Certificate,
  listCertificates,
  listDestroyed,
  listDestroying,
  markDestroyed,
  markDestroying,
  updateRetired,
} from "../db/certificates.ts";
import type { Db } from "../db/connect.ts";
import { getVaultbox, type Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { pemDecode } from "../x509/pem.ts";
import { publicKeyHex } from "../x509/public_key.ts";
import type { GenerationId } from "./generations.ts";

/** A private key that is gone. */
export interface DestroyedKey {
  /** UUID of its generation. */
  readonly certificateId: string;
  /** SHA-256 of its certificate, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** When its file was gone, durably. */
  readonly destroyedAt: Date;
  /** UUID of the request that had it destroyed; null outside the API. */
  readonly requestId: string | null;
}

/** What was destroyed. */
export interface Receipt {
  /** UUID. */
  readonly vaultboxId: string;
  /** The keys. */
  readonly keys: readonly DestroyedKey[];
}

/**
 * Decides that keys go, and writes it down; {@linkcode destroyDecided} does it.
 *
 * @param tx Transaction that holds the vaultbox's lock.
 * @param actor Who has it done.
 * @param vaultbox Whose keys.
 * @param certificates Generations; those whose key is not kept are passed over.
 * @param why For the audit log.
 */
export async function decideDestruction(
  tx: Db,
  actor: Actor,
  vaultbox: Vaultbox,
  certificates: readonly Certificate[],
  why: Readonly<Record<string, string>>,
): Promise<void> {
  const kept = certificates.filter(({ keyState }) => keyState === "kept");
  await markDestroying(tx, kept.map(({ id }) => id), actor.requestId);
  for (const { id, fingerprintSha256 } of kept) {
    await insertAudit(tx, actor, {
      action: "key.destroy",
      userId: vaultbox.userId,
      vaultboxId: vaultbox.id,
      domain: vaultbox.domain,
      details: {
        "certificate_id": id,
        "fingerprint_sha256": fingerprintSha256,
        ...why,
      },
    });
  }
}

/**
 * Destroys keys of which that is decided, and says so when it is durable.
 *
 * @param app The world.
 * @param vaultboxId UUID.
 * @param certificateIds UUIDs of generations.
 * @returns The receipt for those whose key is gone.
 */
export async function destroyDecided(
  app: Pick<App, "log" | "privateKeys" | "sql">,
  vaultboxId: string,
  certificateIds: readonly string[],
): Promise<Receipt> {
  const wanted = async (): Promise<Certificate[]> =>
    (await listCertificates(app.sql, vaultboxId))
      .filter(({ id }) => certificateIds.includes(id));
  const decided = (await wanted())
    .filter(({ keyState }) => keyState === "destroying");
  await destroy(app, decided.map(({ id }) => id));
  const keys = (await wanted()).flatMap((row) =>
    row.keyDestroyedAt === null ? [] : {
      certificateId: row.id,
      fingerprintSha256: row.fingerprintSha256,
      destroyedAt: row.keyDestroyedAt,
      requestId: row.keyDestroyedBy,
    }
  );
  return { vaultboxId, keys };
}

/**
 * Finishes what crashes and full disks have left of destructions. A key whose
 * file cannot be destroyed is logged and tried again the next time: it keeps
 * neither the others nor the caller.
 *
 * @param app Uses `log`, `privateKeys` and `sql`.
 * @returns Keys that are gone now.
 */
export async function finishDestructions(
  app: Pick<App, "log" | "privateKeys" | "sql">,
): Promise<number> {
  const ids = await listDestroying(app.sql);
  return await eachOf(app, ids, (id) => destroy(app, [id]));
}

/**
 * Destroys keys once more that a restored backup has brought back.
 *
 * @param app Uses `log`, `privateKeys` and `sql`.
 * @returns How many are gone now.
 */
export async function destroyRestored(
  app: Pick<App, "log" | "privateKeys" | "sql">,
): Promise<number> {
  const stored = await app.privateKeys.list();
  const destroyed = await listDestroyed(app.sql);
  const back = stored.filter((id) => destroyed.has(id));
  return await eachOf(app, back, async (id) => {
    await app.privateKeys.remove([id]);
    app.log.write("warn", "destroyed key was back", { certificate: id });
  });
}

/** Does it for each key, and counts those for which it succeeds. */
async function eachOf(
  app: Pick<App, "log">,
  ids: readonly string[],
  task: (id: string) => Promise<void>,
): Promise<number> {
  let done = 0;
  for (const id of ids) {
    try {
      await task(id);
      done++;
    } catch (error) {
      app.log.write("error", "private key is not destroyed", {
        certificate: id,
        cause: reason(error),
      });
    }
  }
  return done;
}

async function destroy(
  app: Pick<App, "log" | "privateKeys" | "sql">,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await app.privateKeys.remove(ids);
  await markDestroyed(app.sql, ids);
  for (const id of ids) {
    app.log.write("info", "private key destroyed", { certificate: id });
  }
}

/**
 * Destroys the private key of a generation because its owner says so, with
 * every copy of it that belongs to a renewal. A certificate whose key nobody has
 * after that is retired for good.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param ids Which one.
 * @param fingerprintSha256 Its fingerprint, as a sign that this one is meant.
 * @returns The receipt; the same again if it was done before.
 * @throws {AppError} `not_found` if there is no such vaultbox or certificate,
 * `invalid_request` for another fingerprint, `conflict` if no key of it was ever
 * here, or mail would go on to be encrypted to a key that nobody has.
 */
export async function destroyKey(
  app: Pick<App, "log" | "privateKeys" | "sql">,
  actor: Actor,
  ids: GenerationId,
  fingerprintSha256: string,
): Promise<Receipt> {
  const { vaultboxId, certificateId } = ids;
  const destroyed = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const all = await listCertificates(tx, vaultboxId);
    const wanted = all.find(({ id }) => id === certificateId);
    if (wanted === undefined) {
      throw new AppError("not_found", "No such certificate");
    }
    if (wanted.fingerprintSha256 !== fingerprintSha256.toLowerCase()) {
      throw new AppError(
        "invalid_request",
        "fingerprint_sha256 is another certificate's",
        { details: { field: "fingerprint_sha256" } },
      );
    }
    if (wanted.keyState === "elsewhere") {
      throw new AppError("conflict", "The key was never here");
    }
    const copies = all.filter((each) =>
      each.keyState !== "elsewhere" && keyOf(each) === keyOf(wanted)
    );
    const lost = copies.find((each) =>
      each.keyState === "kept" && each.isRecipient && each.handedOutAt === null
    );
    if (lost !== undefined) {
      throw new AppError(
        "conflict",
        "Mail would be encrypted to a key that nobody has",
        {
          details: {
            "certificate_id": lost.id,
            advice: "Retire the certificate first, or hand its key out.",
          },
        },
      );
    }
    await decideDestruction(tx, actor, vaultbox, copies, {
      reason: "requested",
    });
    // When newer ones are retired, it must not become the newest.
    const nobodys = copies.filter(({ handedOutAt }) => handedOutAt === null);
    for (const { id } of nobodys) await updateRetired(tx, id, true);
    return copies.map(({ id }) => id);
  });
  return await destroyDecided(app, vaultboxId, destroyed);
}

function keyOf({ publicCertPem }: Certificate): string {
  return publicKeyHex(pemDecode("CERTIFICATE", publicCertPem));
}
