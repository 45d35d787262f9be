/**
 * Queries on certificates that vaultboxes publish.
 *
 * @module
 */

import type { Db } from "./connect.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** A certificate that anybody may have. */
export interface PublishedCertificate {
  /** Local part of the vaultbox's own address. */
  readonly alias: string;
  /** The certificate, PEM. */
  readonly publicCertPem: string;
}

/** Order of the list. */
export const PUBLISHED_ORDERS: { readonly alias: Order } = {
  alias: { keys: [["alias", "text"]], descending: false },
};

/**
 * Finds the certificate that the holder of an address publishes.
 *
 * @param db Pool or transaction.
 * @param address Domain and local part, lower case.
 * @returns The certificate as PEM, if there is one.
 */
export async function findPublished(
  db: Db,
  address: { domain: string; alias: string },
): Promise<string | undefined> {
  const [row] = await db<{ publicCertPem: string | null }[]>`
    select ${newest(db)} as public_cert_pem from vaultboxes v
    where v.id = (
      select vaultbox_id from addresses
      where domain = ${address.domain} and alias = ${address.alias}
        and kind = 'own'
    ) and publish_certificate and status = 'active'
  `;
  return row?.publicCertPem ?? undefined;
}

/**
 * Lists what the vaultboxes of a domain publish.
 *
 * @param db Pool or transaction.
 * @param domain Lower case, A-labels.
 * @param page Which part, in one of {@linkcode PUBLISHED_ORDERS}.
 * @returns The page.
 */
export function listPublished(
  db: Db,
  domain: string,
  page: Page,
): Promise<Rows<PublishedCertificate>> {
  return fetchPage<PublishedCertificate>(db, page, {
    columns: db`alias, ${newest(db)} as public_cert_pem`,
    from: db`vaultboxes v`,
    where: db`
      and domain = ${domain} and publish_certificate and status = 'active'
    `,
  });
}

/**
 * The newest that its owner has and that has not expired, else the newest: a
 * renewal that nobody has fetched would make mail that nobody opens.
 */
function newest(db: Db) {
  return db`(
    select c.public_cert_pem from vaultbox_certs c
    where c.vaultbox_id = v.id and c.retired_at is null
    order by c.handed_out_at is not null and c.not_after > now() desc,
      c.created_at desc, c.id
    limit 1
  )`;
}
