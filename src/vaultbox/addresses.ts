/**
 * Addresses of a vaultbox besides its own: aliases and catch-alls. They receive
 * and never send.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import {
  type Alias,
  type CatchAll,
  deleteAddress,
  getCatchAll,
  insertAlias,
  putCatchAll,
} from "../db/addresses.ts";
import { insertAudit } from "../db/audit.ts";
import { CATCH_ALL, checkDomainOwner, findDomain } from "../db/domains.ts";
import { EVERYTHING, getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import {
  checkNotReserved,
  publishAddresses,
  type RoutedAddress,
} from "./routes.ts";

/**
 * Gives a vaultbox an alias.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param address The alias.
 * @returns The alias as stored.
 * @throws {AppError} `not_found` if there is no such vaultbox, `forbidden` if
 * the domain is not its user's, `conflict` if the address is taken or reserved
 * or one too many, `unavailable` if Postfix cannot be told.
 */
export async function createAlias(
  app: App,
  actor: Actor,
  vaultboxId: string,
  address: RoutedAddress,
): Promise<Alias> {
  const { domain, alias } = address;
  const row = { domain, alias, vaultboxId };
  const { stored, change } = await app.sql.begin(async (tx) => {
    const { userId } = await getVaultbox(tx, vaultboxId, actor, true);
    checkNotReserved(app, address);
    await checkDomainOwner(tx, domain, userId);
    const change = { userId, vaultboxId, domain, details: { alias } };
    await insertAudit(tx, actor, { action: "alias.create", ...change });
    return { stored: await insertAlias(tx, row), change };
  });
  try {
    await publishAddresses(app, [address], ["transport", "refusals"]);
  } catch (error) {
    // Without its route it receives nothing.
    await app.sql.begin(async (tx) => {
      await deleteAddress(tx, row);
      await insertAudit(tx, actor, { action: "alias.create.undo", ...change });
    });
    throw error;
  }
  return stored;
}

/**
 * Takes an alias from a vaultbox.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param address The alias.
 * @throws {AppError} `not_found` if there is no such vaultbox or alias,
 * `unavailable` if Postfix cannot be told; then the alias is gone all the same.
 */
export async function removeAlias(
  app: App,
  actor: Actor,
  vaultboxId: string,
  address: RoutedAddress,
): Promise<void> {
  const { domain, alias } = address;
  await app.sql.begin(async (tx) => {
    const { userId } = await getVaultbox(tx, vaultboxId, actor, true);
    await deleteAddress(tx, { domain, alias, vaultboxId });
    await insertAudit(tx, actor, {
      action: "alias.delete",
      userId,
      vaultboxId,
      domain,
      details: { alias },
    });
  });
  await publishAddresses(app, [address], ["transport", "refusals"]);
}

/**
 * Sends the mail for all other addresses of a domain to a vaultbox.
 *
 * @param app The world.
 * @param actor Who asks, and whose domain and vaultbox must be.
 * @param domain Lower case, A-labels.
 * @param vaultboxId UUID of a vaultbox of the domain's user.
 * @returns The catch-all as stored.
 * @throws {AppError} `not_found` if there is no such domain or vaultbox,
 * `unavailable` if Postfix cannot be told: ask for the same again.
 */
export async function setCatchAll(
  app: App,
  actor: Actor,
  domain: string,
  vaultboxId: string,
): Promise<CatchAll> {
  const stored = await app.sql.begin(async (tx) => {
    const hosted = await findDomain(tx, domain);
    const userId = hosted?.userId;
    if (
      userId === undefined ||
      actor.owner !== undefined && actor.owner !== userId
    ) throw new AppError("not_found", "No such domain");
    await checkDomainOwner(tx, domain, userId);
    const viewer = { owner: userId, isAdmin: actor.isAdmin };
    await getVaultbox(tx, vaultboxId, viewer, true);
    const change = { action: "catch_all.set", userId, vaultboxId, domain };
    await insertAudit(tx, actor, change);
    return await putCatchAll(tx, domain, vaultboxId);
  });
  await publishCatchAll(app, domain);
  return stored;
}

/**
 * Takes a domain's catch-all away.
 *
 * @param app The world.
 * @param actor Who asks, and whose the domain must be.
 * @param domain Lower case, A-labels.
 * @throws {AppError} `not_found` if there is none, `unavailable` if Postfix
 * cannot be told; then the catch-all is gone all the same.
 */
export async function removeCatchAll(
  app: App,
  actor: Actor,
  domain: string,
): Promise<void> {
  await app.sql.begin(async (tx) => {
    const { vaultboxId } = await getCatchAll(tx, domain, actor.owner);
    const { userId } = await getVaultbox(tx, vaultboxId, EVERYTHING, true);
    await deleteAddress(tx, { domain, alias: CATCH_ALL, vaultboxId });
    const change = { action: "catch_all.delete", userId, vaultboxId, domain };
    await insertAudit(tx, actor, change);
  });
  await publishCatchAll(app, domain);
}

async function publishCatchAll(app: App, domain: string): Promise<void> {
  await publishAddresses(app, [{ domain, alias: CATCH_ALL }], ["transport"]);
}
