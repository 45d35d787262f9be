/**
 * The connection pool.
 *
 * @module
 */

import { userInfo } from "node:os";
import { AppError } from "../errors.ts";
import { bearLoss } from "./transactions.ts";
import postgres, { type Sql, type TransactionSql } from "postgres";

/** A pool or an open transaction. */
export type Db = Sql<DbTypes> | TransactionSql<DbTypes>;

/** The pool. */
export type Pool = Sql<DbTypes>;

/** Types of ours that travel in queries. */
export interface DbTypes extends Record<string, unknown> {
  /** int8: counters and sums. */
  bigint: number;
}

/** Where Debian's PostgreSQL has its Unix socket. */
const SOCKET_DIRECTORY = "/run/postgresql";

/** Seconds between two attempts to connect to a database that is away. */
const RECONNECT_SECONDS = 0.5;

/** OIDs in pg_type. */
const INT8 = 20;
const CIDR_ARRAY = 651;
const TEXT_ARRAY = 1009;
const UUID_ARRAY = 2951;

/**
 * Makes a pool; connections are opened when they are needed.
 *
 * @param databaseUrl A postgresql:// URL; see ENCIMAP_DATABASE_URL.
 * @param options `max` is the number of connections at most; a lock is waited
 * for `lockTimeoutMs` milliseconds, else as long as a statement may take, 15 s.
 * @returns The pool.
 */
export function connect(
  databaseUrl: string,
  options: { max: number; lockTimeoutMs?: number },
): Pool {
  const url = new URL(databaseUrl);
  const host = url.searchParams.get("host") ||
    decodeURIComponent(url.hostname) || SOCKET_DIRECTORY;
  const password = decodeURIComponent(url.password);
  const sql: Pool = postgres({
    host,
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)),
    username: decodeURIComponent(url.username) || userInfo().username,
    ...(password ? { password } : {}),
    max: options.max,
    connect_timeout: 5,
    // The package's own default waits up to 20 seconds, since all connections
    // count their failures together, and deliveries wait as long.
    backoff: () => RECONNECT_SECONDS,
    idle_timeout: 60,
    max_lifetime: 3600,
    onnotice: () => {},
    // What the package asks for types of arrays, with each new connection, ends
    // the process if the connection is lost meanwhile.
    fetch_types: false,
    connection: {
      application_name: "encimap",
      statement_timeout: 15_000,
      lock_timeout: options.lockTimeoutMs ?? 0,
      idle_in_transaction_session_timeout: 30_000,
    },
    transform: {
      // Not postgres.camel: that renames keys inside jsonb values as well.
      column: { from: postgres.toCamel, to: postgres.fromCamel },
    },
    types: {
      // Counters and sums of octets stay far below 2^53.
      bigint: {
        to: INT8,
        from: [INT8],
        parse: Number,
        serialize: (value: number) => String(value),
      },
    },
  });
  for (const oid of [CIDR_ARRAY, TEXT_ARRAY, UUID_ARRAY]) {
    sql.options.serializers[oid] = writeArray;
    sql.options.parsers[oid] = readArray;
  }
  sql.begin = bearLoss(sql.begin);
  return sql;
}

/** An array without NULL, PostgreSQL §8.15.6. */
function writeArray(values: readonly string[]): string {
  const quoted = values.map((v) => `"${v.replaceAll(/["\\]/g, "\\$&")}"`);
  return `{${quoted.join()}}`;
}

/** An array of what needs no quotes: no query gives back one of texts. */
function readArray(text: string): string[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",");
}

/**
 * Waits for queries of one transaction that were begun one after the other
 * without waiting for answers, which saves the time between them. They run in
 * the order in which they were begun.
 *
 * @param queries What functions with one query each have returned.
 * @returns What they have returned.
 * @throws What the first one that failed has thrown: those after it only say
 * that the transaction has failed.
 */
export async function pipelined<
  T extends readonly [Promise<unknown>, ...Promise<unknown>[]],
>(queries: T): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }> {
  const outcomes = await Promise.allSettled(queries);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
  return await Promise.all(queries);
}

/**
 * Says whether a query broke a named constraint.
 *
 * @param error What was caught.
 * @param code SQLSTATE of class 23.
 * @returns Whether it is that violation.
 */
export function isViolation(
  error: unknown,
  code: typeof UNIQUE_VIOLATION,
): boolean {
  return error instanceof postgres.PostgresError && error.code === code;
}

/**
 * Says whether the database itself refused, so that nothing of the statement or
 * transaction is there. A lost connection is no such answer: the commit may
 * have happened.
 *
 * @param error What was caught.
 * @returns Whether it is an error that the server sent.
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof AppError || error instanceof postgres.PostgresError;
}

/**
 * Says whether a lock was waited for in vain.
 *
 * @param error What was caught.
 * @returns Whether it is lock_not_available, PostgreSQL Appendix A.
 */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === "55P03";
}

/** SQLSTATE unique_violation, PostgreSQL Appendix A. */
export const UNIQUE_VIOLATION = "23505";
