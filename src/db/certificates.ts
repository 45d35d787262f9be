/**
 * Queries on the generations of vaultboxes' certificates.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { ChosenPolicy } from "../encryption_policy.ts";
import { type Db, isViolation, UNIQUE_VIOLATION } from "./connect.ts";
import { fetchPage, type Fragment, type Page, type Rows } from "./page.ts";

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
  /** Where it is from. The key of `generated` alone was ever here. */
  readonly origin: "generated" | "uploaded" | "csr";
  /** When somebody else first had its key; null if nobody has. */
  readonly handedOutAt: Date | null;
  /** UUID of the issuer; null if it is self-signed or by somebody else. */
  readonly issuerId: string | null;
}

/** Where a private key is: see docs/design.md, "Custody". */
export type KeyState = "elsewhere" | "kept" | "destroying" | "destroyed";

/** One generation. */
export interface Certificate extends CertificateRow {
  /** Where its private key is. */
  readonly keyState: KeyState;
  /** Whether there may be a reader that has no later one. */
  readonly hasReaders: boolean;
  /** When its private key was destroyed. */
  readonly keyDestroyedAt: Date | null;
  /** UUID of the request that had it destroyed; null outside the API. */
  readonly keyDestroyedBy: string | null;
  /** When it was retired. */
  readonly retiredAt: Date | null;
  /** When it was added. */
  readonly createdAt: Date;
  /** Whether mail is encrypted to it now. */
  readonly isRecipient: boolean;
  /** Certificate of the issuer, PEM; null if it is self-signed or by another. */
  readonly issuerPem: string | null;
}

const ROW = [
  "id",
  "vaultboxId",
  "publicCertPem",
  "fingerprintSha256",
  "notBefore",
  "notAfter",
  "origin",
  "handedOutAt",
  "issuerId",
] as const;

/** Certificates that one message is encrypted to, at most. */
export const RECIPIENTS_MAX = 8;

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
    const keyState: KeyState = row.origin === "generated"
      ? "kept"
      : "elsewhere";
    await db`
      insert into vaultbox_certs ${db({ ...row, keyState }, ...ROW, "keyState")}
    `;
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
 * @param page Which part, in one of {@linkcode NEWEST_FIRST}.
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
  /** SHA-256 over the DER when it was stored, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
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
      select c.public_cert_pem, c.fingerprint_sha256,
        v.content_cipher, v.key_transport, v.header_protection
      from vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id
      where c.id in (${recipients(db, vaultboxId)})
      order by c.created_at desc, c.id
    `,
  ];
}

function columns(db: Db, vaultboxId: string): Fragment {
  return db`${db(ROW)}, retired_at, created_at, key_state, key_destroyed_at,
    key_destroyed_by, has_readers,
    id in (${recipients(db, vaultboxId)}) as is_recipient,
    (select certificate_pem from issuers where issuers.id = issuer_id)
      as issuer_pem`;
}

/** Ids of the generations that mail is encrypted to. */
function recipients(db: Db, vaultboxId: string): Fragment {
  return db`
    select id from vaultbox_certs
    where vaultbox_id = ${vaultboxId} and retired_at is null
      and (has_readers or is_newest)
    order by created_at desc, id
    limit ${RECIPIENTS_MAX}
  `;
}

/**
 * Notes that keys of generations went out in a file.
 *
 * @param db Transaction.
 * @param ids UUIDs; the first is the newest, to which mail is encrypted until
 * it is retired.
 */
export async function markHandedOut(
  db: Db,
  ids: readonly string[],
): Promise<void> {
  await db`
    update vaultbox_certs set
      handed_out_at = coalesce(handed_out_at, now()),
      has_readers = has_readers or id = ${ids[0]!}
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

/**
 * Decides that private keys go: no bundle has them from the commit on.
 *
 * @param db Transaction that holds the vaultbox's lock.
 * @param ids UUIDs of generations.
 * @param requestId UUID of the request; undefined outside the API.
 */
export async function markDestroying(
  db: Db,
  ids: readonly string[],
  requestId: string | undefined,
): Promise<void> {
  await db`
    update vaultbox_certs
    set key_state = 'destroying', key_destroyed_by = ${requestId ?? null}
    where id = any(${ids as string[]}::uuid[]) and key_state = 'kept'
  `;
}

/**
 * Lists generations whose private key is to go and may be there yet.
 *
 * @param db Pool or transaction.
 * @returns UUIDs, at most 1000.
 */
export async function listDestroying(db: Db): Promise<string[]> {
  const rows = await db<{ id: string }[]>`
    select id from vaultbox_certs where key_state = 'destroying' limit 1000
  `;
  return rows.map((row) => row.id);
}

/**
 * Lists generations whose private key was destroyed.
 *
 * @param db Pool or transaction.
 * @returns UUIDs.
 */
export async function listDestroyed(db: Db): Promise<Set<string>> {
  const rows = await db<{ id: string }[]>`
    select id from vaultbox_certs where key_state = 'destroyed'
  `;
  return new Set(rows.map((row) => row.id));
}

/**
 * Notes that private keys are gone.
 *
 * @param db Pool or transaction.
 * @param ids UUIDs of generations.
 */
export async function markDestroyed(
  db: Db,
  ids: readonly string[],
): Promise<void> {
  await db`
    update vaultbox_certs
    set key_state = 'destroyed', key_destroyed_at = clock_timestamp()
    where id = any(${ids as string[]}::uuid[]) and key_state = 'destroying'
  `;
}

/** A private key that should be here, and what its file is bound to. */
export interface KeptKey {
  /** UUID of the generation or of the issuer; the name of the file. */
  readonly certificateId: string;
  /** UUID of the vaultbox; an issuer stands for it itself. */
  readonly vaultboxId: string;
  /** SHA-256 of the certificate, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
}

/**
 * Lists the private keys that should be here, that of the issuer that signs as
 * well: former ones need none.
 *
 * @param db Pool or transaction.
 * @param after UUID of the last one that was listed.
 * @param limit Keys at most.
 * @returns The keys, in the order of their ids.
 */
export async function listKept(
  db: Db,
  after: string | undefined,
  limit: number,
): Promise<KeptKey[]> {
  return [
    ...await db<KeptKey[]>`
      select * from (
        select id as certificate_id, vaultbox_id, fingerprint_sha256
        from vaultbox_certs where key_state = 'kept'
        union all select id, id, fingerprint_sha256 from issuers
        where not_after = (select max(not_after) from issuers)
      ) keys
      where ${after === undefined ? db`true` : db`certificate_id > ${after}`}
      order by certificate_id limit ${limit}
    `,
  ];
}
