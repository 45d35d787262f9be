/**
 * Password hashes, made on a thread of their own: bcrypt in JavaScript keeps its
 * thread busy, and the program has requests to answer meanwhile.
 *
 * @module
 */

import { setTimeout } from "node:timers";
import type { Passwords } from "../app.ts";
import { AppError } from "../errors.ts";

/** What the thread is asked. */
export interface HashRequest {
  /** Number of the request. */
  readonly id: number;
  /** The password. */
  readonly password: string;
  /** Logarithm of the rounds of a new hash, or the hash to compare with. */
  readonly by: number | string;
}

/** What the thread answers. */
export interface HashResponse {
  /** Number of the request. */
  readonly id: number;
  /** The new hash; of a comparison the same hash, or nothing. */
  readonly hash: string;
}

/** bcrypt's cost: 2^10 rounds. The passwords have 120 bits of their own. */
const COST = 10;

/** Milliseconds after which a thread that does not answer counts as dead. */
const TIMEOUT_MS = 30_000;

/**
 * The thread's program. The bundle has both as .js side by side; everywhere else
 * they are the .ts files.
 */
const PROGRAM = import.meta.url.endsWith(".ts")
  ? "./bcrypt_worker.ts"
  : "./bcrypt_worker.js";

/** A thread that is started when it is needed, and again when it has died. */
export class BcryptThread implements Passwords, Disposable {
  #worker: Worker | undefined;
  #lastId = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();
  readonly #program: URL;

  /**
   * Makes a thread; nothing is started yet.
   *
   * @param program What it runs; tests bring one that dies.
   */
  constructor(program: URL = new URL(PROGRAM, import.meta.url)) {
    this.#program = program;
  }

  /**
   * Hashes a password.
   *
   * @param password The password.
   * @param cost Logarithm of the rounds.
   * @returns bcrypt.
   * @throws {AppError} `unavailable` if the thread dies meanwhile.
   */
  hash(password: string, cost: number = COST): Promise<string> {
    return this.#ask(password, cost);
  }

  /**
   * Compares a password with a hash.
   *
   * @param password The password.
   * @param hash bcrypt.
   * @returns Whether it is that password's.
   * @throws {AppError} `unavailable` if the thread dies meanwhile.
   */
  async verify(password: string, hash: string): Promise<boolean> {
    return await this.#ask(password, hash) === hash;
  }

  async #ask(password: string, by: number | string): Promise<string> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<string>();
    this.#waiting.set(id, answer);
    const timer = setTimeout(
      () => this.#end(new Error("The thread does not answer")),
      TIMEOUT_MS,
    );
    try {
      this.#worker ??= this.#start();
      const request: HashRequest = { id, password, by };
      this.#worker.postMessage(request);
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Stops the thread; what waits for it fails. */
  [Symbol.dispose](): void {
    this.#end(new Error("The process stops"));
  }

  #start(): Worker {
    const worker = new Worker(this.#program, {
      type: "module",
      // Needs --unstable-worker-options. The thread computes and nothing else.
      deno: { permissions: "none" },
    });
    worker.onmessage = ({ data }: MessageEvent<HashResponse>) =>
      this.#waiting.get(data.id)?.resolve(data.hash);
    worker.onerror = (event) => {
      // Unhandled, it would end the process.
      event.preventDefault();
      if (worker === this.#worker) this.#end(new Error(event.message));
    };
    return worker;
  }

  #end(cause: Error): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) {
      reject(
        new AppError("unavailable", "Passwords cannot be made now", { cause }),
      );
    }
  }
}
