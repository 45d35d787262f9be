/**
 * App credentials: one for each device or program, so that one can be taken away
 * without the others.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import {
  type AppCredential,
  type AppCredentialChange,
  type AppCredentialKey,
  countAppCredentials,
  deleteAppCredential,
  getAppCredential,
  insertAppCredential,
  listAppCredentials,
  updateAppCredential,
  updateAppPassword,
} from "../db/app_credentials.ts";
import { type Change, insertAudit } from "../db/audit.ts";
import type { Db } from "../db/connect.ts";
import { updateSmtpEnabled } from "../db/credentials.ts";
import type { Page, Rows } from "../db/page.ts";
import { insertEndingSessions } from "../db/sessions.ts";
import { getVaultbox, type Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import {
  appLogin,
  newPassword,
  publishSender,
  unpublishSender,
  usernameOf,
} from "./login.ts";
import { endSessions } from "./sessions.ts";

/** An app credential with its password, which is shown this once. */
export type NewAppCredential = AppCredential & {
  /** The password. */
  readonly password: string;
};

/** Which app credential of which vaultbox. */
export interface AppCredentialPath {
  /** UUID. */
  readonly vaultboxId: string;
  /** UUID. */
  readonly id: string;
}

/** App credentials of a vaultbox, at most. */
const PER_VAULTBOX = 50;

/**
 * Makes an app credential.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param input What it shall open, for how long and from where.
 * @returns The credential.
 * @throws {AppError} `invalid_request` if it would have expired, `not_found` if
 * there is no such vaultbox, `conflict` if it has 50, `unavailable` if Postfix
 * cannot be told.
 */
export async function createAppCredential(
  app: App,
  actor: Actor,
  vaultboxId: string,
  input: AppCredentialChange,
): Promise<NewAppCredential> {
  checkExpiry(app, input.expiresAt);
  const { password, passwordHash } = await newPassword(app, actor, vaultboxId);
  const made = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    if (await countAppCredentials(tx, vaultboxId) >= PER_VAULTBOX) {
      throw new AppError(
        "conflict",
        `Vaultbox has ${PER_VAULTBOX} app credentials; delete one first`,
      );
    }
    const username = await usernameOf(tx, vaultbox);
    const row = { ...input, vaultboxId, username, passwordHash };
    const credential = await insert(tx, row);
    if (credential.scope !== "imap") await updateSmtpEnabled(tx, vaultboxId);
    await insertAudit(tx, actor, changeOf("create", vaultbox, credential));
    return credential;
  }) as AppCredential;
  if (made.scope !== "imap") {
    try {
      await publishSender(app, vaultboxId);
    } catch (error) {
      await remove(app, actor, made, "create.undo");
      throw error;
    }
  }
  app.log.write("info", "app credential created", { vaultbox: vaultboxId });
  return { ...made, password };
}

async function insert(
  tx: Db,
  row: Omit<Parameters<typeof insertAppCredential>[1], "login">,
): Promise<AppCredential> {
  for (;;) {
    const login = appLogin(row.username);
    const credential = await insertAppCredential(tx, { ...row, login });
    if (credential !== undefined) return credential;
  }
}

/**
 * Lists a vaultbox's app credentials.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param page Which part.
 * @returns The page.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function appCredentialsOf(
  app: Pick<App, "sql">,
  actor: Actor,
  vaultboxId: string,
  page: Page,
): Promise<Rows<AppCredential>> {
  await getVaultbox(app.sql, vaultboxId, actor);
  return await listAppCredentials(app.sql, vaultboxId, actor.owner, page);
}

/**
 * Shows an app credential.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param path Which.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is no such vaultbox or credential.
 */
export async function showAppCredential(
  app: Pick<App, "sql">,
  actor: Actor,
  path: AppCredentialPath,
): Promise<AppCredential> {
  await getVaultbox(app.sql, path.vaultboxId, actor);
  return await getAppCredential(app.sql, keyOf(actor, path));
}

/**
 * Changes an app credential. IMAP sessions end if it may open less than before.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param path Which.
 * @param change New values; what is undefined stays.
 * @returns The credential.
 * @throws {AppError} `invalid_request` if it would have expired, `not_found` if
 * there is no such vaultbox or credential, `unavailable` if Postfix cannot be
 * told: it is changed then, and the same request can be repeated.
 */
