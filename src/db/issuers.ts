/**
 * Queries on the appliance's issuers.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** An issuer. */
export interface Issuer {
  /** UUID; also the name of the private key's file. */
  readonly id: string;
  /** Its certificate, PEM. */
  readonly certificatePem: string;
  /** SHA-256 over the DER, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Begin of validity. */
  readonly notBefore: Date;
  /** End of validity. */
  readonly notAfter: Date;
  /** 1 for the first one. */
  readonly number: number;
}

const ROW = [
  "id",
  "certificatePem",
  "fingerprintSha256",
  "notBefore",
  "notAfter",
  "number",
] as const;

/**
 * Inserts an issuer.
 *
 * @param db Transaction.
 * @param row Values of the new row.
 * @returns Whether it was inserted: there may be one with its number already.
 */
export async function insertIssuer(db: Db, row: Issuer): Promise<boolean> {
  const { count } = await db`
    insert into issuers ${db(row, ...ROW)} on conflict (number) do nothing
  `;
  return count > 0;
}

/**
 * Lists the issuers, former ones too, newest first. There are few.
 *
 * @param db Pool or transaction.
 * @returns The issuers.
 */
export async function listIssuers(db: Db): Promise<Issuer[]> {
  return [
    ...await db<Issuer[]>`select ${db(ROW)} from issuers order by number desc`,
  ];
}
