/**
 * Sealing: mail that a client has stored in clear is encrypted where it lies.
 *
 * A sealed message is a new one with a UID of its own, and the one in clear is
 * removed: under one UID a message never changes (RFC 3501 section 2.3.1.1).
 *
 * @module
 */

import { join } from "node:path";
import type { IntakeApp } from "../app.ts";
import { runAlone } from "../db/maintenance.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import {
  fileNames,
  mailDirectories,
  type MailDirectory,
  readFound,
} from "../storage/mail_files.ts";
import { compareByTime, messageIdOf } from "../storage/maildir_names.ts";
import { removeIfThere, syncDirectory } from "../system/files.ts";
import { readable, UnreadableMessage, whyLeftOut } from "./left_out.ts";
import { originId, putMessage } from "./put.ts";
import { receive, type Received } from "./receive.ts";
import { recount } from "./recount.ts";

/** Octets of a message that can be sealed: what a row can say. */
const SEALED_MAX = 1_073_741_824;

/** Times that a sealed message was moved or removed, and one in clear was not. */
const GENERATIONS_MAX = 20;

/**
 * Says that messages of a folder were being removed, and Dovecot's cache of texts
 * may still have some of them.
 */
const MARK = "encimap-sealing";

/** Times that a client may rename a message while it is removed. */
const RENAMES_MAX = 10;

/** Folders of messages that are still written, RFC 6154 and Thunderbird. */
const UNFINISHED: ReadonlySet<string> = new Set([".Drafts", ".Templates"]);

/** What sealing has done, or would do. */
export interface SealTally {
  /** Messages that no vaultbox's row names. */
  readonly looked: number;
  /** Of those: sealed, or to be sealed. */
  readonly sealed: number;
  /** Their octets, as they were. */
  readonly bytes: number;
  /** Encrypted by somebody else. */
  readonly encrypted: number;
  /** Drafts, which are left alone. */
  readonly drafts: number;
  /** Could not be read, or are too large. */
  readonly leftOut: number;
  /** Too new, or the time was over. */
  readonly waiting: number;
}

/** The tally before anything was looked at. */
export const NOTHING_TO_SEAL: SealTally = {
  looked: 0,
  sealed: 0,
  bytes: 0,
  encrypted: 0,
  drafts: 0,
  leftOut: 0,
  waiting: 0,
};

/** Who is told. */
export interface SealWatcher {
  /** A message was looked at. */
  looked(tally: SealTally): void;
  /** A message is still in clear, and why. */
  leftOut(path: string, why: string): void;
}

/** How sealing is done. */
export interface SealOptions {
  /** Only look. */
  readonly dryRun: boolean;
  /** Also what is in Drafts or has the flag for it. */
  readonly drafts: boolean;
  /** Directories alone that are looked at, by path from MAILDIR_BASE_PATH on. */
  readonly directories?: ReadonlySet<string>;
  /** Milliseconds that a message must have been left alone. */
  readonly restMs?: number;
  /** Says when to stop, between two messages. */
  readonly isOver?: () => boolean;
  /** Messages that are passed over, by path from MAILDIR_BASE_PATH on. */
  readonly isKnown?: (path: string) => boolean;
  /** Is told of messages that are encrypted already. */
  readonly remember?: (path: string) => void;
}

/**
 * Seals what is in clear in one vaultbox.
 *
 * The message in clear is removed when the sealed one is durable in its folder,
 * so a crash at any point leaves one of them or both, and the next run goes on.
 *
 * @param app The intake's world.
 * @param vaultbox UUID, and the local part of its own address.
 * @param options How.
 * @param watcher Who is told.
 * @returns What was done; undefined if another process is at this vaultbox.
 * @throws {AppError} `unavailable` if another one may be from now on, as the
 * connection that had the lock is lost.
 */
export function sealVaultbox(
  app: IntakeApp,
  vaultbox: { readonly id: string; readonly alias: string },
  options: SealOptions,
  watcher: SealWatcher,
): Promise<SealTally | undefined> {
  return runAlone(app.sql, lockOf(vaultbox.id), async (lost) => {
    const sealing = new Sealing(app, vaultbox, options, watcher, lost);
    const base = app.config.maildirBasePath;
    const { directories } = await mailDirectories(base, vaultbox.id);
    for (const directory of directories) await sealing.seal(directory);
    if (sealing.tally.sealed > 0 && !options.dryRun) {
      await recount(app, vaultbox.id);
    }
    return sealing.tally;
  });
}

