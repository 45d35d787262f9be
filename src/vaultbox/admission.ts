/**
 * Which mail is taken now: what the intake asks before it reads a message.
 *
 * Whatever is refused here stays in Postfix's queue and comes again.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { checkSchema } from "../db/migrate.ts";
import { AppError, toAppError } from "../errors.ts";
import type { Fields } from "../log.ts";
import { MEMORY_OCTETS } from "../mail/message.ts";
import { type FreeSpace, freeSpace } from "../storage/free_space.ts";
import type { Door } from "../metrics/intake.ts";
import { Gate } from "../system/gate.ts";
import { type Place, Places } from "../system/places.ts";
import { DatabasePulse } from "./database_pulse.ts";
import { RefusalLog } from "./refusal_log.ts";

/**
 * Messages that a process works on at a time, whichever door they come by: from
 * their first octet to the answer. Each has at most the head of a message in
 * memory. Postfix starts no more by one transport (master.cf).
 */
export const MESSAGES_MAX = 16;

/**
 * Of these, messages that are larger than what is in memory: they are delivered
 * to one recipient after the other, and small ones go on beside them. Four of 50
 * MB take up to 142 MiB (docs/performance.md).
 */
export const LARGE_MAX = MESSAGES_MAX / 4;

/** Milliseconds that a message may wait for its turn. */
const WAIT_MS = 20_000;

/** Connections of each door. */
const CONNECTIONS_MAX = 200;

/** Each of them may wait with a message of which nothing has been read. */
const LINE = { waitingMax: CONNECTIONS_MAX, waitMs: WAIT_MS };

/** Milliseconds for which the free space is not asked for again. */
const SPACE_KEPT_MS = 1000;

/** Files that must be left: a delivery needs one, a new vaultbox seven. */
const MIN_FREE_FILES = 1000;

/** How busy the intake is. */
export interface Load {
  /** Messages that are worked on. */
  readonly running: number;
  /** Messages that wait for their turn. */
  readonly waiting: number;
  /** Open connections of all doors. */
  readonly connections: number;
  /** Size of the mail store's disk, in octets; undefined if it is not known. */
  readonly totalBytes: number | undefined;
  /** Free space of the mail store, in octets; undefined if it is not known. */
  readonly freeBytes: number | undefined;
}

