/**
 * What all credentials of a vaultbox share: its user name, how passwords are
 * made, the servers, and the right to send.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import type { Db } from "../db/connect.ts";
import type { MailServer } from "../db/credentials.ts";
import { listAddressesOf } from "../db/addresses.ts";
import { getVaultbox, setUsername, type Vaultbox } from "../db/vaultboxes.ts";
import { reason } from "../log.ts";
import { partyOf } from "./key_pool.ts";
import { randomLetters } from "./random_letters.ts";
import { publishAddresses } from "./routes.ts";

/** Letters of a password; each has 5 bits. */
const PASSWORD_LETTERS = 24;

/** Letters that tell user names from each other. */
const SUFFIX_LETTERS = 6;

/**
 * Makes a password for a vaultbox that is the caller's; hashing is slow.
 *
 * @param app Uses `heavy`, `passwords` and `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @returns The password and its bcrypt hash.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function newPassword(
  app: Pick<App, "heavy" | "passwords" | "sql">,
  actor: Actor,
  vaultboxId: string,
): Promise<{ password: string; passwordHash: string }> {
  await getVaultbox(app.sql, vaultboxId, actor);
  const password = randomLetters(PASSWORD_LETTERS);
  const passwordHash = await app.heavy.run(
    () => app.passwords.hash(password),
    partyOf(actor),
  );
  return { password, passwordHash };
}

/**
 * Gives a vaultbox its user name if it has none. The name has no dot.
 *
 * @param tx Transaction that holds the vaultbox's lock.
 * @param vaultbox The vaultbox.
 * @returns Its user name.
 */
export async function usernameOf(tx: Db, vaultbox: Vaultbox): Promise<string> {
  if (vaultbox.username !== null) return vaultbox.username;
  for (;;) {
    const domain = vaultbox.domain.replaceAll(".", "-");
    const username = `encimap-${domain}-${randomLetters(SUFFIX_LETTERS)}`;
    if (await setUsername(tx, vaultbox.id, username)) return username;
  }
}

/**
 * Makes the user name of an app credential: the vaultbox's, a dot and letters.
 * No user name of a vaultbox has a dot; Dovecot and Postfix take one.
 *
 * @param username The vaultbox's user name.
 * @returns A name that is most likely free.
 */
export function appLogin(username: string): string {
  return `${username}.${randomLetters(SUFFIX_LETTERS)}`;
}

/**
 * Lets the vaultbox's user name send as its addresses, or not any more: as the
 * database says.
 *
 * @param app Uses `config`, `mta` and `sql`.
 * @param vaultboxId UUID.
 * @throws {AppError} `unavailable` if Postfix cannot be told.
 */
export async function publishSender(
  app: Pick<App, "config" | "mta" | "sql">,
  vaultboxId: string,
): Promise<void> {
  const addresses = await listAddressesOf(app.sql, { vaultboxId });
  await publishAddresses(app, addresses, ["senders"]);
}

/**
 * Takes the right to send back, if no credential for submission is left. Logins
 * are refused already, so a failure is left to reconciliation.
 *
 * @param app Uses `config`, `log`, `mta` and `sql`.
 * @param vaultboxId UUID.
 */
export async function unpublishSender(
  app: Pick<App, "config" | "log" | "mta" | "sql">,
  vaultboxId: string,
): Promise<void> {
  try {
    await publishSender(app, vaultboxId);
  } catch (error) {
    app.log.write("error", "sender could not be taken back", {
      vaultbox: vaultboxId,
      cause: reason(error),
    });
  }
}

/**
 * Names the server for IMAP.
 *
 * @param app Uses `config`.
 * @returns Where a mail client reads mail.
 */
export function imapServer(app: Pick<App, "config">): MailServer {
  return { host: app.config.hostname, port: 993, securityType: "SSL/TLS" };
}

/**
 * Names the server for submission.
 *
 * @param app Uses `config`.
 * @returns Where a mail client sends mail.
 */
export function submissionServer(app: Pick<App, "config">): MailServer {
  return { host: app.config.hostname, port: 587, securityType: "STARTTLS" };
}
