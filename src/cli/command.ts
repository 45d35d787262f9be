/**
 * What a sub-command is.
 *
 * @module
 */

import { type Config, type Env, parseConfig, parseEnvFile } from "../config.ts";

/** The process as commands see it; tests bring their own. */
export interface Io {
  /** Environment variables. */
  readonly env: Env;
  /** Writes a line to standard output. */
  readonly print: (line: string) => void;
  /** Writes octets to standard output. */
  readonly write: (octets: Uint8Array<ArrayBuffer>) => void;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  /** Writes a line to standard error. */
  readonly warn: (line: string) => void;
  /**
   * Writes over the last line of standard error; the empty text clears it. Not
   * there if that is no terminal.
   */
  readonly progress?: (text: string) => void;
  /** Reads a whole file as text. */
  readonly readText: (path: string) => string;
  /** Standard input, which is read once. */
  readonly stdin: AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** One sub-command. */
export interface Command {
  /** Words that select it, as `config check`. */
  readonly name: string;
  /** Its arguments, as `<vaultbox-id>`. */
  readonly usage: string;
  /** What it does, one line without a period. */
  readonly summary: string;
  /** What `--help` says beyond the summary: options and exit statuses. */
  readonly help?: string;
  /** Runs it; resolves to the exit status. */
  run(args: readonly string[], io: Io): Promise<number>;
}

/** Exit statuses, sysexits.h. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  tempfail: 75,
  config: 78,
} as const;

/** The arguments are wrong; ends with status 64 and the usage. */
export class UsageError extends Error {
  /** Name of the class. */
  override readonly name = "UsageError";
}

/** Where the settings stand if `ENCIMAP_CONFIG_FILE` names no other file. */
const CONFIG_FILE = "/etc/encimap/encimap.env";

/**
 * Reads the variables of the settings file and of the environment, which wins.
 *
 * @param io The process.
 * @returns The variables.
 * @throws {ConfigError} If the file cannot be read or has other lines; a
 * default file that is not there counts as empty.
 */
export function loadEnv(io: Io): Env {
  const named = io.env["ENCIMAP_CONFIG_FILE"];
  let text = "";
  try {
    text = io.readText(named ?? CONFIG_FILE);
  } catch (error) {
    if (named !== undefined || !(error instanceof Deno.errors.NotFound)) {
      throw error;
    }
  }
  return { ...parseEnvFile(text), ...io.env };
}

/**
 * Reads the settings.
 *
 * @param io The process.
 * @returns The settings.
 * @throws {ConfigError} With every problem.
 */
export function loadConfig(io: Io): Config {
  return parseConfig(loadEnv(io), io.readText);
}
