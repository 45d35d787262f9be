/**
 * Keys that sign outgoing mail, one domain after the other.
 *
 * A domain has two selectors, used in turn. A new key waits in the place of the
 * last one until DNS shows it, and then signs.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc6376#section-3.1 | RFC 6376 §3.1}
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  activateDkimKey,
  type DkimKey,
  insertDkimKey,
  listDkimKeys,
  listNextDkimKeys,
  putNextDkimKey,
  SELECTORS,
} from "../db/dkim_keys.ts";
import { getUserDomain } from "../db/domain_claims.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { generateRsaKey, publicKeyOf } from "../x509/key_pair.ts";

/** RFC 8301 §3.2; a key of 4096 bits does not fit into one answer of DNS. */
const BITS = 2048;

/**
 * Days for which the place of the last key is left alone: mail that it has
 * signed is still on its way.
 */
const REST_DAYS = 7;

const DAY_MS = 86_400_000;

/** Keys that are looked at between two queries. */
const BATCH = 100;

/** What keys of domains need of the world. */
export type DkimApp = Pick<App, "sql" | "sealer">;

/**
 * Lists the keys of a domain; the first one is made if there is none.
 *
 * @param app Uses `sql` and `sealer`.
 * @param domain A hosted domain, lower case, A-labels.
 * @returns One or two keys, one of which signs.
 */
export async function dkimKeys(
  app: DkimApp,
  domain: string,
): Promise<DkimKey[]> {
  const found = await listDkimKeys(app.sql, domain);
  if (found.length > 0) return found;
  await insertDkimKey(app.sql, await newKey(app, domain, SELECTORS[0]));
  return await listDkimKeys(app.sql, domain);
}

/**
 * Opens the key that signs for a domain.
 *
 * @param app Uses `sql` and `sealer`.
 * @param domain A hosted domain, lower case, A-labels.
 * @returns Selector and private key.
 */
export async function signingKey(
  app: DkimApp,
  domain: string,
): Promise<{ selector: string; privateKey: KeyObject }> {
  const keys = await dkimKeys(app, domain);
  const { selector, sealedKey } = keys.find(({ isActive }) => isActive)!;
  const pkcs8 = await app.sealer.open(sealedKey, boundTo(domain, selector));
  const privateKey = createPrivateKey({
    key: Buffer.from(pkcs8),
    format: "der",
    type: "pkcs8",
  });
  pkcs8.fill(0);
  return { selector, privateKey };
}

/**
 * Makes the next key of a domain. It signs once DNS shows it.
 *
 * @param app The world.
 * @param actor Who asks, and whose the domain must be.
 * @param domain Lower case, A-labels.
 * @returns The new key, or the one that waits already.
 * @throws {AppError} `not_found` if there is no such domain, `conflict` if the
 * last key has signed within a week, or the domain is only claimed.
 */
export async function rotateDkimKey(
  app: DkimApp & Pick<App, "now">,
  actor: Actor,
  domain: string,
): Promise<DkimKey> {
  const found = await getUserDomain(app.sql, actor.owner, domain);
  const { userId, challenge } = found;
  if (challenge !== null) {
    throw new AppError("conflict", "Domain is not hosted yet");
  }
  const keys = await dkimKeys(app, domain);
  const waiting = keys.find(({ activatedAt }) => activatedAt === null);
  if (waiting !== undefined) return waiting;
  const active = keys.find(({ isActive }) => isActive)!;
  const last = keys.find(({ isActive }) => !isActive);
  if (last !== undefined && isAwaited(last.retiredAt, app.now())) {
    throw new AppError(
      "conflict",
      `The last key has signed until less than ${REST_DAYS} days ago; mail that it has signed is on its way`,
    );
  }
  const selector = SELECTORS.find((each) => each !== active.selector)!;
  const key = await newKey(app, domain, selector);
  await app.sql.begin(async (tx) => {
    await putNextDkimKey(tx, key);
    const details = { selector };
    await insertAudit(tx, actor, {
      action: "dkim.rotate",
      userId,
      domain,
      details,
    });
  });
  const stored = await listDkimKeys(app.sql, domain);
  return stored.find((each) => each.selector === selector)!;
}

