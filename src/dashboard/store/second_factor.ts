/**
 * The second factor of an account.
 *
 * @module
 */

import { digest } from "../secrets.ts";
import { recoveryCode, totpStep } from "../totp.ts";
import type { Account } from "./accounts.ts";
import type { Store } from "./store.ts";

/**
 * Takes a code: of the app, or for recovery. Each opens once.
 *
 * @param store The store.
 * @param account The account, which asks for codes.
 * @param code What was typed.
 * @param now The time.
 * @returns Whether it was right.
 */
export function takeCode(
  store: Store,
  account: Account,
  code: string,
  now: Date,
): boolean {
  const { id, totpSecret, totpStep: after } = account;
  const step = totpStep(totpSecret!, code.replace(/\s/g, ""), { now, after });
  if (step !== undefined) {
    // Of two requests with the same code one comes first.
    return store.run(
      "update accounts set totp_step = :step where id = :id and totp_step < :step",
      { id, step },
    ) > 0;
  }
  return store.run(
    "delete from recovery_codes where account_id = :id and hash = :hash",
    { id, hash: digest(recoveryCode(code)) },
  ) > 0;
}

/**
 * Begins to ask for codes.
 *
 * @param store The store.
 * @param id The account.
 * @param factor The app's key, the step of the code that has shown that the app
 * has it, and the recovery codes.
 */
export function turnOnCodes(
  store: Store,
  id: string,
  factor: {
    key: Uint8Array;
    step: number;
    recoveryCodes: readonly string[];
  },
): void {
  store.atOnce(() => {
    store.run(
      "update accounts set totp_secret = :key, totp_step = :step where id = :id",
      { id, key: factor.key, step: factor.step },
    );
    store.run("delete from recovery_codes where account_id = :id", { id });
    for (const code of factor.recoveryCodes) {
      store.run("insert into recovery_codes values (:id, :hash)", {
        id,
        hash: digest(code),
      });
    }
  });
}

/**
 * Asks for codes no more.
 *
 * @param store The store.
 * @param id The account.
 */
export function turnOffCodes(store: Store, id: string): void {
  store.atOnce(() => {
    store.run("update accounts set totp_secret = null where id = :id", { id });
    store.run("delete from recovery_codes where account_id = :id", { id });
  });
}
