/**
 * What the operator's commands share. They use the same operations as the API,
 * for any user.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Actor, App } from "../app.ts";
import {
  findVaultboxByAddress,
  getVaultbox,
  type Vaultbox,
} from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { createLog } from "../log.ts";
import { parseAddress } from "../mail/address.ts";
import { openApp } from "../open.ts";
import { type Io, loadConfig, UsageError } from "./command.ts";

/** The operator acts for everybody. */
export const OPERATOR: Actor = {
  owner: undefined,
  name: "operator",
  isAdmin: true,
  isService: true,
  requestId: undefined,
};

/** Options of a command line. */
export type Options = Readonly<Record<string, { type: "string" | "boolean" }>>;

/** A parsed command line. */
export interface Parsed {
  /** Options that were given. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  /** Arguments that are no options. */
  readonly positionals: readonly string[];
}

/**
 * Opens the world with a log that shows only what is wrong.
 *
 * @param io The process.
 * @returns The world.
 */
export async function open(io: Io): Promise<App & AsyncDisposable> {
  const config = loadConfig(io);
  const level = config.logLevel === "info" ? "warn" : config.logLevel;
  return await openApp(config, createLog(io.warn, level));
}

/**
 * Takes a command line apart.
 *
 * @param args Arguments behind the command's name.
 * @param options Known options.
 * @param count Number of arguments that are no options; undefined for any.
 * @returns Options and arguments.
 * @throws {UsageError} If it does not fit.
 */
export function parse(
  args: readonly string[],
  options: Options,
  count: number | undefined,
): Parsed {
  let parsed: Parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    }) as Parsed;
  } catch (error) {
    // Its second sentence is advice about arguments that begin with a dash.
    const [text] = (error as Error).message.split(". ");
    throw new UsageError(text, { cause: error });
  }
  if (count !== undefined && parsed.positionals.length !== count) {
    throw new UsageError(`${count} argument(s) expected`);
  }
  return parsed;
}

/**
 * Finds a vaultbox.
 *
 * @param app Uses `sql`.
 * @param wanted Its own address, or its UUID.
 * @returns The vaultbox.
 * @throws {AppError} `not_found` if there is none.
 */
export async function find(
  app: Pick<App, "sql">,
  wanted: string,
): Promise<Vaultbox> {
  if (UUID_REGEXP.test(wanted)) {
    return await getVaultbox(app.sql, wanted, OPERATOR);
  }
  const address = parseAddress(wanted);
  const found = await findVaultboxByAddress(app.sql, address, undefined);
  if (found === undefined) throw new AppError("not_found", "No such vaultbox");
  return found;
}

/**
 * Writes the own address of a vaultbox.
 *
 * @param vaultbox The vaultbox.
 * @returns The address.
 */
export function addressOf(vaultbox: Vaultbox): string {
  return `${vaultbox.alias}@${vaultbox.domain}`;
}

/**
 * Reads the option `--user`.
 *
 * @param values Options that were given.
 * @returns UUID of the user.
 * @throws {UsageError} If it is not there or no UUID.
 */
export function userOf(values: Parsed["values"]): string {
  const user = values["user"];
  if (typeof user === "string" && UUID_REGEXP.test(user)) {
    return user.toLowerCase();
  }
  throw new UsageError(
    user === undefined ? "--user is missing" : "--user must be a UUID",
  );
}