/**
 * Lets each key sign that waits and that DNS shows.
 *
 * @param app The world.
 * @param actor Who asks.
 * @returns Domains whose key has changed.
 */
export async function activateDkimKeys(
  app: Pick<App, "dns" | "log" | "sql">,
  actor: Actor,
): Promise<string[]> {
  const changed: string[] = [];
  let batch: DkimKey[];
  let after = "";
  do {
    batch = await listNextDkimKeys(app.sql, after, BATCH);
    for (const key of batch) {
      const { domain, selector } = key;
      after = domain;
      try {
        const texts = await app.dns.txt(dkimName(key));
        if (!texts.some((text) => hasKey(text, key))) continue;
      } catch (error) {
        app.log.write("warn", "dkim key not looked up", {
          domain,
          cause: reason(error),
        });
        continue;
      }
      await app.sql.begin(async (tx) => {
        await activateDkimKey(tx, key);
        await insertAudit(tx, actor, {
          action: "dkim.activate",
          userId: null,
          domain,
          details: { selector },
        });
      });
      changed.push(domain);
    }
  } while (batch.length === BATCH);
  return changed;
}

/**
 * Says whether others still look a key up: it signs, or will, or mail that it
 * has signed may be on its way.
 *
 * @param retiredAt Since when it does not sign any more.
 * @param now The time.
 * @returns Whether they do.
 */
export function isAwaited(retiredAt: Date | null, now: Date): boolean {
  return retiredAt === null ||
    retiredAt.getTime() + REST_DAYS * DAY_MS > now.getTime();
}

/**
 * Names the record of a key.
 *
 * @param key The key.
 * @returns Domain name without a dot at the end.
 */
export function dkimName(
  { domain, selector }: Pick<DkimKey, "domain" | "selector">,
): string {
  return `${selector}._domainkey.${domain}`;
}

/**
 * Makes the text of the record of a key.
 *
 * @param key The key.
 * @returns Text, more than 255 octets.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6376#section-3.6.1 | RFC 6376 §3.6.1}
 */
export function dkimText({ publicKey }: Pick<DkimKey, "publicKey">): string {
  return `v=DKIM1; k=rsa; p=${new Uint8Array(publicKey).toBase64()}`;
}

/**
 * Says whether a TXT record has a key, whatever its other tags are.
 *
 * @param text All strings of the record.
 * @param key The key.
 * @returns Whether it has.
 */
function hasKey(
  text: string,
  { publicKey }: Pick<DkimKey, "publicKey">,
): boolean {
  const wanted = new Uint8Array(publicKey).toBase64();
  return text.replace(/\s/g, "").split(";").includes(`p=${wanted}`);
}

async function newKey(
  app: DkimApp,
  domain: string,
  selector: DkimKey["selector"],
): Promise<
  Pick<DkimKey, "domain" | "selector" | "sealedKey" | "publicKey">
> {
  const pkcs8 = await generateRsaKey(BITS);
  const publicKey = publicKeyOf(pkcs8);
  const sealedKey = await app.sealer.seal(pkcs8, boundTo(domain, selector));
  pkcs8.fill(0);
  return { domain, selector, sealedKey, publicKey };
}

/**
 * Opens a key, if the sealer opens it.
 *
 * @param sealer The sealer.
 * @param key The key.
 * @returns PKCS#8 DER; undefined if it is under another master key.
 */
export async function openDkimKey(
  sealer: App["sealer"],
  { domain, selector, sealedKey }: DkimKey,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await sealer.open(sealedKey, boundTo(domain, selector));
  } catch (error) {
    if (error instanceof DOMException) return undefined;
    throw error;
  }
}

/**
 * Seals a key.
 *
 * @param sealer The sealer.
 * @param key Whose place it has.
 * @param pkcs8 The key, PKCS#8 DER.
 * @returns The sealed key.
 */
export function sealDkimKey(
  sealer: App["sealer"],
  { domain, selector }: Pick<DkimKey, "domain" | "selector">,
  pkcs8: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return sealer.seal(pkcs8, boundTo(domain, selector));
}

function boundTo(domain: string, selector: string): string {
  return `dkim ${domain} ${selector}`;
}
