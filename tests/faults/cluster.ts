/**
 * A PostgreSQL of one test's own, which can be stopped and killed.
 *
 * @module
 */

import { connect } from "../../src/db/connect.ts";
import { endChild } from "../helpers/child.ts";
import { run } from "../helpers/openssl.ts";
import { until } from "../helpers/until.ts";

/** A cluster on a Unix socket. */
export class Cluster implements AsyncDisposable {
  /** Folder of the socket and the data. */
  readonly directory: string;
  readonly #bin: string;
  readonly #options: readonly string[];
  #child: Deno.ChildProcess | undefined;

  private constructor(
    directory: string,
    bin: string,
    options: readonly string[],
  ) {
    this.directory = directory;
    this.#bin = bin;
    this.#options = options;
  }

  /**
   * Makes a cluster and starts it.
   *
   * @param options `settings` of postgresql.conf, as `max_connections=20`;
   * `directory` is an empty folder for it.
   * @returns The cluster.
   */
  static async make(
    options: { settings?: readonly string[]; directory?: string } = {},
  ): Promise<Cluster> {
    const directory = options.directory ??
      await Deno.makeTempDir({ prefix: "encimap-pg-" });
    await Deno.chmod(directory, 0o755);
    if (Deno.uid() === 0) await run("chown", ["postgres:", directory], ROOT);
    const found = await run(
      "find",
      ["/usr/lib/postgresql", "-name", "initdb", "-printf", "%h\n"],
      ROOT,
    );
    const bin = new TextDecoder().decode(found).trim().split("\n").sort()
      .at(-1)!;
    const cluster = new Cluster(directory, bin, options.settings ?? []);
    const [program, ...args] = asPostgres(
      ...[`${bin}/initdb`, "--no-sync", "--auth=trust", "-U", "postgres"],
      ...["--encoding=UTF8", "--locale=C.UTF-8", "-D", `${directory}/data`],
    );
    await run(program!, args, ROOT);
    await cluster.start();
    const sql = connect(cluster.url("postgres"), { max: 1 });
    for (const role of ["encimap_owner", "encimap", "vaultmail", "dovecot"]) {
      await sql.unsafe(`create role ${role} login`);
    }
    await sql.end();
    return cluster;
  }

  /** URL of a database for the superuser. */
  url(database: string): string {
    const host = encodeURIComponent(this.directory);
    return `postgresql://postgres@${host}/${database}`;
  }

  /** Starts it, again and again until it takes connections. */
  async start(): Promise<void> {
    const [program, ...args] = asPostgres(
      `${this.#bin}/postgres`,
      ...["-D", `${this.directory}/data`, "-k", this.directory],
      ...["listen_addresses=", "fsync=off", ...this.#options]
        .flatMap((setting) => ["-c", setting]),
    );
    let hasEnded = true;
    await until("PostgreSQL takes connections", async () => {
      // One that was killed leaves processes that hold its memory for a while.
      if (hasEnded) {
        hasEnded = false;
        this.#child = new Deno.Command("sh", {
          args: [
            "-c",
            `exec "$@" 2>>'${this.directory}/log'`,
            "sh",
            program!,
            ...args,
          ],
          cwd: "/",
          stdin: "null",
          stdout: "null",
        }).spawn();
        this.#child.status.then(() => hasEnded = true);
      }
      const sql = connect(this.url("postgres"), { max: 1 });
      try {
        await sql`select 1`;
        return true;
      } catch {
        return false;
      } finally {
        await sql.end({ timeout: 1 });
      }
    });
  }

  /**
   * Stops the whole cluster.
   *
   * @param signal SIGINT ends the sessions in order, SIGQUIT at once; SIGKILL
   * is a crash of the process that all others are children of.
   */
  async stop(signal: "SIGINT" | "SIGQUIT" | "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    await endChild(child, signal);
  }

  /** Stops it and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGQUIT");
    await Deno.remove(this.directory, { recursive: true });
  }
}

const ROOT = { cwd: "/" } as const;

/** PostgreSQL refuses to run as root. */
function asPostgres(...argv: string[]): string[] {
  if (Deno.uid() !== 0) return argv;
  const drop = ["--reuid=postgres", "--regid=postgres", "--init-groups"];
  return ["setpriv", ...drop, ...argv];
}
