/**
 * Queries on the generations of vaultboxes' certificates.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** One generation. */
export interface Certificate {
  /** UUID; also the name of the private key's file. */
  readonly id: string;
  /** The certificate, PEM. */
  readonly publicCertPem: string;
  /** SHA-256 over the DER, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Begin of validity. */
  readonly notBefore: Date;
  /** End of validity. */
  readonly notAfter: Date;
  /** When it first went out in a bundle. */
  readonly handedOutAt: Date | null;
}

/** Values of a new row. */
export interface CertificateRow {
  /** UUID. */
  readonly id: string;
  /** UUID. */
  readonly vaultboxId: string;
  /** The certificate, PEM. */
  readonly publicCertPem: string;
  /** SHA-256 over the DER, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Begin of validity. */
  readonly notBefore: Date;
  /** End of validity. */
  readonly notAfter: Date;
}

/** Certificates that one message is encrypted to, at most. */
const RECIPIENTS_MAX = 8;

/**
 * Inserts a generation.
 *
 * @param db Pool or transaction.
 * @param row Values of the new row.
 */
export async function insertCertificate(
  db: Db,
  row: CertificateRow,
): Promise<void> {
  await db`
    insert into vaultbox_certs ${
    db(
      row,
      "id",
      "vaultboxId",
      "publicCertPem",
      "fingerprintSha256",
      "notBefore",
      "notAfter",
    )
  }
  `;
}

/**
 * Lists the generations that are not retired, newest first.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns The generations.
 */
export async function listCertificates(
  db: Db,
  vaultboxId: string,
): Promise<Certificate[]> {
  return [
    ...await db<Certificate[]>`
      select id, public_cert_pem, fingerprint_sha256, not_before, not_after,
        handed_out_at
      from vaultbox_certs
      where vaultbox_id = ${vaultboxId} and retired_at is null
      order by created_at desc, id
    `,
  ];
}

/**
 * Lists the certificates that a message is encrypted to: the newest, and each
 * that was handed out, expired ones included, so that no renewal locks a
 * reader out.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns Certificates as PEM, at most 8, newest first.
 */
export async function listRecipients(
  db: Db,
  vaultboxId: string,
): Promise<string[]> {
  const rows = await db<{ publicCertPem: string }[]>`
    select public_cert_pem from vaultbox_certs
    where vaultbox_id = ${vaultboxId} and retired_at is null
      and (handed_out_at is not null or id = (
        select id from vaultbox_certs
        where vaultbox_id = ${vaultboxId} and retired_at is null
        order by created_at desc, id limit 1
      ))
    order by created_at desc, id
    limit ${RECIPIENTS_MAX}
  `;
  return rows.map((row) => row.publicCertPem);
}

/**
 * Notes that generations went out in a bundle.
 *
 * @param db Transaction.
 * @param ids UUIDs.
 */
export async function markHandedOut(
  db: Db,
  ids: readonly string[],
): Promise<void> {
  await db`
    update vaultbox_certs set handed_out_at = coalesce(handed_out_at, now())
    where id = any(${ids as string[]}::uuid[])
  `;
}

/**
 * Lists the ids of all generations, for finding key files without a row.
 *
 * @param db Pool or transaction.
 * @returns UUIDs.
 */
export async function listCertificateIds(db: Db): Promise<Set<string>> {
  const rows = await db<{ id: string }[]>`select id from vaultbox_certs`;
  return new Set(rows.map((row) => row.id));
}
