/**
 * Who holds the private keys of a vaultbox, and how that is changed.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  type Certificate,
  insertCertificate,
  listCertificates,
} from "../db/certificates.ts";
import type { Db } from "../db/connect.ts";
import { closeHandOuts, listOpenHandOuts } from "../db/hand_outs.ts";
import { getVaultbox, setCustody, type Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { checkGenerations, newIdentity, storeIdentity } from "./certificate.ts";
import { REPEAT_MS } from "./hand_out.ts";
import { makeKey, partyOf } from "./key_pool.ts";

/** Who holds the keys. */
export interface Custody {
  /** UUID. */
  readonly vaultboxId: string;
  /** Who holds the keys that are made from now on. */
  readonly custody: Vaultbox["custody"];
  /** Private keys that are here. */
  readonly keysKept: number;
  /** Of those that were, how many are destroyed. */
  readonly keysDestroyed: number;
  /** The newest certificate that is not retired. */
  readonly newest: {
    /** End of its validity. */
    readonly notAfter: Date;
    /** Who renews it: the timer does if its key is here to be used. */
    readonly renewedBy: "appliance" | "owner";
  };
  /** The hand-out that nobody has confirmed. */
  readonly handOut: {
    /** When the first file went out. */
    readonly since: Date;
    /** How many files did. */
    readonly files: number;
    /** Until when there can be another one. */
    readonly repeatUntil: Date;
  } | undefined;
}

/**
 * Says who holds the keys.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @returns The state.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function getCustody(
  app: Pick<App, "sql">,
  actor: Actor,
  vaultboxId: string,
): Promise<Custody> {
  const { custody } = await getVaultbox(app.sql, vaultboxId, actor);
  const certificates = await listCertificates(app.sql, vaultboxId);
  const files = await listOpenHandOuts(app.sql, vaultboxId);
  const since = files[0]?.handedOutAt;
  // There is one: the last recipient cannot be retired.
  const newest = certificates.find(({ retiredAt }) => retiredAt === null)!;
  const isOurs = custody === "server" && newest.keyState === "kept";
  return {
    vaultboxId,
    custody,
    keysKept: count(certificates, "kept"),
    keysDestroyed: count(certificates, "destroyed"),
    newest: {
      notAfter: newest.notAfter,
      renewedBy: isOurs ? "appliance" : "owner",
    },
    handOut: since && {
      since,
      files: files.length,
      repeatUntil: new Date(since.getTime() + REPEAT_MS),
    },
  };
}

/**
 * Changes who holds the keys that are made from now on. No key is destroyed:
 * that takes a confirmed hand-out or a request of its own.
 *
 * To `server`, and from `external` to `client`, a new key is made. To
 * `external`, a certificate with its key elsewhere must be there first.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param change What it shall be; with `dryRun` nothing is changed.
 * @returns What that means, a sentence each; none if it is so already.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * there is no certificate of the owner's own, or the vaultbox has 20.
 */
export async function changeCustody(
  app: App,
  actor: Actor,
  change: {
    vaultboxId: string;
    custody: Vaultbox["custody"];
    dryRun: boolean;
  },
): Promise<string[]> {
  const { vaultboxId, custody } = change;
  const vaultbox = await getVaultbox(app.sql, vaultboxId, actor);
  if (vaultbox.custody === custody) return [];
  const certificates = await listCertificates(app.sql, vaultboxId);
  const warnings = warningsOf(custody, certificates);
  const needsKey = custody === "server" ||
    custody === "client" && vaultbox.custody === "external";
  const check = async (db: Db): Promise<void> => {
    if (needsKey) await checkGenerations(db, vaultboxId);
    if (custody === "external") await checkOwnCertificate(db, vaultboxId);
  };
  await check(app.sql);
  if (change.dryRun) return warnings;
  const write = async (tx: Db): Promise<void> => {
    const before = await getVaultbox(tx, vaultboxId, actor, true);
    if (before.custody !== vaultbox.custody) {
      throw new AppError("conflict", "The custody has changed meanwhile");
    }
    await check(tx);
    await setCustody(tx, vaultboxId, custody);
    await closeHandOuts(tx, vaultboxId, "taken_back");
    await insertAudit(tx, actor, {
      action: "vaultbox.custody",
      userId: before.userId,
      vaultboxId,
      domain: before.domain,
      details: { from: before.custody, to: custody },
    });
  };
  if (needsKey) {
    const identity = await newIdentity(
      app,
      await makeKey(app, partyOf(actor)),
      `${vaultbox.alias}@${vaultbox.domain}`,
      vaultboxId,
    );
    await storeIdentity(app, identity, async (tx) => {
      await write(tx);
      await insertCertificate(tx, identity.row);
    });
  } else {
    await app.sql.begin(write);
  }
  app.log.write("info", "custody changed", { vaultbox: vaultboxId, custody });
  return warnings;
}

async function checkOwnCertificate(db: Db, vaultboxId: string): Promise<void> {
  const certificates = await listCertificates(db, vaultboxId);
  const isThere = certificates.some(({ keyState, retiredAt }) =>
    keyState === "elsewhere" && retiredAt === null
  );
  if (isThere) return;
  throw new AppError(
    "conflict",
    "Custody external begins with a certificate whose key is elsewhere",
    {
      details: {
        advice: "Upload a certificate or send a request (CSR) first.",
      },
    },
  );
}

function warningsOf(
  custody: Vaultbox["custody"],
  certificates: readonly Certificate[],
): string[] {
  const kept = count(certificates, "kept");
  switch (custody) {
    case "client":
      return [
        `Private keys here: ${kept}. They stay until a bundle is handed out and confirmed, and are destroyed then.`,
        "From then on whoever loses the bundle and its password loses the mail: nobody can make it again.",
      ];
    case "external":
      return [
        ...kept === 0 ? [] : [
          `Private keys here: ${kept}. They stay until each is destroyed by a request of its own; mail goes on to be encrypted to those that were handed out, until they are retired.`,
        ],
        "From now on there is no bundle: mail that only these keys open needs a bundle from before.",
      ];
    case "server":
      return [
        "From now on a key is kept here that opens new mail.",
        "Mail of before opens with the keys of before alone; those that are not here are in no bundle.",
      ];
  }
}

function count(
  certificates: readonly Certificate[],
  state: Certificate["keyState"],
): number {
  return certificates.filter(({ keyState }) => keyState === state).length;
}
