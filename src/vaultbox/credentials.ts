/**
 * Credentials for IMAP and submission: one user name, two passwords.
 *
 * @module
 */

import bcrypt from "bcryptjs";
import type { Actor, App } from "../app.ts";
import { listAddressesOf } from "../db/addresses.ts";
import { type Change, insertAudit } from "../db/audit.ts";
import type { Db } from "../db/connect.ts";
import {
  type Credential,
  deleteSmtpCredential,
  insertImapCredential,
  insertSmtpCredential,
  type Service,
  updateImapPassword,
  updateSmtpPassword,
} from "../db/credentials.ts";
import { getVaultbox, setUsername, type Vaultbox } from "../db/vaultboxes.ts";
import { reason } from "../log.ts";
import { publishAddresses } from "./routes.ts";

/** A credential with its password, which is shown this once. */
export interface NewCredential extends Credential {
  /** The password. */
  readonly password: string;
}

/** What a mail client shall use for submission; the server's own if left out. */
export interface SubmissionServer {
  /** Host name. */
  readonly host?: string | undefined;
  /** TCP port. */
  readonly port?: number | undefined;
  /** How TLS begins. */
  readonly securityType?: "STARTTLS" | "SSL/TLS" | undefined;
}

/** bcrypt's cost: 2^10 rounds. The passwords have 120 bits of their own. */
const BCRYPT_COST = 10;

/** Letters of passwords and user names: no pair that looks alike. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/** Letters of a password; each has 5 bits. */
const PASSWORD_LETTERS = 24;

/**
 * Makes the credential for IMAP.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * it has one.
 */
export async function createImapCredential(
  app: App,
  actor: Actor,
  vaultboxId: string,
): Promise<NewCredential> {
  const { password, passwordHash } = await newPassword(app, actor, vaultboxId);
  const { id, username } = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor.owner, true);
    const username = await usernameOf(tx, vaultbox);
    const { userId } = vaultbox;
    const row = { vaultboxId, userId, username, passwordHash };
    await insertAudit(tx, actor, credentialChange("create", "imap", vaultbox));
    return { id: await insertImapCredential(tx, row), username };
  });
  app.log.write("info", "credential created", {
    vaultbox: vaultboxId,
    service: "imap",
  });
  return { id, username, password, ...imapServer(app) };
}

/**
 * Makes the credential for submission.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param server What a mail client shall use.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if
 * it has one, `unavailable` if Postfix cannot be told.
 */
export async function createSmtpCredential(
  app: App,
  actor: Actor,
  vaultboxId: string,
  server: SubmissionServer,
): Promise<NewCredential> {
  const { password, passwordHash } = await newPassword(app, actor, vaultboxId);
  const host = server.host ?? app.config.hostname;
  const port = server.port ?? 587;
  const securityType = server.securityType ?? "STARTTLS";
  const { id, username } = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor.owner, true);
    const username = await usernameOf(tx, vaultbox);
    const where = { host, port, securityType };
    const row = { vaultboxId, username, passwordHash, ...where };
    await insertAudit(tx, actor, credentialChange("create", "smtp", vaultbox));
    return { id: await insertSmtpCredential(tx, row), username };
  });
  try {
    await publishSender(app, vaultboxId);
  } catch (error) {
    await deleteSmtpCredential(app.sql, vaultboxId);
    throw error;
  }
  app.log.write("info", "credential created", {
    vaultbox: vaultboxId,
    service: "smtp",
  });
  return { id, username, password, host, port, securityType };
}

/**
 * Gives a credential a new password; sessions opened with the old one end.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param service Which credential.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is no such vaultbox or credential.
 */
export async function regeneratePassword(
  app: App,
  actor: Actor,
  vaultboxId: string,
  service: Service,
): Promise<NewCredential> {
  const { password, passwordHash } = await newPassword(app, actor, vaultboxId);
  const credential = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor.owner, true);
    await insertAudit(
      tx,
      actor,
      credentialChange("regenerate", service, vaultbox),
    );
    return service === "imap"
      ? {
        ...await updateImapPassword(tx, vaultboxId, passwordHash),
        ...imapServer(app),
      }
      : await updateSmtpPassword(tx, vaultboxId, passwordHash);
  }) as Credential;
  app.log.write("info", "password changed", { vaultbox: vaultboxId, service });
  if (service === "imap") {
    try {
      await app.sessions.end(credential.username);
    } catch (error) {
      app.log.write("warn", "sessions could not be ended", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
  return { ...credential, password };
}

function credentialChange(
  verb: string,
  service: Service,
  vaultbox: Vaultbox,
): Change {
  return {
    action: `credential.${verb}`,
    userId: vaultbox.userId,
    vaultboxId: vaultbox.id,
    domain: vaultbox.domain,
    details: { service },
  };
}

/** Lets the user name send as the vaultbox's addresses. */
async function publishSender(app: App, vaultboxId: string): Promise<void> {
  const addresses = await listAddressesOf(app.sql, { vaultboxId });
  await publishAddresses(app, addresses, ["senders"]);
}

async function usernameOf(tx: Db, vaultbox: Vaultbox): Promise<string> {
  if (vaultbox.username !== null) return vaultbox.username;
  for (;;) {
    const domain = vaultbox.domain.replaceAll(".", "-");
    const username = `encimap-${domain}-${randomLetters(6)}`;
    if (await setUsername(tx, vaultbox.id, username)) return username;
  }
}

function imapServer(
  app: Pick<App, "config">,
): { host: string; port: number; securityType: "SSL/TLS" } {
  return { host: app.config.hostname, port: 993, securityType: "SSL/TLS" };
}

/** Makes a password for a vaultbox that is the caller's; hashing is slow. */
async function newPassword(
  app: Pick<App, "heavy" | "sql">,
  actor: Actor,
  vaultboxId: string,
): Promise<{ password: string; passwordHash: string }> {
  await getVaultbox(app.sql, vaultboxId, actor.owner);
  const password = randomLetters(PASSWORD_LETTERS);
  const passwordHash = await app.heavy.run(() =>
    bcrypt.hash(password, BCRYPT_COST)
  );
  return { password, passwordHash };
}

/** The alphabet has 32 letters, so each takes five bits of an octet evenly. */
function randomLetters(count: number): string {
  const octets = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(octets, (octet) => ALPHABET[octet & 31]).join("");
}
