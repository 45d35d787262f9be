/**
 * Queries on the appliance's issuer.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** The issuer; there is one at most. */
export interface IssuerRow {
  /** UUID; also the name of the private key's file. */
  readonly id: string;
  /** Its certificate, PEM. */
  readonly certificatePem: string;
  /** SHA-256 over the DER, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** End of validity. */
  readonly notAfter: Date;
}

/**
 * Inserts the issuer.
 *
 * @param db Pool or transaction.
 * @param row Values of the new row.
 * @returns Whether it was inserted: there may be one already.
 */
export async function insertIssuer(db: Db, row: IssuerRow): Promise<boolean> {
  const { count } = await db`
    insert into issuers ${
    db(row, "id", "certificatePem", "fingerprintSha256", "notAfter")
  }
    on conflict (is_one) do nothing
  `;
  return count > 0;
}

/**
 * Finds the issuer.
 *
 * @param db Pool or transaction.
 * @returns It, if there is one.
 */
export async function findIssuer(db: Db): Promise<IssuerRow | undefined> {
  const [row] = await db<IssuerRow[]>`
    select id, certificate_pem, fingerprint_sha256, not_after from issuers
  `;
  return row;
}
