/**
 * The intake as a process of its own, which can be killed.
 *
 * @module
 */

import { endChild } from "../helpers/child.ts";
import { until } from "../helpers/until.ts";

/** The program that `deno task build` has made. */
const PROGRAM = new URL("../../dist/encimap", import.meta.url).pathname;

/** How a process is started. */
export interface Start {
  /** What stands before the program, as `strace -D …`. */
  readonly under?: readonly string[];
  /** Variables besides those of the world. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path of the program; the built one if left out. */
  readonly program?: string;
}

/** Milliseconds until one that has ended by itself is started again. */
const RESTART_MS = 500;

/** One intake at a time, under a guard as systemd is with Restart=on-failure. */
export class Intake implements AsyncDisposable {
  /** File of its log. */
  readonly log: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #directory: string;
  /** How often it has ended by itself. */
  failures = 0;
  #child: Deno.ChildProcess | undefined;
  #seen = 0;

  /**
   * Prepares an intake; it does not run yet.
   *
   * @param directory Folder for its log; also where it would dump its core.
   * @param env Settings.
   */
  constructor(directory: string, env: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.log = `${directory}/intake.log`;
    this.#env = env;
  }

  /** Id of the process. */
  get pid(): number {
    if (this.#child === undefined) throw new Error("The intake does not run");
    return this.#child.pid;
  }

  /** Starts the process, without waiting until it listens. */
  spawn(start: Start = {}): void {
    if (this.#child !== undefined) throw new Error("The intake runs already");
    this.#seen = this.#count();
    const child = new Deno.Command("/bin/sh", {
      args: [
        ...["-c", `exec "$@" 2>>'${this.log}'`, "sh"],
        ...start.under ?? [],
        ...[start.program ?? PROGRAM, "intake"],
      ],
      cwd: this.#directory,
      clearEnv: true,
      env: { PATH: "/usr/bin:/bin", ...this.#env, ...start.env },
      stdin: "null",
      stdout: "null",
    }).spawn();
    this.#child = child;
    child.status.then(async () => {
      // What strace kills stays dead.
      if (this.#child !== child || start.under !== undefined) return;
      this.failures++;
      await new Promise((resolve) => setTimeout(resolve, RESTART_MS));
      if (this.#child !== child) return;
      this.#child = undefined;
      this.spawn(start);
    });
  }

  /** Starts the process and waits until it listens. */
  async start(start: Start = {}): Promise<void> {
    this.spawn(start);
    await until("the intake listens", () => this.#count() > this.#seen);
  }

  /**
   * Sends a signal and waits for the end.
   *
   * @param signal The signal.
   * @returns Exit status; undefined if it did not run.
   */
  async stop(signal: Deno.Signal): Promise<number | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    this.#child = undefined;
    return await endChild(child, signal);
  }

  /** Kills what still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }

  #count(): number {
    try {
      return Deno.readTextFileSync(this.log).split("event=listening").length;
    } catch {
      return 1;
    }
  }
}
