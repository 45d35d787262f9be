/**
 * The guide's credentials: one user name, a password for IMAP and one for
 * submission.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { type Change, insertAudit } from "../db/audit.ts";
import {
  type CredentialRow,
  deleteCredential,
  getCredential,
  insertCredential,
  type MailServer,
  type Service,
  type StoredCredential,
  updatePassword,
  updateSmtpEnabled,
} from "../db/credentials.ts";
import { insertEndingSessions } from "../db/sessions.ts";
import { getVaultbox, type Vaultbox } from "../db/vaultboxes.ts";
import {
  imapServer,
  newPassword,
  publishSender,
  submissionServer,
  unpublishSender,
  usernameOf,
} from "./login.ts";
import { endSessions } from "./sessions.ts";

/** What a user enters in a mail client, besides the password. */
export type Credential = StoredCredential & MailServer;

/** A credential with its password, which is shown this once. */
export type NewCredential = Credential & {
  /** The password. */
  readonly password: string;
};

/** What a mail client shall use for submission; the server's own if left out. */
export interface SubmissionServer {
  /** Host name. */
  readonly host?: string | undefined;
  /** TCP port. */
  readonly port?: number | undefined;
  /** How TLS begins. */
  readonly securityType?: "STARTTLS" | "SSL/TLS" | undefined;
}

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
export function createImapCredential(
  app: App,
  actor: Actor,
  vaultboxId: string,
): Promise<NewCredential> {
  return create(app, actor, vaultboxId, "imap", ({ userId }) => ({ userId }));
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
  const own = submissionServer(app);
  const made = await create(app, actor, vaultboxId, "smtp", () => ({
    host: server.host ?? own.host,
    port: server.port ?? own.port,
    securityType: server.securityType ?? own.securityType,
  }));
  try {
    await publishSender(app, vaultboxId);
  } catch (error) {
    await remove(app, actor, vaultboxId, "smtp", "credential.create.undo");
    throw error;
  }
  return made;
}

async function create(
  app: App,
  actor: Actor,
  vaultboxId: string,
  service: Service,
  more: (vaultbox: Vaultbox) => Partial<CredentialRow>,
): Promise<NewCredential> {
  const { password, passwordHash } = await newPassword(app, actor, vaultboxId);
  const stored = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const username = await usernameOf(tx, vaultbox);
    const row = { vaultboxId, username, passwordHash, ...more(vaultbox) };
    const credential = await insertCredential(tx, service, row);
    if (service === "smtp") await updateSmtpEnabled(tx, vaultboxId);
    await insertAudit(tx, actor, changeOf("create", service, vaultbox));
    return credential;
  }) as StoredCredential;
  app.log.write("info", "credential created", {
    vaultbox: vaultboxId,
    service,
  });
  return { ...imapServer(app), ...stored, password };
}

/**
 * Shows a credential.
 *
 * @param app Uses `config` and `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param service Which credential.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is no such vaultbox or credential.
 */
export async function showCredential(
  app: Pick<App, "config" | "sql">,
  actor: Actor,
  vaultboxId: string,
  service: Service,
): Promise<Credential> {
  await getVaultbox(app.sql, vaultboxId, actor);
  const { owner } = actor;
  const stored = await getCredential(app.sql, vaultboxId, owner, service);
  return { ...imapServer(app), ...stored };
}

/**
 * Deletes a credential. It opens nothing from then on; IMAP sessions end, and
 * the vaultbox's user name may send only if another credential lets it.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param service Which credential.
 * @throws {AppError} `not_found` if there is no such vaultbox or credential.
 */
export async function removeCredential(
  app: App,
  actor: Actor,
  vaultboxId: string,
  service: Service,
): Promise<void> {
  await remove(app, actor, vaultboxId, service, "credential.delete");
  app.log.write("info", "credential deleted", {
    vaultbox: vaultboxId,
    service,
  });
  if (service === "imap") return await endSessions(app, vaultboxId);
  await unpublishSender(app, vaultboxId);
}

async function remove(
  app: App,
  actor: Actor,
  vaultboxId: string,
  service: Service,
  action: string,
): Promise<void> {
  await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    await deleteCredential(tx, vaultboxId, actor.owner, service);
    if (service === "smtp") await updateSmtpEnabled(tx, vaultboxId);
    else await insertEndingSessions(tx, vaultboxId, vaultbox.username);
    const change = changeOf("delete", service, vaultbox);
    await insertAudit(tx, actor, { ...change, action });
  });
}

/**
 * Gives a credential a new password; IMAP sessions end.
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
  const stored = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const change = { service, passwordHash };
    const { owner } = actor;
    const credential = await updatePassword(tx, vaultboxId, owner, change);
    if (service === "imap") {
      await insertEndingSessions(tx, vaultboxId, vaultbox.username);
    }
    await insertAudit(tx, actor, changeOf("regenerate", service, vaultbox));
    return credential;
  }) as StoredCredential;
  app.log.write("info", "password changed", { vaultbox: vaultboxId, service });
  await endSessions(app, vaultboxId);
  return { ...imapServer(app), ...stored, password };
}

function changeOf(verb: string, service: Service, vaultbox: Vaultbox): Change {
  return {
    action: `credential.${verb}`,
    userId: vaultbox.userId,
    vaultboxId: vaultbox.id,
    domain: vaultbox.domain,
    details: { service },
  };
}
