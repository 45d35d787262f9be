/**
 * Whom a delivery is for and what it is encrypted to, from memory or from the
 * database.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { listRecipients } from "../db/certificates.ts";
import { getVersion } from "../db/vaultboxes.ts";
import {
  findRecipient,
  isSince,
  type Recipient as Wanted,
  UNROUTED,
} from "../db/recipients.ts";
import type { ChosenPolicy } from "../encryption_policy.ts";
import { readRecipient, type Recipient } from "../smime/recipient.ts";
import { pemDecode } from "../x509/pem.ts";

/** What a delivery needs to know of a vaultbox, all of one version. */
export interface KnownVaultbox {
  /** UUID. */
  readonly id: string;
  /** Its version before anything else of it was read. */
  readonly version: number;
  /** Whether no mail fits into it, as far as is known. */
  readonly isFull: boolean;
  /** Whom mail is encrypted to, at least one, newest first. */
  readonly recipients: readonly Recipient[];
  /** What it has chosen. */
  readonly policy: ChosenPolicy;
}

/** An entry: whose an address is, and since when. */
interface Entry {
  readonly vaultbox: KnownVaultbox;
  readonly since: Date;
}

/**
 * What the database has said of addresses, those used last.
 *
 * It may be out of date: {@linkcode KnownVaultbox.version} is checked again by
 * the statement that inserts the row. So it only ever says who gets a message,
 * never that nobody does, and only the plain case: an address of its own of a
 * vaultbox that is active and not full, and mail that is not older.
 */
export class RecipientMemory {
  readonly #max: number;
  /** By address, the one used last behind all others. */
  readonly #entries = new Map<string, Entry>();

  /**
   * Makes an empty one.
   *
   * @param max Addresses at most; some kilobytes each.
   */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Finds what is known.
   *
   * @param wanted Route, address and time.
   * @returns The vaultbox; undefined if the database has to be asked.
   */
  find(wanted: Wanted): KnownVaultbox | undefined {
    const { route, acceptedAt } = wanted;
    const address = addressOf(wanted);
    const entry = this.#entries.get(address);
    if (entry === undefined || !isSince(acceptedAt, entry.since)) {
      return undefined;
    }
    if (route !== UNROUTED && route !== entry.vaultbox.id) return undefined;
    this.#entries.delete(address);
    this.#entries.set(address, entry);
    return entry.vaultbox;
  }

  /**
   * Keeps what the database has said.
   *
   * @param wanted Route, address and time.
   * @param vaultbox Whose the message is.
   * @param since Since when the address is its own.
   */
  keep(wanted: Wanted, vaultbox: KnownVaultbox, since: Date): void {
    const address = addressOf(wanted);
    this.#entries.delete(address);
    this.#entries.set(address, { vaultbox, since });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#max) break;
      this.#entries.delete(oldest);
    }
  }

  /**
   * Forgets a vaultbox.
   *
   * @param id UUID.
   */
  forget(id: string): void {
    for (const [address, { vaultbox }] of this.#entries) {
      if (vaultbox.id === id) this.#entries.delete(address);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }
}

function addressOf({ alias, domain }: Wanted): string {
  return `${alias}@${domain}`;
}

/**
 * Finds the vaultbox of a delivery.
 *
 * @param app Uses `memory` and `sql`.
 * @param wanted Route, address and time.
 * @returns The vaultbox, as it was at one moment.
 * @throws {AppError} As {@linkcode findRecipient}.
 * @throws {Error} If it has no certificate, or one that cannot be read.
 */
export async function findVaultbox(
  app: Pick<IntakeApp, "memory" | "sql">,
  wanted: Wanted,
): Promise<KnownVaultbox> {
  const known = app.memory.find(wanted);
  if (known !== undefined) return known;
  const { id, version, isFull, since } = await findRecipient(app.sql, wanted);
  const vaultbox = await knownVaultbox(app, { id, version, isFull });
  if (since !== undefined && !isFull) app.memory.keep(wanted, vaultbox, since);
  return vaultbox;
}

/**
 * Finds whom mail is encrypted to that comes without an envelope, as by an
 * import. A vaultbox may be suspended.
 *
 * @param app Uses `sql`.
 * @param vaultboxId UUID.
 * @returns The vaultbox, as it was at one moment.
 * @throws {AppError} `not_found` if it is gone.
 * @throws {Error} If it has no certificate, or one that cannot be read.
 */
export async function getKnownVaultbox(
  app: Pick<IntakeApp, "sql">,
  vaultboxId: string,
): Promise<KnownVaultbox> {
  const { version, isFull } = await getVersion(app.sql, vaultboxId);
  return await knownVaultbox(app, { id: vaultboxId, version, isFull });
}

async function knownVaultbox(
  app: Pick<IntakeApp, "sql">,
  { id, version, isFull }: Pick<KnownVaultbox, "id" | "version" | "isFull">,
): Promise<KnownVaultbox> {
  const certificates = await listRecipients(app.sql, id);
  const [newest] = certificates;
  if (newest === undefined) throw new Error("vaultbox has no certificate");
  const { contentCipher, keyTransport, headerProtection } = newest;
  return {
    id,
    version,
    isFull,
    recipients: certificates.map(storedRecipient),
    policy: { contentCipher, keyTransport, headerProtection },
  };
}

/**
 * Takes a stored certificate apart.
 *
 * One octet that has changed in its name or number would still give mail that
 * its key opens, but that no program finds the key for.
 */
function storedRecipient(
  stored: { publicCertPem: string; fingerprintSha256: string },
): Recipient {
  const recipient = readRecipient(
    pemDecode("CERTIFICATE", stored.publicCertPem),
  );
  if (recipient.fingerprintSha256 !== stored.fingerprintSha256) {
    throw new Error("certificate is not the one that was stored");
  }
  return recipient;
}

/**
 * Has the memory follow the database until it is stopped: changes are told, and
 * what may have been missed is forgotten with each new connection.
 *
 * @param app Uses `memory` and `sql`.
 * @returns What stops it.
 */
export async function followVaultboxes(
  app: Pick<IntakeApp, "memory" | "sql">,
): Promise<() => Promise<void>> {
  const { unlisten } = await app.sql.listen(
    "encimap_vaultbox",
    (id) => app.memory.forget(id),
    () => app.memory.clear(),
  );
  return unlisten;
}
