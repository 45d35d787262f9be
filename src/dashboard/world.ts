/**
 * What the dashboard works with.
 *
 * @module
 */

import type { SecretTokenSettings, TokenSettings } from "../http/auth.ts";
import type { Log } from "../log.ts";
import type { Store } from "./store/store.ts";

/** The dashboard's world. */
export interface DashboardWorld {
  /** Origin that browsers know, without a slash at its end. */
  readonly url: string;
  /** Name of the mail server. */
  readonly hostname: string;
  /** URL of the API with its prefix. */
  readonly apiUrl: string;
  /** What tokens for the API are made with. */
  readonly tokens: SecretTokenSettings;
  /** The platform that may sign its users in; undefined where there is none. */
  readonly platform: Platform | undefined;
  /** Accounts and sessions. */
  readonly store: Store;
  /** Hashes of passwords. */
  readonly passwords: PasswordHashes;
  /** The log. */
  readonly log: Log;
  /** The time. */
  readonly now: () => Date;
}

/** A platform that signs its users in. */
export interface Platform {
  /** Origin of its pages. */
  readonly origin: string;
  /** What its tokens are checked with. */
  readonly tokens: TokenSettings;
}

/** Hashes of passwords that people have chosen. */
export interface PasswordHashes {
  /**
   * Hashes a password.
   *
   * @param cost Logarithm of the rounds.
   * @returns bcrypt.
   */
  hash(password: string, cost: number): Promise<string>;
  /**
   * Compares a password with a hash.
   *
   * @returns Whether it is that password's.
   */
  verify(password: string, hash: string): Promise<boolean>;
}
