/**
 * Sessions, and the browsers that have signed in before.
 *
 * @module
 */

import { type Grant, grantOf, type GrantRow, grantRow } from "../roles.ts";
import { digest, newSecret } from "../secrets.ts";
import type { Store } from "./store.ts";

/** Somebody who is signed in. */
export interface Session {
  /** UUID, which names it in lists. */
  readonly id: string;
  /** Account; null where the platform has signed somebody in. */
  readonly accountId: string | null;
  /** Login, or what the platform calls its user. */
  readonly name: string;
  /** What it may do. */
  readonly grant: Grant;
  /** Since when. */
  readonly createdAt: Date;
  /** Last request, to the minute. */
  readonly seenAt: Date;
  /** User-Agent, cut. */
  readonly client: string;
}

/** Milliseconds without a request after which a session ends. */
export const IDLE_MS: number = 2 * 3600_000;

/** Milliseconds after which it ends in any case. */
export const LIFE_MS: number = 12 * 3600_000;

/** Milliseconds for which a browser that does not come again is known. */
const DEVICE_MS = 90 * 86_400_000;

/** Milliseconds between two notes of the last request. */
const SEEN_MS = 60_000;

/** Characters of User-Agent that are kept. */
const CLIENT_MAX = 200;

type Row =
  & GrantRow
  & Omit<Session, "grant" | "createdAt" | "seenAt">
  & { createdAt: number; seenAt: number };

const COLUMNS = `id, account_id as accountId, name, role, user_id as userId,
  vaultbox_id as vaultboxId, created_at as createdAt, seen_at as seenAt, client`;

/** Whether a session has not ended. */
const LIVES = "seen_at > :idle and created_at > :life";

/**
 * Begins a session.
 *
 * @param store The store.
 * @param who Who has signed in, with which browser.
 * @param now The time.
 * @returns The secret for the cookie, which is kept nowhere.
 */
export function insertSession(
  store: Store,
  who: Pick<Session, "accountId" | "name" | "grant" | "client">,
  now: Date,
): string {
  const secret = newSecret();
  store.run(
    `insert into sessions values (:hash, :id, :accountId, :name, :role, :userId,
      :vaultboxId, :now, :now, :client)`,
    {
      hash: digest(secret),
      id: crypto.randomUUID(),
      accountId: who.accountId,
      name: who.name,
      ...grantRow(who.grant),
      now: now.getTime(),
      client: who.client.slice(0, CLIENT_MAX),
    },
  );
  return secret;
}

/**
 * Finds the session of a cookie, and notes that it was used.
 *
 * @param store The store.
 * @param secret Value of the cookie.
 * @param now The time.
 * @returns The session, if it has not ended.
 */
export function findSession(
  store: Store,
  secret: string,
  now: Date,
): Session | undefined {
  const hash = digest(secret);
  const [row] = store.all<Row>(
    `select ${COLUMNS} from sessions where hash = :hash and ${LIVES}`,
    { hash, ...limits(now) },
  );
  if (row === undefined) return undefined;
  if (now.getTime() - row.seenAt >= SEEN_MS) {
    store.run("update sessions set seen_at = :now where hash = :hash", {
      hash,
      now: now.getTime(),
    });
  }
  return sessionOf(row);
}

/**
 * Lists the sessions of an account, the last used first.
 *
 * @param store The store.
 * @param accountId Its UUID.
 * @param now The time.
 * @returns The sessions.
 */
export function listSessions(
  store: Store,
  accountId: string,
  now: Date,
): Session[] {
  return store.all<Row>(
    `select ${COLUMNS} from sessions where account_id = :accountId and ${LIVES}
     order by seen_at desc, id`,
    { accountId, ...limits(now) },
  ).map(sessionOf);
}

/**
 * Ends a session.
 *
 * @param store The store.
 * @param id Its id.
 */
export function deleteSession(store: Store, id: string): void {
  store.run("delete from sessions where id = :id", { id });
}

/**
 * Ends all sessions of an account, and forgets its browsers.
 *
 * @param store The store.
 * @param accountId Its UUID.
 */
export function deleteSessionsOf(store: Store, accountId: string): void {
  store.atOnce(() => {
    for (const table of ["sessions", "devices"]) {
      store.run(`delete from ${table} where account_id = :accountId`, {
        accountId,
      });
    }
  });
}

/**
 * Ends all sessions, one-time links too, as after a restore: some of them had
 * been ended or used since the backup.
 *
 * @param store The store.
 */
export function deleteAllSessions(store: Store): void {
  store.atOnce(() => {
    for (const table of ["sessions", "invitations"]) {
      store.run(`delete from ${table}`);
    }
  });
}

/**
 * Remembers a browser that has signed in.
 *
 * @param store The store.
 * @param accountId The account.
 * @param now The time.
 * @returns The secret for its cookie.
 */
export function insertDevice(
  store: Store,
  accountId: string,
  now: Date,
): string {
  const secret = newSecret();
  const hash = digest(secret);
  store.run("insert into devices values (:hash, :accountId, :now)", {
    hash,
    accountId,
    now: now.getTime(),
  });
  return secret;
}

/**
 * Says whether a browser has signed in to an account before.
 *
 * @param store The store.
 * @param accountId The account.
 * @param secret Value of the browser's cookie.
 * @returns Whether it has.
 */
export function isKnownDevice(
  store: Store,
  accountId: string,
  secret: string,
): boolean {
  return store.all(
    "select 1 from devices where hash = :hash and account_id = :accountId",
    { hash: digest(secret), accountId },
  ).length > 0;
}

/**
 * Marks a token of the platform as used.
 *
 * @param store The store.
 * @param token The token.
 * @param expiresAt Until when it would be valid.
 * @returns Whether it was not used before.
 */
export function spendToken(
  store: Store,
  token: string,
  expiresAt: Date,
): boolean {
  return store.run(
    "insert or ignore into spent_tokens values (:hash, :expiresAt)",
    { hash: digest(token), expiresAt: expiresAt.getTime() },
  ) > 0;
}

/**
 * Deletes what has ended.
 *
 * @param store The store.
 * @param now The time.
 */
export function deleteEnded(store: Store, now: Date): void {
  const at = now.getTime();
  store.run(`delete from sessions where not (${LIVES})`, limits(now));
  for (const table of ["invitations", "spent_tokens"]) {
    store.run(`delete from ${table} where expires_at <= :at`, { at });
  }
  store.run("delete from devices where seen_at <= :at", {
    at: at - DEVICE_MS,
  });
}

function limits(now: Date): { idle: number; life: number } {
  return { idle: now.getTime() - IDLE_MS, life: now.getTime() - LIFE_MS };
}

function sessionOf(row: Row): Session {
  const { role: _role, userId: _userId, vaultboxId: _vaultboxId, ...rest } =
    row;
  return {
    ...rest,
    grant: grantOf(row),
    createdAt: new Date(row.createdAt),
    seenAt: new Date(row.seenAt),
  };
}