/** Decides which mail is taken; one for all doors of a process. */
export class Admission {
  readonly #app: Pick<IntakeApp, "config" | "metrics">;
  readonly #gate = new Gate(MESSAGES_MAX, LINE);
  readonly #large = new Gate(LARGE_MAX, LINE);
  readonly #pulse: DatabasePulse;
  readonly #refusals: RefusalLog;
  readonly #running = new Set<Promise<unknown>>();
  readonly #places: Readonly<Record<Door, Places>> = {
    lmtp: new Places(CONNECTIONS_MAX),
    port: new Places(CONNECTIONS_MAX),
    socket: new Places(CONNECTIONS_MAX),
  };
  #space: Promise<FreeSpace> | undefined;
  #spaceAskedAt = -Infinity;

  /**
   * Makes it.
   *
   * @param app Uses `config`, `log`, `metrics` and `sql`.
   */
  constructor(app: Pick<IntakeApp, "config" | "log" | "metrics" | "sql">) {
    this.#app = app;
    let isSchemaRight = false;
    this.#pulse = new DatabasePulse(async () => {
      if (isSchemaRight) return await app.sql`select 1`;
      // The doors are open before the database is there.
      await checkSchema(app.sql);
      isSchemaRight = true;
    });
    this.#refusals = new RefusalLog(app.log);
  }

  /**
   * Takes a place for a connection, if need be from the one whose peer keeps the
   * same door waiting for the longest.
   *
   * @param door Which door; each has places of its own.
   * @param leave Closes the connection.
   * @returns Its place.
   * @throws {AppError} `too_many_requests` if there are too many.
   */
  connection(door: Door, leave: () => void): Place {
    return this.#places[door].take(leave);
  }

  /**
   * Says whether messages wait for their turn.
   *
   * @returns Whether it is so.
   */
  get isCrowded(): boolean {
    return this.#gate.waiting + this.#large.waiting > 0;
  }

  /**
   * Says whether a message could be stored now; asked before it is read.
   *
   * @param octets Its length, if the sender has said it.
   * @throws {AppError} `storage_full`, or `unavailable` if the mail store or the
   * database is.
   */
  async check(octets = 0): Promise<void> {
    await this.checkStorage(octets);
    await this.#pulse.check();
  }

  /**
   * Says within a second whether mail is taken, and why not.
   *
   * @throws {AppError} As {@linkcode check}.
   */
  async checkHealth(): Promise<void> {
    await this.checkStorage();
    await this.#pulse.ask();
  }

  /**
   * Says whether the mail store has room.
   *
   * @param octets Length of a message that is to come.
   * @throws {AppError} `storage_full`, or `unavailable` if it cannot be read.
   */
  async checkStorage(octets = 0): Promise<void> {
    const { bytes, files } = await this.#freeSpace();
    // Base64 makes three octets four, and the message may lie in a spool, too.
    const isFull = bytes - 3 * octets < this.#app.config.minFreeBytes ||
      files < MIN_FREE_FILES;
    if (isFull) throw new AppError("storage_full", "Mail store is full");
  }

  /**
   * Works on one message when its turn comes, from its first octet on.
   *
   * @param door By which door it comes: those of each have their turn.
   * @param work What is to be done; it gives up by itself if the sender stalls.
   * @param octets Its length, if the sender has said it.
   * @returns What it returned.
   * @throws {AppError} `too_many_requests` if too many wait, or it waited too
   * long; whatever `work` throws.
   */
  run<T>(door: Door, work: () => Promise<T>, octets = 0): Promise<T> {
    const began = performance.now();
    const enter = (): Promise<T> =>
      this.#gate.run(() => {
        const seconds = (performance.now() - began) / 1000;
        this.#app.metrics.waited.observe(seconds);
        return work();
      }, door);
    const isLarge = octets > MEMORY_OCTETS;
    const running = isLarge ? this.#large.run(enter, door) : enter();
    const settled = running.then(() => {}, () => {}).finally(() =>
      this.#running.delete(settled)
    );
    this.#running.add(settled);
    return running;
  }

  /** Waits until no message is worked on or waits. */
  async finished(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /**
   * Writes to the log that mail was refused.
   *
   * @param error The failure.
   * @param fields Which mail; no address.
   */
  refused(error: AppError, fields: Fields): void {
    this.#refusals.write(error, fields);
  }

  /**
   * Says how busy the intake is.
   *
   * @returns Messages that are worked on and that wait, open connections, and
   * octets of the mail store, which are undefined if it cannot be read.
   */
  async load(): Promise<Load> {
    const free = await this.#freeSpace().catch(() => undefined);
    return {
      running: this.#gate.running,
      waiting: this.#gate.waiting + this.#large.waiting,
      connections: Object.values(this.#places)
        .reduce((sum, { taken }) => sum + taken, 0),
      totalBytes: free?.totalBytes,
      freeBytes: free?.bytes,
    };
  }

  #freeSpace(): Promise<FreeSpace> {
    const now = performance.now();
    if (this.#space === undefined || now - this.#spaceAskedAt > SPACE_KEPT_MS) {
      this.#spaceAskedAt = now;
      this.#space = freeSpace(this.#app.config.maildirBasePath)
        .catch((error) => {
          const { code } = toAppError(error);
          throw new AppError(
            code === "internal" ? "unavailable" : code,
            "Mail store cannot be read",
            { cause: error },
          );
        });
      // Each who asks gets the failure; nobody may be asking by then.
      this.#space.catch(() => {});
    }
    return this.#space;
  }
}
