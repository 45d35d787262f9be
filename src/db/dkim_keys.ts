/**
 * Queries on the keys that sign outgoing mail.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** Selectors, used in turn. */
export const SELECTORS = ["encimap1", "encimap2"] as const;

/** One of {@linkcode SELECTORS}. */
export type Selector = typeof SELECTORS[number];

/** A key of a domain. */
export interface DkimKey {
  /** Lower case, A-labels. */
  readonly domain: string;
  /** Selector. */
  readonly selector: Selector;
  /** PKCS#8 DER, sealed. */
  readonly sealedKey: Uint8Array<ArrayBuffer>;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** Whether it signs. */
  readonly isActive: boolean;
  /** When it was made. */
  readonly createdAt: Date;
  /** Since when it signs; null if it never has. */
  readonly activatedAt: Date | null;
  /** Since when it does not sign any more. */
  readonly retiredAt: Date | null;
}

/**
 * Lists the keys of a domain.
 *
 * @param db Pool or transaction.
 * @param domain Lower case, A-labels.
 * @returns At most two, in the order of their selectors.
 */
export async function listDkimKeys(
  db: Db,
  domain: string,
): Promise<DkimKey[]> {
  return [
    ...await db<DkimKey[]>`
      select domain, selector, sealed_key, public_key, is_active, created_at,
        activated_at, retired_at
      from dkim_keys where domain = ${domain} order by selector
    `,
  ];
}

/**
 * Inserts the first key of a domain, which signs at once; one that is there
 * stays.
 *
 * @param db Pool or transaction.
 * @param key The key.
 */
export async function insertDkimKey(
  db: Db,
  key: Pick<DkimKey, "domain" | "selector" | "sealedKey" | "publicKey">,
): Promise<void> {
  await db`
    insert into dkim_keys ${
    db({ ...key, isActive: true, activatedAt: new Date() })
  } on conflict do nothing
  `;
}

/**
 * Puts a key that does not sign yet in the place of the one that signs no more.
 *
 * @param db Transaction.
 * @param key The key.
 */
export async function putNextDkimKey(
  db: Db,
  key: Pick<DkimKey, "domain" | "selector" | "sealedKey" | "publicKey">,
): Promise<void> {
  const { domain, selector } = key;
  await db`
    delete from dkim_keys
    where domain = ${domain} and selector = ${selector} and not is_active
  `;
  await db`insert into dkim_keys ${db({ ...key, isActive: false })}`;
}

/**
 * Lets the other key of a domain sign.
 *
 * @param db Transaction.
 * @param key Its domain and selector.
 */
export async function activateDkimKey(
  db: Db,
  { domain, selector }: Pick<DkimKey, "domain" | "selector">,
): Promise<void> {
  await db`
    update dkim_keys set is_active = false, retired_at = now()
    where domain = ${domain} and is_active
  `;
  await db`
    update dkim_keys set is_active = true, activated_at = now()
    where domain = ${domain} and selector = ${selector}
  `;
}

/**
 * Lists the keys that wait until DNS shows them.
 *
 * @param db Pool or transaction.
 * @param after Domain behind which the part begins; "" for the first.
 * @param limit Keys of a part.
 * @returns The keys, by domain.
 */
export async function listNextDkimKeys(
  db: Db,
  after: string,
  limit: number,
): Promise<DkimKey[]> {
  return [
    ...await db<DkimKey[]>`
      select domain, selector, sealed_key, public_key, is_active, created_at,
        activated_at, retired_at
      from dkim_keys
      where activated_at is null and domain > ${after}
      order by domain limit ${limit}
    `,
  ];
}

/**
 * Lists the keys of all domains.
 *
 * @param db Pool or transaction.
 * @returns The keys; two for each domain at most.
 */
export async function listAllDkimKeys(db: Db): Promise<DkimKey[]> {
  return [
    ...await db<DkimKey[]>`
      select domain, selector, sealed_key, public_key, is_active, created_at,
        activated_at, retired_at
      from dkim_keys order by domain, selector
    `,
  ];
}

/**
 * Stores a key that is sealed anew, unless another one has its place by now.
 *
 * @param db Pool or transaction.
 * @param key The key as it was read.
 * @param sealedKey PKCS#8 DER, sealed.
 */
export async function updateSealedKey(
  db: Db,
  { domain, selector, publicKey }: DkimKey,
  sealedKey: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await db`
    update dkim_keys set sealed_key = ${sealedKey}
    where domain = ${domain} and selector = ${selector}
      and public_key = ${publicKey}
  `;
}

/**
 * Removes the keys of a domain; the next mail that is sent makes a new one.
 *
 * @param db Pool or transaction.
 * @param domain Lower case, A-labels.
 */
export async function deleteDkimKeys(db: Db, domain: string): Promise<void> {
  await db`delete from dkim_keys where domain = ${domain}`;
}
