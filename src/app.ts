/**
 * What operations are given of the outside world. Types only.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import type { Pool } from "./db/connect.ts";
import type { MessageBatches } from "./db/message_batches.ts";
import type { ApiMetrics } from "./metrics/api.ts";
import type { IntakeMetrics } from "./metrics/intake.ts";
import type { Gate } from "./system/gate.ts";
import type { RecipientMemory } from "./vaultbox/recipients.ts";

/** Names of Postfix's maps, in the order in which they are changed. */
export type MapName = keyof Maps;

/**
 * Entries of Postfix's maps to set, or to drop where the value is undefined. A
 * map that is left out or empty is not touched.
 */
export type MapChanges = {
  readonly [name in MapName]?: ReadonlyMap<string, string | undefined>;
};

/** What Postfix's maps hold. */
export interface Maps {
  /** Hosted domains; the value does not matter. */
  readonly domains: ReadonlyMap<string, string>;
  /** Address → transport; makes the address known, too. */
  readonly transport: ReadonlyMap<string, string>;
  /** Address → user name that may send as it. */
  readonly senders: ReadonlyMap<string, string>;
  /** Address → answer of the SMTP server to mail for it. */
  readonly refusals: ReadonlyMap<string, string>;
}

/** Postfix's maps. */
export interface Mta {
  /**
   * Whether a change has failed since the maps were read. Whoever could not
   * bring a change as far as here says so as well.
   */
  isDoubtful: boolean;
  /**
   * Changes single entries; running daemons see them at once.
   *
   * @throws {AppError} `unavailable` if a map cannot be changed.
   */
  change(changes: MapChanges): Promise<void>;
  /**
   * Reads all entries.
   *
   * @throws {AppError} `unavailable` if a map cannot be read.
   */
  read(): Promise<Maps>;
  /**
   * Looks whether maps can be changed, without starting a program.
   *
   * @throws {AppError} `unavailable` if one cannot be.
   */
  check(): Promise<void>;
}

/** Dovecot's sessions. */
export interface Sessions {
  /**
   * Ends all sessions of a user name.
   *
   * @throws {AppError} `unavailable` if Dovecot cannot be asked.
   */
  end(username: string): Promise<void>;
}

/** The intake, for mail that the API itself has made. */
export interface Intake {
  /**
   * Stores a message that is encrypted already.
   *
   * @throws {AppError} `unavailable` if it is not stored.
   */
  store(message: {
    /** UUID. */
    readonly vaultboxId: string;
    /** An address of the vaultbox. */
    readonly recipient: string;
    /** The message. */
    readonly octets: Uint8Array<ArrayBuffer>;
  }): Promise<void>;
}

/** DNS. */
export interface Dns {
  /**
   * Looks TXT records up.
   *
   * @param name Domain name.
   * @returns The text of each record; none if there is no such name.
   * @throws {AppError} `unavailable` if DNS does not answer.
   */
  txt(name: string): Promise<string[]>;
  /**
   * Looks records of another type up.
   *
   * @param name Domain name.
   * @param type Type.
   * @returns Each as a zone file has it, in lower case, names with a dot at the
   * end; none if there is no such name.
   * @throws {AppError} `unavailable` if DNS does not answer.
   */
  lookup(
    name: string,
    type: "A" | "AAAA" | "CNAME" | "MX" | "SMIMEA" | "SRV",
  ): Promise<string[]>;
}

/** Password hashes. */
export interface Passwords {
  /**
   * Hashes a password; other requests are answered meanwhile.
   *
   * @returns bcrypt.
   * @throws {AppError} `unavailable` if it cannot be done now.
   */
  hash(password: string): Promise<string>;
}

