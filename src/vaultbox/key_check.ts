/**
 * Does the master key open the private keys that should be here?
 *
 * @module
 */

import type { App } from "../app.ts";
import { type KeptKey, listKept } from "../db/certificates.ts";
import { type DkimKey, listAllDkimKeys } from "../db/dkim_keys.ts";
import { openDkimKey } from "./dkim.ts";

/** Keys that are listed at a time. */
const PAGE = 1000;

/** What was found of the keys. */
export interface KeyCheck {
  /** Keys that open. */
  readonly good: number;
  /** Keys that the master key does not open, or that are damaged. */
  readonly unreadable: readonly KeptKey[];
  /** Keys whose file is not there. */
  readonly missing: readonly KeptKey[];
  /** Keys of outgoing mail that it does not open. */
  readonly unreadableDkim: readonly DkimKey[];
}

/**
 * Opens every private key that should be here.
 *
 * @param app Uses `privateKeys`, `sealer` and `sql`.
 * @param progress Is told how many were opened, after each thousand.
 * @returns What was found. One that is destroyed meanwhile counts as missing.
 */
export async function checkKeys(
  app: Pick<App, "privateKeys" | "sealer" | "sql">,
  progress: (count: number) => void = () => {},
): Promise<KeyCheck> {
  let good = 0;
  const unreadable: KeptKey[] = [];
  const missing: KeptKey[] = [];
  for await (const name of keptKeys(app)) {
    try {
      const key = await app.privateKeys.read(name);
      key?.fill(0);
      if (key === undefined) missing.push(name);
      else if (++good % PAGE === 0) progress(good);
    } catch (error) {
      // What WebCrypto says of a wrong key and of damage.
      if (!(error instanceof DOMException)) throw error;
      unreadable.push(name);
    }
  }
  const unreadableDkim: DkimKey[] = [];
  for (const row of await listAllDkimKeys(app.sql)) {
    const key = await openDkimKey(app.sealer, row);
    if (key === undefined) unreadableDkim.push(row);
    key?.fill(0);
  }
  return { good, unreadable, missing, unreadableDkim };
}

/**
 * Lists the private keys that should be here, however many they are.
 *
 * @param app Uses `sql`.
 * @returns The keys.
 */
export async function* keptKeys(
  app: Pick<App, "sql">,
): AsyncGenerator<KeptKey> {
  let page: KeptKey[];
  let last: string | undefined;
  do {
    page = await listKept(app.sql, last, PAGE);
    yield* page;
    last = page.at(-1)?.certificateId;
  } while (page.length === PAGE);
}
