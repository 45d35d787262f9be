/**
 * Tokens on the command line: what checks them, and `token`, which makes them.
 *
 * @module
 */

import { type Config, ConfigError } from "../config.ts";
import { AppError } from "../errors.ts";
import {
  mintToken,
  type Scope,
  SCOPES,
  SUBJECT_REGEXP,
  type TokenRules,
  type TokenSettings,
} from "../http/auth.ts";
import { openTokenKeys, parseTokenKeys } from "../http/token_keys.ts";
import { reason } from "../log.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { parse, userOf } from "./operator.ts";

/** Validity of a token if `--ttl` is left out, in seconds. */
const TTL_SECONDS = 3600;

/**
 * Makes what the API checks tokens with.
 *
 * @param config Settings.
 * @returns Key, audience and the rest.
 * @throws {ConfigError} If the secret is not set or the file of keys is wrong.
 */
export async function tokenSettings(config: Config): Promise<TokenSettings> {
  const { jwtSecret: secret, tokenAlgorithm, tokenKeys } = config;
  if (tokenAlgorithm !== "HS256" && tokenKeys !== undefined) {
    const keys = await openTokenKeys(tokenAlgorithm, tokenKeys)
      .catch(wrongKeys);
    return { ...rulesOf(config), keys };
  }
  if (secret === undefined) {
    throw new ConfigError(["JWT_SECRET or JWT_SECRET_FILE must be set"]);
  }
  return { ...rulesOf(config), secret };
}

/**
 * Checks the file that ENCIMAP_TOKEN_KEYS names. A URL is not fetched.
 *
 * @param config Settings.
 * @param io The process.
 * @throws {ConfigError} If it cannot be read or has no key for the algorithm.
 */
export async function checkTokenKeys(config: Config, io: Io): Promise<void> {
  const { tokenAlgorithm, tokenKeys } = config;
  if (tokenAlgorithm === "HS256" || !tokenKeys?.startsWith("/")) return;
  try {
    await parseTokenKeys(tokenAlgorithm, io.readText(tokenKeys));
  } catch (error) {
    wrongKeys(error);
  }
}

/** `token`. */
export async function runToken(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, {
    service: { type: "boolean" },
    user: { type: "string" },
    sub: { type: "string" },
    scope: { type: "string" },
    ttl: { type: "string" },
  }, 0);
  if ((values["service"] === true) === (values["user"] !== undefined)) {
    throw new UsageError("give either --service or --user");
  }
  const userId = values["service"] === true ? undefined : userOf(values);
  const scopes = scopesOf(values["scope"], userId);
  const subject = values["sub"] as string | undefined;
  if (subject !== undefined && userId !== undefined) {
    throw new UsageError("--sub belongs to --service");
  }
  if (subject !== undefined && !SUBJECT_REGEXP.test(subject)) {
    throw new UsageError("--sub must have 1 to 255 printable ASCII characters");
  }
  const seconds = Number(values["ttl"] ?? TTL_SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new UsageError("--ttl must be a whole number of seconds");
  }
  const config = loadConfig(io);
  const { jwtSecret: secret, tokenAlgorithm, tokenMaxSeconds } = config;
  if (tokenAlgorithm !== "HS256") {
    throw new AppError(
      "unavailable",
      `Tokens are made elsewhere: ENCIMAP_TOKEN_ALGORITHM is ${tokenAlgorithm}, whose private key is not here`,
    );
  }
  if (secret === undefined) {
    throw new AppError("unavailable", "JWT_SECRET is not set");
  }
  if (values["ttl"] !== undefined && seconds > tokenMaxSeconds) {
    throw new UsageError(
      `--ttl must be 1 to ${tokenMaxSeconds}, the ENCIMAP_TOKEN_MAX_SECONDS`,
    );
  }
  io.print(
    await mintToken(
      { ...rulesOf(config), secret },
      { userId, subject, ...(scopes !== undefined && { scopes }) },
      { now: new Date(), seconds: Math.min(seconds, tokenMaxSeconds) },
    ),
  );
  return EXIT.ok;
}

/**
 * Says what every token has to have.
 *
 * @param config Settings.
 * @returns Issuer, audience and longest life.
 */
export function rulesOf(config: Config): TokenRules {
  const { tokenAudience, tokenIssuer, tokenMaxSeconds } = config;
  return {
    audience: tokenAudience,
    issuer: tokenIssuer,
    maxSeconds: tokenMaxSeconds,
  };
}

function scopesOf(
  text: string | boolean | undefined,
  userId: string | undefined,
): ReadonlySet<Scope> | undefined {
  if (text === undefined) return undefined;
  const scopes = String(text).split(/\s+/).map((word) => {
    const scope = SCOPES.find((each) => each === word);
    if (scope !== undefined) return scope;
    throw new UsageError(`--scope must be words of ${SCOPES.join(", ")}`);
  });
  if (userId !== undefined && scopes.includes("admin")) {
    throw new UsageError("--scope admin is for --service alone");
  }
  return new Set(scopes);
}

function wrongKeys(error: unknown): never {
  throw new ConfigError([
    `The file of ENCIMAP_TOKEN_KEYS cannot be used: ${reason(error)}`,
  ]);
}
