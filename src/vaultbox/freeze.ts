/**
 * The mail that belongs to a backup, as it was when the database's part of it
 * was.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import {
  type DatabaseSnapshot,
  exportSnapshot,
  listVaultboxIds,
} from "../db/backups.ts";
import type { Db } from "../db/connect.ts";
import { findArrived, findHmacs } from "../db/verifications.ts";
import { AppError } from "../errors.ts";
import {
  freezeMail,
  makeFrozen,
  thawAbandoned,
  type Wanted,
} from "../storage/frozen_mail.ts";
import { lookAtFile } from "../storage/mail_files.ts";
import type { VerifyApp } from "./verify.ts";

/** Vaultboxes that are listed at a time. */
const PAGE = 1000;

/** Messages that are looked up at a time. */
const BATCH = 5000;

/** Stored messages by which it is seen whether the HMAC key is theirs. */
const SAMPLES_MAX = 20;

/** Octets that are read at a time. */
const BUFFER_BYTES = 65_536;

/** Who is told. */
export interface FreezeWatcher {
  /** The database's part may be dumped; the transaction is open. */
  exported(snapshot: DatabaseSnapshot): void | Promise<void>;
  /** After each hundred vaultboxes. */
  progress(so: FrozenMail): void;
  /** Waits until the dump no longer needs the transaction. */
  dumped(): Promise<void>;
}

/** What was frozen. */
export interface FrozenMail {
  /** Vaultboxes. */
  readonly vaultboxes: number;
  /** Messages. */
  readonly files: number;
  /** Vaultboxes that never came to rest: a message may be there twice. */
  readonly restless: number;
}

/**
 * Freezes the mail of all vaultboxes at a moment of the database.
 *
 * The database comes first: a row says that a message is delivered, and its file
 * was durable before, so each row of the snapshot has its file here, unless its
 * owner has expunged it. Files are newer, and what is newer than the snapshot is
 * left out: a file without its row would be foreign, and where it is staged the
 * sweep would remove it. What was sealed since is not new, and stays although it
 * has no row there: without it the message would be missing.
 *
 * @param app What verification needs.
 * @param watcher Who is told.
 * @returns What was frozen; it is there until somebody removes it.
 * @throws {AppError} `conflict` if the HMAC key is not that of the messages.
 */
export function freezeAll(
  app: VerifyApp,
  watcher: FreezeWatcher,
): Promise<FrozenMail> {
  const base = app.config.maildirBasePath;
  const options = "isolation level repeatable read read only";
  return app.sql.begin(options, async (tx): Promise<FrozenMail> => {
    using _held = await makeFrozen(base);
    await watcher.exported(await exportSnapshot(tx));
    const samples = new Samples(app, tx);
    let sum: FrozenMail = { vaultboxes: 0, files: 0, restless: 0 };
    let page: string[];
    let last: string | undefined;
    do {
      page = await listVaultboxIds(tx, last, PAGE);
      for (const id of page) {
        const frozen = await freezeMail(base, id, wanted(app.sql, tx, id));
        await samples.add(id, frozen?.sample);
        sum = {
          vaultboxes: sum.vaultboxes + 1,
          files: sum.files + (frozen?.files ?? 0),
          restless: sum.restless + (frozen?.isExact === false ? 1 : 0),
        };
        if (sum.vaultboxes % 100 === 0) watcher.progress(sum);
      }
      last = page.at(-1);
    } while (page.length === PAGE);
    samples.check();
    await watcher.dumped();
    return sum;
  }) as Promise<FrozenMail>;
}

/**
 * Removes what was frozen for a backup that was killed: it has links to mail that
 * was sealed or expunged since.
 *
 * @param app Uses `config`.
 * @returns False if a backup is being made: then it stays until its end.
 */
export function dropAbandoned(
  { config }: Pick<IntakeApp, "config">,
): Promise<boolean> {
  return thawAbandoned(config.maildirBasePath);
}

/** Asks the snapshot first, and for what it does not know the database of now. */
function wanted(now: Db, then: Db, vaultboxId: string): Wanted {
  return async (ids) => {
    const kinds = new Map<string, "stored" | "newer" | "unknown">();
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH);
      const stored = await findHmacs(then, vaultboxId, batch);
      const others = batch.filter((id) => !stored.has(id));
      const newer = others.length === 0
        ? stored
        : await findArrived(now, vaultboxId, others);
      for (const id of batch) {
        kinds.set(
          id,
          stored.has(id) ? "stored" : newer.has(id) ? "newer" : "unknown",
        );
      }
    }
    return kinds;
  };
}

/** Whether a few messages have the HMAC that their rows say. */
class Samples {
  readonly #app: VerifyApp;
  readonly #tx: Db;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #genuine = 0;
  #others = 0;

  constructor(app: VerifyApp, tx: Db) {
    this.#app = app;
    this.#tx = tx;
  }

  async add(
    vaultboxId: string,
    sample: { readonly path: string; readonly id: string } | undefined,
  ): Promise<void> {
    if (sample === undefined || this.#genuine > 0) return;
    if (this.#others >= SAMPLES_MAX) return;
    const rows = await findHmacs(this.#tx, vaultboxId, [sample.id]);
    const look = await lookAtFile(sample.path, {
      key: this.#app.hmacKey,
      buffer: this.#buffer,
      isWanted: () => Promise.resolve(true),
      rest: () => Promise.resolve(),
    });
    const isGenuine = look.is === "file" && look.hmac === rows.get(sample.id);
    if (isGenuine) this.#genuine++;
    else this.#others++;
  }

  /** One message may have been altered; all of them are not. */
  check(): void {
    if (this.#genuine > 0 || this.#others === 0) return;
    throw new AppError(
      "conflict",
      "The HMAC key is not the one that the messages were stored under; or is its rotation not finished?",
    );
  }
}