export async function changeAppCredential(
  app: App,
  actor: Actor,
  path: AppCredentialPath,
  change: {
    [K in keyof AppCredentialChange]: AppCredentialChange[K] | undefined;
  },
): Promise<AppCredential> {
  const { vaultboxId } = path;
  const { label, scope, expiresAt, allowedNetworks } = change;
  checkExpiry(app, expiresAt ?? null);
  const changed = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const key = keyOf(actor, path);
    const before = await getAppCredential(tx, key);
    const after = await updateAppCredential(tx, key, {
      label: label ?? before.label,
      scope: scope ?? before.scope,
      expiresAt: expiresAt === undefined ? before.expiresAt : expiresAt,
      allowedNetworks: allowedNetworks === undefined
        ? before.allowedNetworks
        : allowedNetworks,
    });
    const opensLess = after.scope === "smtp" || Array.isArray(allowedNetworks);
    if (before.scope !== "smtp" && opensLess) {
      await insertEndingSessions(tx, vaultboxId, vaultbox.username);
    }
    await updateSmtpEnabled(tx, vaultboxId);
    await insertAudit(tx, actor, changeOf("change", vaultbox, after));
    return after;
  }) as AppCredential;
  app.log.write("info", "app credential changed", { vaultbox: vaultboxId });
  await endSessions(app, vaultboxId);
  if (scope !== undefined) await publishSender(app, vaultboxId);
  return changed;
}

/**
 * Deletes an app credential. It opens nothing from then on; IMAP sessions of the
 * vaultbox end.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param path Which.
 * @throws {AppError} `not_found` if there is no such vaultbox or credential.
 */
export async function removeAppCredential(
  app: App,
  actor: Actor,
  path: AppCredentialPath,
): Promise<void> {
  const { vaultboxId } = path;
  const { scope } = await remove(app, actor, path, "delete");
  app.log.write("info", "app credential deleted", { vaultbox: vaultboxId });
  await endSessions(app, vaultboxId);
  if (scope !== "imap") await unpublishSender(app, vaultboxId);
}

async function remove(
  app: App,
  actor: Actor,
  path: AppCredentialPath,
  verb: string,
): Promise<AppCredential> {
  const { vaultboxId } = path;
  return await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const gone = await deleteAppCredential(tx, keyOf(actor, path));
    if (gone.scope !== "smtp") {
      await insertEndingSessions(tx, vaultboxId, vaultbox.username);
    }
    await updateSmtpEnabled(tx, vaultboxId);
    await insertAudit(tx, actor, changeOf(verb, vaultbox, gone));
    return gone;
  }) as AppCredential;
}

/**
 * Gives an app credential a new password; IMAP sessions of the vaultbox end.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param path Which.
 * @returns The credential.
 * @throws {AppError} `not_found` if there is no such vaultbox or credential.
 */
export async function regenerateAppPassword(
  app: App,
  actor: Actor,
  path: AppCredentialPath,
): Promise<NewAppCredential> {
  const { vaultboxId } = path;
  const { password, passwordHash } = await newPassword(app, actor, vaultboxId);
  const changed = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const key = keyOf(actor, path);
    const credential = await updateAppPassword(tx, key, passwordHash);
    if (credential.scope !== "smtp") {
      await insertEndingSessions(tx, vaultboxId, vaultbox.username);
    }
    await insertAudit(tx, actor, changeOf("regenerate", vaultbox, credential));
    return credential;
  }) as AppCredential;
  app.log.write("info", "password changed", { vaultbox: vaultboxId });
  await endSessions(app, vaultboxId);
  return { ...changed, password };
}

function checkExpiry(app: Pick<App, "now">, expiresAt: Date | null): void {
  if (expiresAt === null || expiresAt > app.now()) return;
  throw new AppError("invalid_request", "expires_at must be in the future", {
    details: { field: "expires_at" },
  });
}

function keyOf(actor: Actor, path: AppCredentialPath): AppCredentialKey {
  return { id: path.id, vaultboxId: path.vaultboxId, owner: actor.owner };
}

function changeOf(
  verb: string,
  vaultbox: Vaultbox,
  { id, label, scope, expiresAt, allowedNetworks }: AppCredential,
): Change {
  return {
    action: `app_credential.${verb}`,
    userId: vaultbox.userId,
    vaultboxId: vaultbox.id,
    domain: vaultbox.domain,
    details: {
      "credential_id": id,
      label,
      scope,
      "expires_at": expiresAt?.toISOString() ?? null,
      "allowed_networks": allowedNetworks?.join(",") ?? null,
    },
  };
}
