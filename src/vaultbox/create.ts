/**
 * Creation of vaultboxes.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { insertCertificate } from "../db/certificates.ts";
import { pipelined } from "../db/connect.ts";
import { checkVaultboxCount, countVaultbox } from "../db/customers.ts";
import {
  checkDomainOwner,
  claimDomain,
  findDomain,
  insertAddress,
  insertRoleAddresses,
} from "../db/domains.ts";
import { deleteClaim } from "../db/domain_claims.ts";
import { ownsPlatformDomain } from "../db/platform.ts";
import { insertRemoval } from "../db/removals.ts";
import {
  deleteVaultbox,
  EVERYTHING,
  findVaultboxByAddress,
  getVaultbox,
  insertVaultbox,
  type Vaultbox,
} from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import type { KeyKind } from "../x509/key_pair.ts";
import { reason } from "../log.ts";
import { type Identity, newIdentity, storeIdentity } from "./certificate.ts";
import { requestedIdentity } from "./certificate_request.ts";
import { makeKey, takeKey } from "./key_pool.ts";
import {
  type CertificateWarning,
  type UploadedIdentity,
  uploadedIdentity,
} from "./upload.ts";
import {
  checkNotReserved,
  publishAddresses,
  publishRoutes,
  ROLES,
} from "./routes.ts";

/** Checked input of a creation. */
export interface NewVaultbox {
  /** UUID of the user that it will belong to. */
  readonly userId: string;
  /** Lower case, A-labels. */
  readonly domain: string;
  /** Local part, lower case. */
  readonly alias: string;
  /** For people; 1 to 255 characters. */
  readonly name: string;
  /** Kind of its key; that of the settings if left out. */
  readonly keyKind?: KeyKind | undefined;
  /** Who holds the private key; `server` if left out. */
  readonly custody?: Vaultbox["custody"] | undefined;
  /** Its certificate, PEM, for custody `external`, which needs it. */
  readonly certificatePem?: string | undefined;
  /** In place of that a request for one, PEM. */
  readonly requestPem?: string | undefined;
  /** Whether the first vaultbox in a domain makes the domain the user's. */
  readonly mayClaimDomain: boolean;
  /** Whether it is the operator's. */
  readonly isOperator?: boolean;
}

/** A vaultbox that was created. */
export interface CreatedVaultbox extends Vaultbox {
  /** What is odd about the certificate that it was created with. */
  readonly warnings: readonly CertificateWarning[];
}

/**
 * Creates a vaultbox with its certificate, the key of it unless that is held
 * elsewhere, and its route.
 *
 * The row is committed before the route is published: the other way round,
 * mail could come for a vaultbox that the intake does not find, and bounce. If
 * the route cannot be published the vaultbox is deleted again; if the process
 * dies in between, the next reconciliation publishes it.
 *
 * @param app The world.
 * @param actor Who creates it.
 * @param input Checked input.
 * @returns The vaultbox as stored.
 * @throws {AppError} `invalid_request` if mail cannot be encrypted to the
 * certificate, `conflict` if the address is taken or reserved, `forbidden` if the
 * domain is not the user's, `quota_exceeded` if it has as many vaultboxes as it
 * may have, `unavailable` if Postfix cannot be told.
 */
export async function createVaultbox(
  app: App,
  actor: Actor,
  input: NewVaultbox,
): Promise<CreatedVaultbox> {
  const { userId, domain, alias, isOperator = false } = input;
  if (!isOperator) checkNotReserved(app, { domain, alias });
  const id = crypto.randomUUID();
  const mayClaim = app.platformSql === undefined
    ? input.mayClaimDomain
    : await ownsPlatformDomain(app, domain, userId);
  // Again in the transaction; here it keeps the cost of a key from those who may
  // not have one.
  await checkDomain(app, { domain, alias, userId, mayClaim });
  const proof = app.platformSql === undefined ? "declared" : "platform";
  const identity = await firstIdentity(app, id, input);
  const {
    custody = identity.privateKey === undefined ? "external" : "server",
  } = input;
  const { vaultbox, isNewDomain, isFull } = await storeIdentity(
    app,
    identity,
    async (tx) => {
      const isNewDomain = mayClaim &&
        await claimDomain(tx, domain, userId, proof);
      if (!mayClaim) await checkDomainOwner(tx, domain, userId);
      const [vaultbox] = await pipelined([
        insertVaultbox(tx, {
          id,
          userId,
          domain,
          alias,
          name: input.name,
          isOperator,
          custody,
        }),
        insertAddress(tx, { domain, alias, vaultboxId: id }),
        ...isNewDomain
          ? [
            insertRoleAddresses(tx, ROLES, domain),
            deleteClaim(tx, domain, userId),
            insertAudit(tx, actor, {
              action: "domain.host",
              userId,
              domain,
              details: { proof },
            }),
          ]
          : [],
        insertCertificate(tx, identity.row),
        insertAudit(tx, actor, {
          action: "vaultbox.create",
          userId,
          vaultboxId: id,
          domain,
          details: { alias, custody },
        }),
      ]);
      // Last, as creations for one customer wait for each other from here on.
      const isFull = !isOperator && await countVaultbox(tx, userId);
      return { vaultbox, isNewDomain, isFull };
    },
  );
  try {
    if (isNewDomain) await publishRoutes(app, domain, [alias, ...ROLES]);
    else {
      const maps = [
        "transport" as const,
        ...isFull ? ["refusals" as const] : [],
      ];
      await publishAddresses(app, [{ domain, alias }], maps);
    }
  } catch (error) {
    await undo(app, actor, vaultbox, identity.row.id);
    throw error;
  }
  app.log.write("info", "vaultbox created", { vaultbox: id });
  return { ...vaultbox, warnings: identity.warnings ?? [] };
}

