/**
 * Signing in with a password, and how often that may be tried.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { RateLimit } from "../http/rate_limit.ts";
import { Gate } from "../system/gate.ts";
import { digest } from "./secrets.ts";
import { type Account, findAccount } from "./store/accounts.ts";
import { takeCode } from "./store/second_factor.ts";
import { isKnownDevice } from "./store/sessions.ts";
import type { DashboardWorld } from "./world.ts";

/** Characters of a password, at least. */
export const PASSWORD_MIN = 12;

/** Octets of a password, at most: bcrypt does not look at more. */
export const PASSWORD_MAX_OCTETS = 72;

/** What is typed to sign in: a name or a mail address. */
export const LOGIN_REGEXP: RegExp = /^[a-z0-9][a-z0-9._+@-]{1,253}$/;

/** bcrypt's cost, for passwords that people think of. */
const COST = 12;

/** Attempts that may come at once; then one comes back each minute. */
const ATTEMPTS = 10;

/** Requests of one client address in a minute that compute a hash. */
const CLIENT_ATTEMPTS = 20;

/** How many of one client address wait for a hash, and for how long. */
const LINES = { waitingMax: 10, waitMs: 10_000 };

/** What somebody has typed. */
export interface Attempt {
  /** Name or address. */
  readonly login: string;
  /** The password. */
  readonly password: string;
  /** Code of the second factor; empty if none was typed. */
  readonly code: string;
  /** Cookie of a browser that has signed in before. */
  readonly device: string | undefined;
  /** Address of the client. */
  readonly client: string;
}

/** Checks passwords, and makes their hashes. */
export class SignIn {
  readonly #world: DashboardWorld;
  readonly #strangers = new Gate(1, LINES);
  /** Of those who have shown something: strangers in line do not delay them. */
  readonly #known = new Gate(1, LINES);
  readonly #clients: RateLimit;
  readonly #attempts: RateLimit;
  /** Of a password that nobody has: a login that is not there takes as long. */
  #nobody: Promise<string> | undefined;

  /**
   * Makes it.
   *
   * @param world The dashboard's world.
   */
  constructor(world: DashboardWorld) {
    this.#world = world;
    const clock = (): number => world.now().getTime();
    this.#clients = new RateLimit(CLIENT_ATTEMPTS, clock);
    // A bucket refills within a minute of its clock, which goes ten times slower.
    this.#attempts = new RateLimit(ATTEMPTS, () => clock() / ATTEMPTS);
  }

  /**
   * Checks what somebody has typed.
   *
   * Wrong attempts are counted for each login. A browser that has signed in
   * before has a count of its own: who knows only a login can keep its owner
   * from new browsers, while he goes on, and from nothing else.
   *
   * @param attempt What was typed.
   * @returns The account, or undefined if anything of it is wrong.
   * @throws {AppError} `too_many_requests` with the seconds to wait.
   */
  async check(attempt: Attempt): Promise<Account | undefined> {
    const { store, passwords, now } = this.#world;
    const { login, password, code, device } = attempt;
    this.countClient(attempt.client);
    const account = findAccount(store, login);
    const isKnown = account !== undefined && device !== undefined &&
      isKnownDevice(store, account.id, device);
    // What is no login is nobody's, and may be long.
    if (LOGIN_REGEXP.test(login)) {
      const counted = isKnown ? `device ${digest(device)}` : `login ${login}`;
      take(this.#attempts, counted, ATTEMPTS);
    }
    const hash = account?.passwordHash ?? await this.#hashOfNobody();
    const gate = isKnown ? this.#known : this.#strangers;
    const isRight = await gate.run(
      () => passwords.verify(password, hash),
      attempt.client,
    );
    if (account === undefined || !isRight) return undefined;
    if (account.totpSecret === null) return account;
    return takeCode(store, account, code, now()) ? account : undefined;
  }

  /**
   * Counts a code or a password that somebody who is signed in has typed: who
   * has a session of his alone shall not guess the rest.
   *
   * @param accountId Whose it should be.
   * @throws {AppError} `too_many_requests`.
   */
  countRepeated(accountId: string): void {
    take(this.#attempts, `account ${accountId}`, ATTEMPTS);
  }

  /**
   * Checks the password of somebody who is signed in.
   *
   * @param account Whose it should be.
   * @param password The password.
   * @returns Whether it is.
   * @throws {AppError} As {@linkcode countRepeated}.
   */
  async repeats(account: Account, password: string): Promise<boolean> {
    this.countRepeated(account.id);
    return await this.#known.run(
      () => this.#world.passwords.verify(password, account.passwordHash),
      account.id,
    );
  }

  /**
   * Hashes a new password.
   *
   * @param password The password.
   * @returns bcrypt.
   */
  async hash(password: string): Promise<string> {
    return await this.#known.run(() =>
      this.#world.passwords.hash(password, COST)
    );
  }

  /**
   * Counts a request that costs much.
   *
   * @param client Address of the client.
   * @throws {AppError} `too_many_requests`.
   */
  countClient(client: string): void {
    take(this.#clients, client, 1);
  }

  #hashOfNobody(): Promise<string> {
    return this.#nobody ??= this.hash(crypto.randomUUID());
  }
}

/**
 * Says what is wrong with a new password.
 *
 * @param password The password.
 * @returns `short`, `long`, or undefined if nothing is.
 */
export function passwordProblem(
  password: string,
): "short" | "long" | undefined {
  if ([...password].length < PASSWORD_MIN) return "short";
  const octets = new TextEncoder().encode(password).length;
  return octets > PASSWORD_MAX_OCTETS ? "long" : undefined;
}

/** Takes one of a bucket whose clock goes `slowness` times slower. */
function take(limit: RateLimit, key: string, slowness: number): void {
  const { allowed, retrySeconds } = limit.take(key);
  if (allowed) return;
  throw new AppError("too_many_requests", "Too many attempts", {
    details: { "retry_after": retrySeconds * slowness },
  });
}
