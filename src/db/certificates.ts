/**
 * Queries on the generations of vaultboxes' certificates.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { ChosenPolicy } from "../encryption_policy.ts";
import { type Db, isViolation, UNIQUE_VIOLATION } from "./connect.ts";
import {
  fetchPage,
  type Fragment,
  type Order,
  type Page,
  type Rows,
} from "./page.ts";

/** Values of a new row. */
export interface CertificateRow {
  /** UUID; also the name of the private key's file. */
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
  /** Where it is from. The key of `generated` alone is kept here. */
  readonly origin: "generated" | "uploaded" | "csr";
  /** When somebody else first had its key; null if nobody has. */
  readonly handedOutAt: Date | null;
}

/** One generation. */
export interface Certificate extends CertificateRow {
  /** When it was retired. */
  readonly retiredAt: Date | null;
  /** When it was added. */
  readonly createdAt: Date;
  /** Whether mail is encrypted to it now. */
  readonly isRecipient: boolean;
}

/** Orders of the list. */
export const CERTIFICATE_ORDERS: Readonly<
  Record<"created_at" | "-created_at", Order>
> = {
  "-created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: true,
  },
  "created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: false,
  },
};

const ROW = [
  "id",
  "vaultboxId",
  "publicCertPem",
  "fingerprintSha256",
  "notBefore",
  "notAfter",
  "origin",
  "handedOutAt",
] as const;

/** Certificates that one message is encrypted to, at most. */
const RECIPIENTS_MAX = 8;

/**
 * Inserts a generation.
 *
 * @param db Pool or transaction.
 * @param row Values of the new row.
 * @throws {AppError} `conflict` if the vaultbox has it already.
 */
export async function insertCertificate(
  db: Db,
  row: CertificateRow,
): Promise<void> {
  try {
    await db`insert into vaultbox_certs ${db(row, ...ROW)}`;
  } catch (error) {
    if (isViolation(error, UNIQUE_VIOLATION)) {
      throw new AppError("conflict", "Vaultbox has this certificate already", {
        cause: error,
      });
    }
    throw error;
  }
}

/**
 * Lists all generations of a vaultbox, retired ones too, newest first.
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
      select ${columns(db, vaultboxId)} from vaultbox_certs
      where vaultbox_id = ${vaultboxId}
      order by created_at desc, id
    `,
  ];
}

/**
 * Lists a page of the generations of a vaultbox.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @param page Which part, in one of {@linkcode CERTIFICATE_ORDERS}.
 * @returns The page.
 */
export function pageCertificates(
  db: Db,
  vaultboxId: string,
  page: Page,
): Promise<Rows<Certificate>> {
  return fetchPage<Certificate>(db, page, {
    columns: columns(db, vaultboxId),
    from: db`vaultbox_certs`,
    where: db`and vaultbox_id = ${vaultboxId}`,
  });
}

/**
 * Finds a generation.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID of the vaultbox that it must be of.
 * @param id UUID.
 * @returns The generation.
 * @throws {AppError} `not_found` if the vaultbox has none with this id.
 */
export async function getCertificate(
  db: Db,
  vaultboxId: string,
  id: string,
): Promise<Certificate> {
  const [row] = await db<Certificate[]>`
    select ${columns(db, vaultboxId)} from vaultbox_certs
    where id = ${id} and vaultbox_id = ${vaultboxId}
  `;
  if (row === undefined) throw new AppError("not_found", "No such certificate");
  return row;
}

/**
 * Retires a generation or takes that back.
 *
 * @param db Transaction.
 * @param id UUID.
 * @param isRetired What it shall be.
 */
export async function updateRetired(
  db: Db,
  id: string,
  isRetired: boolean,
): Promise<void> {
  await db`
    update vaultbox_certs set retired_at = ${
    isRetired ? db`coalesce(retired_at, now())` : db`null`
  }
    where id = ${id}
  `;
}

/** One certificate that a message is encrypted to, and how. */
export interface Recipient extends ChosenPolicy {
  /** The certificate, PEM. */
  readonly publicCertPem: string;
}

/**
 * Lists the certificates that a message is encrypted to: the newest, and each
 * that was handed out, expired ones included, so that no renewal locks a
 * reader out. What the vaultbox has chosen stands with each, since both must be
 * of one moment.
 *
 * @param db Pool or transaction.
 * @param vaultboxId UUID.
 * @returns At most 8, newest first.
 */
export async function listRecipients(
  db: Db,
  vaultboxId: string,
): Promise<Recipient[]> {
  return [
    ...await db<Recipient[]>`
      select c.public_cert_pem,
        v.content_cipher, v.key_transport, v.header_protection
      from vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id
      where c.id in (${recipients(db, vaultboxId)})
      order by c.created_at desc, c.id
    `,
  ];
}

function columns(db: Db, vaultboxId: string): Fragment {
  return db`${db(ROW)}, retired_at, created_at,
    id in (${recipients(db, vaultboxId)}) as is_recipient`;
}

/** Ids of the generations that mail is encrypted to. */
function recipients(db: Db, vaultboxId: string): Fragment {
  return db`
    select id from vaultbox_certs
    where vaultbox_id = ${vaultboxId} and retired_at is null
      and (handed_out_at is not null or id = (
        select id from vaultbox_certs
        where vaultbox_id = ${vaultboxId} and retired_at is null
        order by created_at desc, id limit 1
      ))
    order by created_at desc, id
    limit ${RECIPIENTS_MAX}
  `;
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
 * Lists the ids of all generations and of the issuer, for finding key files
 * without a row.
 *
 * @param db Pool or transaction.
 * @returns UUIDs.
 */
export async function listCertificateIds(db: Db): Promise<Set<string>> {
  const rows = await db<{ id: string }[]>`
    select id from vaultbox_certs union all select id from issuers
  `;
  return new Set(rows.map((row) => row.id));
}
