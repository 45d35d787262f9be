/**
 * One-time links: a person opens one on a device and gets a file for it, without
 * a token.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { listCertificates } from "../db/certificates.ts";
import type { Page, Rows } from "../db/page.ts";
import {
  deleteSetupLink,
  findSetupLink,
  insertSetupLink,
  listSetupLinks,
  restoreSetupLink,
  type SetupLink,
  useSetupLink,
} from "../db/setup_links.ts";
import { EVERYTHING, getVaultbox, type Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { vaultboxBundle, vaultboxPfx } from "./bundle.ts";
import { bundlePassword } from "./bundle_password.ts";
import { isEllipticCurve } from "./bundle_zip.ts";
import { checkUnconfirmedFile } from "./hand_out.ts";
import { vaultboxProfile } from "./profile.ts";

/** A link with its URL, which is shown this once. */
export type NewSetupLink = SetupLink & {
  /** The URL. */
  readonly url: string;
};

/** A link that somebody has opened. */
export interface OpenSetupLink {
  /** The link. */
  readonly link: SetupLink;
  /** Whose keys it gives. */
  readonly vaultbox: Vaultbox;
  /** Address of the vaultbox. */
  readonly address: string;
  /** Whether one of the keys is on an elliptic curve. */
  readonly hasEllipticCurve: boolean;
}

/** What a link can give. */
export type SetupFile = "profile" | "p12" | "p12-compatible" | "bundle";

/** Octets of the secret part of a URL. */
const SECRET_BYTES = 24;

/** What the secret part looks like: base64url. */
const SECRET_REGEXP: RegExp = /^[\w-]{32}$/;

/**
 * Makes a link.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param options How long it can be used, and whether an Apple profile brings a
 * new app credential with it.
 * @returns The link; its URL is stored nowhere.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if its
 * keys are not kept here, if it has too many links, or if nothing is public
 * here.
 */
export async function createSetupLink(
  app: Pick<App, "config" | "log" | "now" | "sql">,
  actor: Actor,
  vaultboxId: string,
  options: { seconds: number; withCredential: boolean },
): Promise<NewSetupLink> {
  const { publicPort, hostname } = app.config;
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
    .toBase64({ alphabet: "base64url" });
  const now = app.now();
  const link = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    await checkUnconfirmedFile(app, tx, vaultbox);
    if (publicPort === undefined) {
      throw new AppError(
        "conflict",
        "Nothing is public here: install.sh --web opens ports 80 and 443",
      );
    }
    const made = await insertSetupLink(tx, {
      vaultboxId,
      tokenHash: hashOf(secret),
      withCredential: options.withCredential,
      expiresAt: new Date(now.getTime() + options.seconds * 1000),
    }, now);
    await audit(tx, actor, "setup_link.create", vaultbox, made);
    return made;
  }) as SetupLink;
  app.log.write("info", "setup link created", { vaultbox: vaultboxId });
  return { ...link, url: `https://${hostname}/setup/${secret}` };
}

/**
 * Lists a vaultbox's links.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param page Which part.
 * @returns The page.
 * @throws {AppError} `not_found` if there is no such vaultbox.
 */
export async function setupLinksOf(
  app: Pick<App, "sql">,
  actor: Actor,
  vaultboxId: string,
  page: Page,
): Promise<Rows<SetupLink>> {
  await getVaultbox(app.sql, vaultboxId, actor);
  return await listSetupLinks(app.sql, vaultboxId, page);
}

/**
 * Takes a link back.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param path UUIDs of the vaultbox and of the link.
 * @throws {AppError} `not_found` if there is no such vaultbox or link.
 */
export async function removeSetupLink(
  app: Pick<App, "sql">,
  actor: Actor,
  path: { vaultboxId: string; id: string },
): Promise<void> {
  await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, path.vaultboxId, actor, true);
    await deleteSetupLink(tx, path.vaultboxId, path.id);
    await audit(tx, actor, "setup_link.delete", vaultbox, path);
  });
}

/**
 * Opens a link, which uses nothing up: programs that show a preview of a URL
 * fetch it before a person does.
 *
 * @param app Uses `now` and `sql`.
 * @param secret Secret part of the URL.
 * @returns Whose it is, and whether a key that it gives is on an elliptic curve.
 * @throws {AppError} `not_found` if it is wrong, used, past its end or taken
 * back, or the vaultbox is not active: all the same.
 */
export async function openSetupLink(
  app: Pick<App, "now" | "sql">,
  secret: string,
): Promise<OpenSetupLink> {
  const link = SECRET_REGEXP.test(secret)
    ? await findSetupLink(app.sql, hashOf(secret), app.now())
    : undefined;
  if (link === undefined) throw new AppError("not_found", "Not found");
  const vaultbox = await getVaultbox(app.sql, link.vaultboxId, EVERYTHING);
  const hasEllipticCurve = (await listCertificates(app.sql, vaultbox.id))
    .some(({ keyState, publicCertPem }) =>
      keyState === "kept" && isEllipticCurve(publicCertPem)
    );
  const address = `${vaultbox.alias}@${vaultbox.domain}`;
  return { link, vaultbox, address, hasEllipticCurve };
}

/**
 * Makes the file that a person has chosen and uses the link up.
 *
 * @param app The world.
 * @param secret Secret part of the URL.
 * @param choice Which file, and its password.
 * @returns The file.
 * @throws {AppError} `not_found` as {@linkcode openSetupLink},
 * `invalid_request` if the password is not allowed, `conflict` if the keys are
 * not here any more. The link can be used again then.
 */
export async function followSetupLink(
  app: App,
  secret: string,
  choice: { file: SetupFile; password: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const { link, vaultbox, address } = await openSetupLink(app, secret);
  const { id, vaultboxId, withCredential } = link;
  await checkUnconfirmedFile(app, app.sql, vaultbox);
  const password = bundlePassword(choice.password, address);
  if (!await useSetupLink(app.sql, id, app.now())) {
    throw new AppError("not_found", "Not found");
  }
  const actor: Actor = {
    owner: undefined,
    name: `setup_link:${id}`,
    isAdmin: true,
    isService: true,
    requestId: undefined,
  };
  const request = { vaultboxId, password };
  try {
    switch (choice.file) {
      case "profile":
        return await vaultboxProfile(app, actor, {
          ...request,
          withCredential,
        });
      case "p12":
        return await vaultboxPfx(app, actor, request, "modern");
      case "p12-compatible":
        return await vaultboxPfx(app, actor, request, "compatible");
      case "bundle":
        return await vaultboxBundle(app, actor, request);
    }
  } catch (error) {
    // Nothing went out. Where this fails, too, the link is lost and no key.
    await restoreSetupLink(app.sql, id);
    throw error;
  }
}

async function audit(
  tx: Parameters<typeof insertAudit>[0],
  actor: Actor,
  action: string,
  vaultbox: Vaultbox,
  link: { id: string },
): Promise<void> {
  await insertAudit(tx, actor, {
    action,
    userId: vaultbox.userId,
    vaultboxId: vaultbox.id,
    domain: vaultbox.domain,
    details: { "link_id": link.id },
  });
}

function hashOf(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