/** What the vaultbox begins with: its owner's certificate, or a key of ours. */
async function firstIdentity(
  app: App,
  id: string,
  input: NewVaultbox,
): Promise<Identity & Partial<UploadedIdentity>> {
  const { userId, domain, alias, certificatePem, requestPem, keyKind } = input;
  const address = `${alias}@${domain}`;
  if (certificatePem !== undefined) {
    return await uploadedIdentity(app, certificatePem, id, [{ domain, alias }]);
  }
  if (requestPem !== undefined) {
    return await requestedIdentity(app, requestPem, id, address);
  }
  // What is to be destroyed was never in a file of the pool.
  const take = input.custody === "client" ? makeKey : takeKey;
  const key = await take(app, userId, keyKind);
  return await newIdentity(app, key, address, id);
}

async function checkDomain(
  app: Pick<App, "sql">,
  wanted: { domain: string; alias: string; userId: string; mayClaim: boolean },
): Promise<void> {
  const { domain, alias, userId, mayClaim } = wanted;
  const address = { domain, alias };
  const [hosted, holder] = await Promise.all([
    findDomain(app.sql, domain),
    findVaultboxByAddress(app.sql, address, undefined),
  ]);
  if (hosted === undefined ? !mayClaim : hosted.userId !== userId) {
    throw new AppError("forbidden", "Domain is not yours");
  }
  if (holder !== undefined) {
    throw new AppError("conflict", "Address is taken");
  }
  await checkVaultboxCount(app.sql, userId);
}

/**
 * Takes a creation back, unless mail has come: Postfix may have been told before
 * it failed, and what was stored is not deleted.
 */
async function undo(
  app: App,
  actor: Actor,
  vaultbox: Vaultbox,
  certificateId: string,
): Promise<void> {
  const { id, domain, alias } = vaultbox;
  try {
    const isGone = await app.sql.begin(async (tx) => {
      const { messageCount } = await getVaultbox(tx, id, EVERYTHING, true);
      if (messageCount > 0) return false;
      await deleteVaultbox(tx, id);
      await insertRemoval(tx, id);
      await insertAudit(tx, actor, {
        action: "vaultbox.create.undo",
        userId: vaultbox.userId,
        vaultboxId: id,
        domain,
        details: { alias },
      });
      return true;
    });
    if (isGone) await app.privateKeys.remove([certificateId]);
    await publishRoutes(app, domain, [alias, ...ROLES]);
  } catch (error) {
    app.log.write("error", "creation could not be undone", {
      vaultbox: id,
      cause: reason(error),
    });
  }
}

/**
 * Creates the operator's vaultbox, which gets the mail for postmaster@ and
 * abuse@ of every hosted domain (RFC 2142).
 *
 * @param app The world.
 * @param actor Who creates it.
 * @param input Checked input.
 * @returns The vaultbox as stored.
 * @throws {AppError} `conflict` if there is one.
 */
export async function createOperatorVaultbox(
  app: App,
  actor: Actor,
  input: NewVaultbox,
): Promise<Vaultbox> {
  const vaultbox = await createVaultbox(app, actor, {
    ...input,
    isOperator: true,
  });
  const roles = await app.sql.begin((tx) => insertRoleAddresses(tx, ROLES));
  await publishAddresses(app, roles, ["transport"]);
  return vaultbox;
}