/** A number of its own for each vaultbox, of 52 bits. */
function lockOf(vaultboxId: string): number {
  return parseInt(vaultboxId.replaceAll("-", "").slice(0, 13), 16);
}

/** The work on one vaultbox. */
class Sealing {
  readonly tally: { -readonly [K in keyof SealTally]: number } = {
    ...NOTHING_TO_SEAL,
  };
  readonly #app: IntakeApp;
  readonly #vaultbox: { readonly id: string; readonly alias: string };
  readonly #options: SealOptions;
  readonly #watcher: SealWatcher;
  readonly #lost: AbortSignal;
  readonly #base: string;
  /** Whether the folder that is at work has its mark. */
  #isMarked = false;

  constructor(
    app: IntakeApp,
    vaultbox: { readonly id: string; readonly alias: string },
    options: SealOptions,
    watcher: SealWatcher,
    lost: AbortSignal,
  ) {
    this.#app = app;
    this.#vaultbox = vaultbox;
    this.#options = options;
    this.#watcher = watcher;
    this.#lost = lost;
    this.#base = app.config.maildirBasePath;
  }

  /** Seals what is in clear in one directory. */
  async seal({ folder, path }: MailDirectory): Promise<void> {
    const { directories, isOver } = this.#options;
    if (folder === undefined || directories?.has(path) === false) return;
    const home = join(path, "..");
    this.#isMarked = await this.#isFile(join(home, MARK));
    // A run that was killed has left it; again behind what comes now.
    if (this.#isMarked && !this.#options.dryRun) await this.#forgetTexts(home);
    const names = (await fileNames(this.#base, path))
      // What has a name of ours was stored by us; `verify` says if it is whole.
      .filter((name) => !name.startsWith(".") && !messageIdOf(name))
      .sort(compareByTime);
    for (const name of names) {
      if (this.#options.isKnown?.(join(path, baseOf(name)))) continue;
      if (isOver?.()) {
        this.tally.waiting++;
        break;
      }
      this.tally.looked++;
      await this.#sealFile({ folder, directory: path, name });
      this.#watcher.looked(this.tally);
    }
    if (!this.#isMarked || this.#options.dryRun) return;
    await syncDirectory(join(this.#base, path));
    await this.#forgetTexts(home);
  }

  /** To be called before anything is removed: a crash must not hide what is left. */
  async #mark(directory: string): Promise<void> {
    if (this.#isMarked) return;
    const home = join(this.#base, directory, "..");
    await Deno.writeTextFile(join(home, MARK), "", { mode: 0o600 });
    await syncDirectory(home);
    this.#isMarked = true;
  }

  /** Dovecot keeps the first words of messages that a client has asked for. */
  async #forgetTexts(home: string): Promise<void> {
    const path = join(this.#base, home);
    await removeIfThere(join(path, "dovecot.index.cache"));
    await syncDirectory(path);
    await removeIfThere(join(path, MARK));
    this.#isMarked = false;
  }

  /**
   * To be called before anything is removed: of two processes that seal the same
   * message, the second would take what the first has removed for expunged by its
   * owner, and remove the sealed one, too.
   */
  #mustBeAlone(): void {
    if (!this.#lost.aborted) return;
    throw new AppError("unavailable", "The lock of the vaultbox is lost");
  }

  async #sealFile(file: ClearFile): Promise<void> {
    this.#mustBeAlone();
    const { folder, directory, name } = file;
    const flags = /:2,([A-Za-z]*)/.exec(name)?.[1];
    if (!this.#options.drafts) {
      if (UNFINISHED.has(folder) || flags?.includes("D")) {
        this.tally.drafts++;
        return;
      }
    }
    const path = join(directory, name);
    const found = await readFound(join(this.#base, path));
    if (found.is === "gone") return;
    if (found.is !== "file") {
      this.#leaveOut(path, WHY[found.is]);
      return;
    }
    await using open = found;
    const octets = open.bytes;
    const restedMs = Date.now() - open.renamed.getTime();
    if (restedMs < (this.#options.restMs ?? 0)) {
      this.tally.waiting++;
      return;
    }
    try {
      await using message = await receive(this.#app, readable(open.chunks()), {
        maxOctets: SEALED_MAX,
      });
      await this.#sealMessage(file, message, {
        flags: directory.endsWith("/new") ? undefined : flags ?? "",
        modified: open.modified,
        octets,
      });
    } catch (error) {
      const why = isOfFile(error)
        ? `cannot be replaced: ${reason(error)}`
        : whyLeftOut(error, "is too large");
      if (why === undefined) throw error;
      this.#leaveOut(path, why);
    }
  }

  async #sealMessage(
    file: ClearFile,
    message: Received,
    { flags, modified, octets }: {
      flags: string | undefined;
      modified: Date;
      octets: number;
    },
  ): Promise<void> {
    const { folder, directory, name } = file;
    for (let n = 0; n < GENERATIONS_MAX; n++) {
      const put = await putMessage(this.#app, {
        id: originId(
          this.#app.idKey,
          ["seal", this.#vaultbox.id, folder, baseOf(name), String(n)],
          message.digest,
        ),
        vaultbox: this.#vaultbox,
        message,
        placement: { folder, flags, modified },
        isReplacement: true,
        dryRun: this.#options.dryRun,
      });
      if (put.kind === "encrypted") {
        this.tally.encrypted++;
        this.#options.remember?.(join(directory, baseOf(name)));
        return;
      }
      if (put.kind !== "would") {
        // A client may have moved or removed what an earlier run has sealed.
        const sealed = baseOf(put.place.split("/").at(-1)!);
        const place = join(this.#vaultbox.id, "Maildir", put.place);
        const isThere = await this.#isFile(place) ||
          await this.#find(directory, sealed) !== undefined;
        if (!isThere) continue;
        await this.#removeClear(file, sealed);
      }
      this.tally.sealed++;
      this.tally.bytes += octets;
      return;
    }
    this.#leaveOut(join(directory, name), "was sealed, and moved, too often");
  }

  /** Removes a message of which a sealed one is durable in the same folder. */
  async #removeClear(file: ClearFile, sealed: string): Promise<void> {
    let path = join(file.directory, file.name);
    for (let i = 0; i < RENAMES_MAX; i++) {
      this.#mustBeAlone();
      await this.#mark(file.directory);
      try {
        await Deno.remove(join(this.#base, path));
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      // Its flags were changed meanwhile, or it was moved or removed; what its
      // owner did to it is done to the other.
      const renamed = await this.#find(file.directory, baseOf(file.name));
      const own = await this.#find(file.directory, sealed);
      if (renamed === undefined) {
        this.#mustBeAlone();
        if (own !== undefined) await Deno.remove(join(this.#base, own));
        return;
      }
      const flags = /:2,[A-Za-z]*$/.exec(renamed)?.[0] ?? ":2,";
      if (own !== undefined) {
        const to = join(own, "..", "..", "cur", `${sealed}${flags}`);
        await Deno.rename(join(this.#base, own), join(this.#base, to))
          .catch(() => {});
        await syncDirectory(join(this.#base, to, ".."));
      }
      path = renamed;
    }
    throw new UnreadableMessage("it is renamed all the time");
  }

  async #isFile(path: string): Promise<boolean> {
    try {
      return (await Deno.lstat(join(this.#base, path))).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Finds a message in its folder, whatever its flags. */
  async #find(directory: string, base: string): Promise<string | undefined> {
    for (const part of ["new", "cur"]) {
      const path = join(directory, "..", part);
      const names = await fileNames(this.#base, path);
      const name = names.find((each) => baseOf(each) === base);
      if (name !== undefined) return join(path, name);
    }
  }

  #leaveOut(path: string, why: string): void {
    this.tally.leftOut++;
    this.#watcher.leftOut(path, why);
  }
}

/** Whether the system does not let this one file be changed. */
function isOfFile(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return ["EACCES", "EPERM", "EIO"].includes(String(code));
}

/** A message in clear. */
interface ClearFile {
  readonly folder: string;
  /** Directory from MAILDIR_BASE_PATH on. */
  readonly directory: string;
  readonly name: string;
}

const WHY = {
  strange: "is no plain file",
  unreadable: "cannot be read",
} as const;

/** A client changes what follows the colon. */
function baseOf(name: string): string {
  return name.split(":")[0]!;
}