/** Private keys of vaultboxes, encrypted at rest. */
export interface PrivateKeys {
  /**
   * Stores a key durably.
   *
   * @param name What it belongs to.
   * @param pkcs8 The key, PKCS#8 DER.
   */
  store(name: KeyName, pkcs8: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Reads a key.
   *
   * @returns The key, PKCS#8 DER; undefined if it is not here.
   * @throws {Error} If the file is damaged or belongs to something else.
   */
  read(name: KeyName): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Destroys keys that may be there: overwritten, removed, and durably so when
   * this returns.
   *
   * @param certificateIds UUIDs of the generations.
   */
  remove(certificateIds: readonly string[]): Promise<void>;
  /**
   * Lists what is stored.
   *
   * @returns UUIDs of the generations.
   */
  list(): Promise<string[]>;
}

/** Private keys made ahead, encrypted at rest, each taken once. */
export interface KeyPool {
  /**
   * Takes a key: no other process and no later start gets it again.
   *
   * @returns PKCS#8 DER; undefined if the pool is empty.
   */
  take(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /**
   * Adds a key; {@linkcode KeyPool.trim} was called before.
   *
   * @param pkcs8 The key, PKCS#8 DER.
   */
  put(pkcs8: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Removes what nobody can take and what is too much.
   *
   * @param count Keys that may stay.
   * @returns Keys that are there.
   */
  trim(count: number): Promise<number>;
}

/** Seals what the database must not hold in clear. */
export interface Sealer {
  /**
   * Encrypts and authenticates octets.
   *
   * @param octets What is sealed.
   * @param bound What it belongs to; it opens with the same text alone.
   * @returns The sealed octets.
   */
  seal(
    octets: Uint8Array<ArrayBuffer>,
    bound: string,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Opens what was sealed.
   *
   * @param sealed The sealed octets.
   * @param bound What it belongs to.
   * @returns What was sealed.
   * @throws {Error} If it is damaged or belongs to something else.
   */
  open(
    sealed: Uint8Array<ArrayBuffer>,
    bound: string,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Makes a fingerprint that tells nothing about the octets without the key.
   *
   * @param octets What is told apart.
   * @returns 32 octets.
   */
  fingerprint(
    octets: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** Who signs Apple profiles. */
export interface ProfileSigner {
  /** Its certificate, then those of its issuers, PEM. */
  readonly certificatesPem: string;
  /** Its private key, PEM. */
  readonly privateKeyPem: string;
}

/** What a private key belongs to. */
export interface KeyName {
  /** UUID of the generation. */
  readonly certificateId: string;
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** SHA-256 of the certificate, 64 hexadecimal digits. */
  readonly fingerprintSha256: string;
}

/** Who acts, for `where` clauses and for the audit log. */
export interface Actor {
  /**
   * UUID of the user whose things alone exist for it; undefined is a service or
   * the operator, for whom everybody's do.
   */
  readonly owner: string | undefined;
  /** `service`, `service:<sub>`, `user:<UUID>` or `operator`. */
  readonly name: string;
  /** Whether it may set limits. */
  readonly isAdmin: boolean;
  /**
   * Whether it is a service or the operator: believed when it says whose a domain
   * is, and alone in suspending vaultboxes.
   */
  readonly isService: boolean;
  /** UUID of the request; undefined outside the API. */
  readonly requestId: string | undefined;
}

/** The world of the API and of the operator's commands. */
export interface App {
  /** Settings. */
  readonly config: Config;
  /** Log. */
  readonly log: Log;
  /** The appliance's database. */
  readonly sql: Pool;
  /** The platform's database, if there is one. */
  readonly platformSql: Pool | undefined;
  /** Postfix. */
  readonly mta: Mta;
  /** Dovecot. */
  readonly sessions: Sessions;
  /** The intake. */
  readonly intake: Intake;
  /** DNS. */
  readonly dns: Dns;
  /** Password hashes. */
  readonly passwords: Passwords;
  /** Private keys. */
  readonly privateKeys: PrivateKeys;
  /** Private keys made ahead. */
  readonly keyPool: KeyPool;
  /** Seals answers that are given again. */
  readonly sealer: Sealer;
  /**
   * Reads the certificate and key that sign Apple profiles, anew each time: both
   * are renewed.
   *
   * @returns The signer; undefined if none is set.
   */
  readonly profileSigner: () => Promise<ProfileSigner | undefined>;
  /** Lets few keys, password hashes and bundles be made at a time. */
  readonly heavy: Gate;
  /** What is counted. */
  readonly metrics: ApiMetrics;
  /** The time. */
  readonly now: () => Date;
}

/** The world of the intake; it has no private keys. */
export interface IntakeApp {
  /** Settings. */
  readonly config: Config;
  /** Log. */
  readonly log: Log;
  /** The appliance's database. */
  readonly sql: Pool;
  /** Key of fingerprints of stored messages, 32 octets. */
  readonly hmacKey: Uint8Array<ArrayBuffer>;
  /**
   * Key of what tells one delivery, or one imported message, from another, 32
   * octets: the first HMAC key of the appliance, whatever followed it.
   */
  readonly idKey: Uint8Array<ArrayBuffer>;
  /** What the database has said of vaultboxes. */
  readonly memory: RecipientMemory;
  /** Inserts rows of messages. */
  readonly rows: MessageBatches;
  /** What is counted. */
  readonly metrics: IntakeMetrics;
  /** The time. */
  readonly now: () => Date;
}
