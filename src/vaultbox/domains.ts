/**
 * Domains: claimed, shown to be a user's, hosted, given up.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  deleteClaim,
  getUserDomain,
  insertClaim,
  type UserDomain,
} from "../db/domain_claims.ts";
import {
  claimDomain,
  deleteDomain,
  findDomain,
  insertRoleAddresses,
} from "../db/domains.ts";
import { ownsPlatformDomain } from "../db/platform.ts";
import { AppError } from "../errors.ts";
import { randomLetters } from "./random_letters.ts";
import { publishRoutes, ROLES } from "./routes.ts";

/** Label of the TXT record, in front of the domain. */
const CHALLENGE_LABEL = "_encimap-challenge";

/** Letters of a challenge; each has 5 bits. */
const CHALLENGE_LETTERS = 26;

/**
 * Says where the TXT record of a challenge has to be.
 *
 * @param domain Lower case, A-labels.
 * @returns Name of the record.
 */
export function challengeName(domain: string): string {
  return `${CHALLENGE_LABEL}.${domain}`;
}

/**
 * Registers a domain for a user: hosts it if it is known to be theirs, else
 * notes the claim with the challenge that shows it.
 *
 * @param app The world.
 * @param actor Who registers it.
 * @param input Domain, user, and whether the actor's word is enough.
 * @returns The domain.
 * @throws {AppError} `conflict` if it is the user's already or hosted for
 * somebody else, `forbidden` if the actor's word is not enough or the platform
 * says that it is not the user's.
 */
export async function registerDomain(
  app: App,
  actor: Actor,
  input: { domain: string; userId: string; isDeclared: boolean },
): Promise<UserDomain> {
  const { domain, userId, isDeclared } = input;
  if (isDeclared && !actor.isService) {
    throw new AppError("forbidden", "A user has to show the domain by DNS");
  }
  const hosted = await findDomain(app.sql, domain);
  if (hosted?.userId === userId) {
    throw new AppError("conflict", "Domain is hosted already");
  }
  if (app.platformSql !== undefined) {
    await ownsPlatformDomain(app, domain, userId);
    await hostDomain(app, actor, domain, userId, "platform");
  } else if (isDeclared) {
    await hostDomain(app, actor, domain, userId, "declared");
  } else {
    const challenge = `encimap-verify=${randomLetters(CHALLENGE_LETTERS)}`;
    await app.sql.begin(async (tx) => {
      if (!await insertClaim(tx, { domain, userId, challenge })) return;
      await insertAudit(tx, actor, { action: "domain.claim", userId, domain });
    });
  }
  return await getUserDomain(app.sql, userId, domain);
}

/**
 * Looks for the TXT record of a claim, and hosts the domain if it is there.
 *
 * @param app The world.
 * @param actor Who asks, and whose the claim must be.
 * @param domain Lower case, A-labels.
 * @returns The domain; one that is hosted already stays as it is.
 * @throws {AppError} `not_found` if there is no such claim, `conflict` if the
 * record is not there or the domain is hosted for somebody else, `unavailable`
 * if DNS cannot be asked.
 */
export async function verifyDomain(
  app: App,
  actor: Actor,
  domain: string,
): Promise<UserDomain> {
  const claim = await getUserDomain(app.sql, actor.owner, domain);
  if (claim.challenge === null) return claim;
  const name = challengeName(domain);
  const found = await app.dns.txt(name);
  if (!found.includes(claim.challenge)) {
    throw new AppError("conflict", "TXT record is not there yet", {
      details: { name, value: claim.challenge, records: found.length },
    });
  }
  await hostDomain(app, actor, domain, claim.userId, "dns");
  return await getUserDomain(app.sql, claim.userId, domain);
}

/**
 * Hosts a domain for a user.
 *
 * @param app The world.
 * @param actor Who says or has shown it.
 * @param domain Lower case, A-labels.
 * @param userId UUID.
 * @param proof How it was shown.
 * @returns Whether it was not hosted before.
 * @throws {AppError} `conflict` if it is hosted for somebody else,
 * `unavailable` if Postfix cannot be told: the domain is hosted then, and the
 * next reconciliation tells it.
 */
export async function hostDomain(
  app: Pick<App, "config" | "sql" | "mta">,
  actor: Actor,
  domain: string,
  userId: string,
  proof: "declared" | "dns" | "platform",
): Promise<boolean> {
  const isNew = await app.sql.begin(async (tx) => {
    let isNew: boolean;
    try {
      isNew = await claimDomain(tx, domain, userId, proof);
    } catch (error) {
      if (!(error instanceof AppError && error.code === "forbidden")) {
        throw error;
      }
      throw new AppError("conflict", "Domain is hosted for somebody else", {
        cause: error,
      });
    }
    await deleteClaim(tx, domain, userId);
    await insertRoleAddresses(tx, ROLES, domain);
    if (isNew) {
      const details = { proof };
      const change = { action: "domain.host", userId, domain, details };
      await insertAudit(tx, actor, change);
    }
    return isNew;
  });
  await publishRoutes(app, domain, ROLES);
  return isNew;
}

/**
 * Gives a domain up: a claim is dropped, a hosted one is hosted no longer.
 *
 * @param app The world.
 * @param actor Who asks, and whose it must be.
 * @param domain Lower case, A-labels.
 * @throws {AppError} `not_found` if there is none, `conflict` if it holds
 * vaultboxes.
 */
export async function removeDomain(
  app: Pick<App, "config" | "sql" | "mta">,
  actor: Actor,
  domain: string,
): Promise<void> {
  const aliases = await app.sql.begin(async (tx) => {
    const { userId, challenge } = await getUserDomain(tx, actor.owner, domain);
    const isHosted = challenge === null;
    const aliases = isHosted
      ? await deleteDomain(tx, domain, userId)
      : undefined;
    if (!isHosted) await deleteClaim(tx, domain, userId);
    const action = isHosted ? "domain.remove" : "domain.claim.drop";
    await insertAudit(tx, actor, { action, userId, domain });
    return aliases;
  });
  if (aliases !== undefined) await publishRoutes(app, domain, aliases);
}
