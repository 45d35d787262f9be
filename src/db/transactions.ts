/**
 * Transactions whose connection may be lost in the middle.
 *
 * @module
 */

import postgres from "postgres";
import type { Pool } from "./connect.ts";

// deno-lint-ignore no-explicit-any
type Run = (tx: any) => unknown;

/**
 * Makes the transactions of the postgres package bear the loss of their
 * connection. Of itself it goes on to write to it: a query that the function
 * makes afterwards, or the ROLLBACK when it fails. That throws where nothing can
 * catch it, so that the process ends, and the connection is never of use again.
 *
 * @param begin The package's own.
 * @returns The same, but a function whose connection is lost can do nothing more
 * with it, and nothing is done for it when it ends. The package has rejected the
 * transaction by then.
 */
export function bearLoss(begin: Pool["begin"]): Pool["begin"] {
  return ((...args: [Run] | [options: string, Run]) => {
    const run = args.at(-1) as Run;
    const options = args.length === 2 ? args[0] : "";
    let isLost = false;
    const transaction = begin(options, async (tx) => {
      const guarded = new Proxy(tx, {
        apply(target, self, args) {
          if (isLost) throw new Error("connection of the transaction is lost");
          return Reflect.apply(target, self, args);
        },
      });
      try {
        const result = await run(guarded);
        if (!isLost) return result;
      } catch (error) {
        if (!isLost && !isLoss(error)) throw error;
      }
      return await new Promise(() => {});
    });
    transaction.catch(() => isLost = true);
    return transaction;
  }) as Pool["begin"];
}

/**
 * Whether the connection is lost by an error, or will be in a moment. A file that
 * cannot be written has such a code, too, but no query, which the package notes
 * where a socket fails; to wait then would be for ever.
 */
function isLoss(error: unknown): boolean {
  if (error instanceof postgres.PostgresError) {
    return ["FATAL", "PANIC"].includes(error.severity);
  }
  if (!(error instanceof Error && "code" in error)) return false;
  const code = String(error.code);
  return code.startsWith("CONNECTION_") ||
    "query" in error && /^E[A-Z]+$/.test(code);
}
