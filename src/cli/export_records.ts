/**
 * The first part of an export: everything but the mail itself.
 *
 * @module
 */

import type { App } from "../app.ts";
import { ALIAS_ORDERS, listAliases } from "../db/addresses.ts";
import {
  APP_CREDENTIAL_ORDERS,
  listAppCredentials,
} from "../db/app_credentials.ts";
import { AUDIT_ORDERS, insertAudit, listAudit } from "../db/audit.ts";
import { DOMAIN_ORDERS, listUserDomains } from "../db/domain_claims.ts";
import { listMessages, MESSAGE_ORDERS } from "../db/messages.ts";
import { NEWEST_FIRST, type Order, type Page, type Rows } from "../db/page.ts";
import type { Vaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import {
  auditJson,
  domainJson,
  messageJson,
  vaultboxJson,
} from "../http/answers.ts";
import { generationJson } from "../http/certificate_answers.ts";
import { appCredentialJson } from "../http/credential_answers.ts";
import { vaultboxBundle } from "../vaultbox/bundle.ts";
import { type Generation, listGenerations } from "../vaultbox/generations.ts";
import { exportReadme } from "../vaultbox/export_readme.ts";
import type { ArchivedFile } from "../vaultbox/mail_copy.ts";
import { addressOf, OPERATOR } from "./operator.ts";

/** Rows in one file of an export, and in memory. */
const ROWS_MAX = 5000;

/** What is exported. */
export interface Wanted {
  /** UUID of the customer, if it is all of a customer's. */
  readonly userId: string | undefined;
  /** The vaultboxes. */
  readonly vaultboxes: readonly Vaultbox[];
  /** Password of the bundles. */
  readonly password: string;
}

/** Who is told. */
export interface ExportWatcher {
  /** The next vaultbox. */
  begun(address: string): void;
  /** No key of the vaultbox is in it, and why. */
  withoutKeys(address: string, refusal: AppError): void;
}

/**
 * Makes the first part of an archive: what is known of each vaultbox, and the
 * bundle with its keys. The mail is added by a process that may read it.
 *
 * It is in the audit log before the first octet; keys go out as in a bundle, and
 * are noted as such.
 *
 * @param app The world.
 * @param wanted What is exported.
 * @param watcher Who is told.
 * @yields Files, each with some thousand rows or one bundle.
 */
export async function* exportRecords(
  app: App,
  wanted: Wanted,
  watcher: ExportWatcher,
): AsyncGenerator<ArchivedFile, void> {
  const { userId, vaultboxes } = wanted;
  for (const vaultbox of vaultboxes) {
    await insertAudit(app.sql, OPERATOR, {
      action: "vaultbox.export",
      userId: vaultbox.userId,
      vaultboxId: vaultbox.id,
      domain: vaultbox.domain,
    });
  }
  const { hostname } = app.config;
  yield {
    path: "README.txt",
    content: exportReadme({ hostname, at: app.now() }),
  };
  if (userId !== undefined) {
    yield* lines(DOMAIN_ORDERS.domain, "domains", async (page) => {
      const { rows, next } = await listUserDomains(app.sql, userId, page);
      return { rows: rows.map(domainJson), next };
    });
    yield* lines(AUDIT_ORDERS.id, "audit", async (page) => {
      const { rows, next } = await listAudit(app.sql, userId, page, {});
      return { rows: rows.map(auditJson), next };
    });
  }
  for (const vaultbox of vaultboxes) {
    yield* vaultboxRecords(app, vaultbox, wanted.password, watcher);
  }
}

async function* vaultboxRecords(
  app: App,
  vaultbox: Vaultbox,
  password: string,
  watcher: ExportWatcher,
): AsyncGenerator<ArchivedFile, void> {
  const { id } = vaultbox;
  const address = addressOf(vaultbox);
  watcher.begun(address);
  let keys: string = "bundle.zip";
  try {
    const bundle = await vaultboxBundle(app, OPERATOR, {
      vaultboxId: id,
      password,
    });
    yield { path: `${address}/bundle.zip`, content: bundle };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "conflict") throw error;
    keys = error.message;
    watcher.withoutKeys(address, error);
  }
  const described = {
    ...vaultboxJson(vaultbox, app.config.encryption),
    keys,
  };
  yield {
    path: `${address}/vaultbox.json`,
    content: `${JSON.stringify(described, null, 2)}\n`,
  };
  const certificates: Generation[] = [];
  yield* lines(
    NEWEST_FIRST["-created_at"],
    `${address}/certificates`,
    async (page) => {
      const { rows, next } = await listGenerations(
        app,
        OPERATOR,
        id,
        page,
      );
      certificates.push(...rows);
      return { rows: rows.map(generationJson), next };
    },
  );
  for (const { fingerprintSha256, publicCertPem } of certificates) {
    yield {
      path: `${address}/certificates/${fingerprintSha256}.pem`,
      content: publicCertPem,
    };
  }
  yield* lines(ALIAS_ORDERS.address, `${address}/aliases`, async (p) => {
    const { rows, next } = await listAliases(app.sql, id, p);
    return {
      rows: rows.map((alias) => ({
        address: `${alias.alias}@${alias.domain}`,
        "created_at": alias.createdAt,
      })),
      next,
    };
  });
  yield* lines(
    APP_CREDENTIAL_ORDERS.created_at,
    `${address}/app-credentials`,
    async (page) => {
      const found = await listAppCredentials(app.sql, id, undefined, page);
      const rows = found.rows.map((each) => appCredentialJson(app, each));
      return { rows, next: found.next };
    },
  );
  yield* lines(
    MESSAGE_ORDERS.received_at,
    `${address}/messages`,
    async (page) => {
      const filter = { vaultboxId: id };
      const found = await listMessages(app.sql, undefined, page, filter);
      return { rows: found.rows.map(messageJson), next: found.next };
    },
  );
}

/** Writes a list as files of JSON lines; none if it is empty. */
async function* lines(
  order: Order,
  name: string,
  list: (page: Page) => Promise<Rows<object>>,
): AsyncGenerator<ArchivedFile, void> {
  let after: readonly string[] | undefined;
  for (let n = 1;; n++) {
    const { rows, next } = await list({ limit: ROWS_MAX, order, after });
    if (rows.length === 0) return;
    const number = String(n).padStart(4, "0");
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    yield { path: `${name}-${number}.jsonl`, content: text };
    if (next === undefined) return;
    after = next;
  }
}
