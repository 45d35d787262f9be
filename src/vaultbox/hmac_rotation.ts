/**
 * Another HMAC key over the same messages. One process reads the mail and has
 * the keys, another one may change rows: each goes on as the user that it needs.
 *
 * @module
 */

import { join } from "node:path";
import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { listVaultboxIds } from "../db/backups.ts";
import { type NewHmac, replaceHmacs } from "../db/hmacs.ts";
import { findKnownHmacs } from "../db/verifications.ts";
import { AppError } from "../errors.ts";
import { messageIdOf, UUID_REGEXP } from "../storage/maildir_names.ts";
import {
  fileNames,
  lookAtFile,
  mailDirectories,
} from "../storage/mail_files.ts";
import type { VerifyApp } from "./verify.ts";

/** Vaultboxes that are listed at a time. */
const PAGE = 1000;

/** Rows that are changed at a time. */
const BATCH = 2000;

/** Times that folders are listed, as clients move what is in them. */
const LISTINGS_MAX = 5;

/** Octets that are read at a time. */
const BUFFER_BYTES = 65_536;

/** Octets above which no file is a message. */
const FILE_MAX = 2 ** 31;

const LINE_REGEXP =
  /^([0-9a-f-]{36}) (hmac|id) ([0-9a-f-]{36,64}) ([0-9a-f]{64})$/;

/**
 * Reads all messages and says what their HMAC becomes.
 *
 * @param app What verification needs; its key is the new one.
 * @param former The former key; if it is lost, whatever lies under the name of a
 * message is taken for it.
 * @returns Lines for {@linkcode applyHmacs}.
 */
export async function* scanHmacs(
  app: VerifyApp,
  former: Uint8Array | undefined,
): AsyncGenerator<string> {
  let page: string[];
  let last: string | undefined;
  do {
    page = await listVaultboxIds(app.sql, last, PAGE);
    for (const id of page) yield* scanVaultbox(app, former, id);
    last = page.at(-1);
  } while (page.length === PAGE);
}

async function* scanVaultbox(
  app: VerifyApp,
  former: Uint8Array | undefined,
  vaultboxId: string,
): AsyncGenerator<string> {
  const base = app.config.maildirBasePath;
  const buffer = new Uint8Array(BUFFER_BYTES);
  const hmacOf = async (path: string, key: Uint8Array) => {
    const look = await lookAtFile(path, {
      key,
      buffer,
      isWanted: (bytes) => Promise.resolve(bytes < FILE_MAX),
      rest: () => Promise.resolve(),
    });
    return look.is === "file" ? look.hmac : undefined;
  };
  // The part of a name that stays, whatever a client does to a message.
  const done = new Set<string>();
  let isNew = true;
  for (let i = 0; i < LISTINGS_MAX && isNew; i++) {
    isNew = false;
    const { directories } = await mailDirectories(base, vaultboxId);
    for (const { path } of directories) {
      for (const name of await fileNames(base, path)) {
        const key = name.split(":")[0]!;
        if (done.has(key)) continue;
        isNew = true;
        const file = join(base, path, name);
        const hmac = await hmacOf(file, app.hmacKey);
        if (hmac === undefined) continue;
        const of = former === undefined
          ? messageIdOf(name)
          : await hmacOf(file, former);
        if (former !== undefined && of === undefined) continue;
        done.add(key);
        if (of === undefined) continue;
        yield `${vaultboxId} ${
          former === undefined ? "id" : "hmac"
        } ${of} ${hmac}`;
      }
    }
  }
}

/** What was changed. */
export interface AppliedHmacs {
  /** Messages whose HMAC was changed. */
  readonly changed: number;
  /** Files that are no message as it was stored: altered, or a client's. */
  readonly others: number;
}

/**
 * Changes the rows of messages as {@linkcode scanHmacs} says.
 *
 * @param app Uses `sql`.
 * @param actor Who does it.
 * @param lines What it said.
 * @returns What was changed.
 * @throws {AppError} `invalid_request` for any other line, `conflict` if no file
 * is a message: then the former key was not theirs.
 */
export async function applyHmacs(
  app: Pick<App, "sql">,
  actor: Actor,
  lines: AsyncIterable<string>,
): Promise<AppliedHmacs> {
  let changed = 0;
  let known = 0;
  let others = 0;
  let batch: NewHmac[] = [];
  let of: { vaultboxId: string; by: "hmac" | "id" } | undefined;
  const flush = async (): Promise<void> => {
    if (of === undefined || batch.length === 0) return;
    const { vaultboxId, by } = of;
    changed += await replaceHmacs(app.sql, vaultboxId, by, batch);
    const hmacs = batch.map(({ hmac }) => hmac);
    const found = await findKnownHmacs(app.sql, vaultboxId, hmacs);
    const count = hmacs.filter((hmac) => found.has(hmac)).length;
    known += count;
    others += hmacs.length - count;
    batch = [];
  };
  for await (const line of lines) {
    const [, vaultboxId, by, named, hmac] = LINE_REGEXP.exec(line) ?? [];
    const isKnown = vaultboxId !== undefined && UUID_REGEXP.test(vaultboxId);
    if (!isKnown || by !== "hmac" && by !== "id") {
      throw new AppError("invalid_request", "This is no line of a scan");
    }
    if (vaultboxId !== of?.vaultboxId || batch.length >= BATCH) await flush();
    of = { vaultboxId, by };
    batch.push({ of: named!, hmac: hmac! });
  }
  await flush();
  if (known === 0 && others > 0) {
    throw new AppError(
      "conflict",
      "The former key is not the one that the messages were stored under; nothing was changed",
    );
  }
  await insertAudit(app.sql, actor, {
    action: "hmac_key.rotate",
    userId: null,
    details: {
      messages: changed,
      "former_key": of?.by === "id" ? "lost" : "known",
    },
  });
  return { changed, others };
}
