/**
 * Rows of messages that are stored at the same time, in one statement and one
 * commit.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { isLockTimeout, isRefusal, type Pool } from "./connect.ts";
import { insertMessages, type MessageRow, whyLeftOut } from "./message_rows.ts";

/** Rows of one statement, at most. */
const BATCH_MAX = 100;

/**
 * Milliseconds for which rows of a vaultbox whose lock was waited for in vain
 * wait for it no more.
 */
const LOCKED_MS = 10_000;

/** What became of a row. */
export type Insertion =
  | { readonly kind: "inserted" }
  /** An earlier attempt at the delivery has a row, with this file. */
  | { readonly kind: "repeated"; readonly file: string }
  /** The vaultbox is gone, or what is known of it has changed. */
  | { readonly kind: "stale" };

/** A row whose turn comes with the next batch. */
interface Waiting {
  readonly row: MessageRow;
  readonly resolve: (insertion: Insertion | Promise<Insertion>) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs a task for a vaultbox, whose id it is given; those of each in turn. */
type Alone = <T>(task: () => Promise<T>, vaultboxId: string) => Promise<T>;

/** Inserts rows: while one batch is under way, the next one gathers. */
export class MessageBatches {
  readonly #sql: Pool;
  readonly #alone: Alone;
  readonly #waiting: Waiting[] = [];
  /** By vaultbox, the one row of it that goes alone; rejects if it is locked. */
  readonly #leaders = new Map<string, Promise<void>>();
  /** By vaultbox, when its lock was waited for in vain, by performance.now(). */
  readonly #lockedAt = new Map<string, number>();
  #isRunning = false;

  /**
   * Makes it.
   *
   * @param sql The pool; it ends waits for locks.
   * @param alone Runs a task and lets few of them have a connection at a time:
   * they may wait for locks, and others need connections, too.
   */
  constructor(sql: Pool, alone: Alone) {
    this.#sql = sql;
    this.#alone = alone;
  }

  /**
   * Says how many rows wait for the next batch.
   *
   * @returns The number.
   */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Inserts a row, unless the delivery has one, and counts the message.
   *
   * @param row Values of the new row.
   * @returns What became of it, when that is committed.
   * @throws {AppError} `vaultbox_full` if the message does not fit, `unavailable`
   * if somebody else keeps the vaultbox or its customer locked. For any
   * other error {@linkcode isRefusal} says whether there may be a row.
   */
  insert(row: MessageRow): Promise<Insertion> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      await this.#store(this.#waiting.splice(0, BATCH_MAX));
    }
    this.#isRunning = false;
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    let stored: Set<string>;
    try {
      const rows = batch.map(({ row }) => row);
      stored = await insertMessages(this.#sql, rows, { waits: false });
    } catch (error) {
      // Without a clear answer there may be rows: nobody may try again here.
      if (!isRefusal(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      stored = new Set();
    }
    for (const { row, resolve } of batch) {
      resolve(
        stored.has(row.storage.file)
          ? { kind: "inserted" }
          : this.#storeLeftOut(row),
      );
    }
  }

  /**
   * Of a vaultbox one row at a time goes alone. It has the others' lock to wait
   * for, too: when it has it they are a batch again, and if not they all fail.
   */
  async #storeLeftOut(row: MessageRow): Promise<Insertion> {
    const { vaultboxId } = row;
    const leader = this.#leaders.get(vaultboxId);
    if (leader !== undefined) {
      await leader;
      return await this.insert(row);
    }
    const lockedAt = this.#lockedAt.get(vaultboxId) ?? -Infinity;
    if (performance.now() - lockedAt < LOCKED_MS) throw locked();
    const stored = this.#alone(() => this.#storeAlone(row), vaultboxId);
    const led = stored.then(() => {}, (error) => {
      if (isLockTimeout(error)) throw locked(error);
    });
    led.catch(() => {});
    this.#leaders.set(vaultboxId, led);
    try {
      return await stored;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      this.#noteLocked(vaultboxId);
      throw locked(error);
    } finally {
      this.#leaders.delete(vaultboxId);
    }
  }

  #noteLocked(vaultboxId: string): void {
    const now = performance.now();
    for (const [id, at] of this.#lockedAt) {
      if (now - at >= LOCKED_MS) this.#lockedAt.delete(id);
    }
    this.#lockedAt.set(vaultboxId, now);
  }

  /** Waits for whoever has the vaultbox locked, and says what is wrong. */
  async #storeAlone(row: MessageRow): Promise<Insertion> {
    const stored = await insertMessages(this.#sql, [row], { waits: true });
    if (stored.size > 0) return { kind: "inserted" };
    const why = await whyLeftOut(this.#sql, row);
    if (why === "full") {
      throw new AppError("vaultbox_full", "Vaultbox is full");
    }
    if (why === "stale") return { kind: "stale" };
    return { kind: "repeated", file: why.file };
  }
}

function locked(cause?: unknown): AppError {
  return new AppError("unavailable", "Vaultbox is locked", { cause });
}
