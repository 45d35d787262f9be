/**
 * What operations are given of the outside world. Types only.
 *
 * @module
 */

import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import type { Pool } from "./db/connect.ts";
import type { Gate } from "./system/gate.ts";

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
  /** Whether a change has failed since the maps were read. */
  readonly isDoubtful: boolean;
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
   * Removes keys that may be there.
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
  /** Whether it may set limits; left out, it may not. */
  readonly isAdmin?: boolean;
  /** Whether it is believed when it says whose a domain is. */
  readonly mayClaimDomains: boolean;
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
  /** Private keys. */
  readonly privateKeys: PrivateKeys;
  /** Lets few keys, password hashes and bundles be made at a time. */
  readonly heavy: Gate;
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
  /** Key of fingerprints of deliveries and stored messages, 32 octets. */
  readonly hmacKey: Uint8Array<ArrayBuffer>;
  /** Names of staged files whose delivery is under way in this process. */
  readonly underWay: Set<string>;
  /** The time. */
  readonly now: () => Date;
}
