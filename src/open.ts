/**
 * Makes the world of a process: the only file that chooses implementations.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import type { App, IntakeApp } from "./app.ts";
import type { Config } from "./config.ts";
import { connect } from "./db/connect.ts";
import { MessageBatches } from "./db/message_batches.ts";
import type { Log } from "./log.ts";
import { ApiMetrics } from "./metrics/api.ts";
import { IntakeMetrics } from "./metrics/intake.ts";
import { dovecotSessions } from "./mta/dovecot.ts";
import { socketIntake } from "./mta/intake.ts";
import { postfixMta } from "./mta/postfix.ts";
import { openKeyPool } from "./storage/key_pool.ts";
import { openPrivateKeys, readKeyFile } from "./storage/private_keys.ts";
import { systemDns } from "./system/dns.ts";
import { importMasterKey } from "./storage/sealed.ts";
import { openSealer } from "./storage/sealer.ts";
import { BcryptThread } from "./system/bcrypt.ts";
import { exec } from "./system/exec.ts";
import { Gate } from "./system/gate.ts";
import { RecipientMemory } from "./vaultbox/recipients.ts";
import type { SubmissionApp } from "./vaultbox/submission.ts";
import type { VerifyApp } from "./vaultbox/verify.ts";

// For the edges, which do not reach below operations.
export { readKeyFile } from "./storage/private_keys.ts";

/** Connections of the API and of the operator's commands, at most. */
const API_CONNECTIONS = 10;

/** Connections of the intake, at most. */
const INTAKE_CONNECTIONS = 8;

/** Of those, how many may wait for locks of vaultboxes. */
const ROWS_ALONE_MAX = 4;

/**
 * Milliseconds that the intake waits for a lock. What it waits for takes the API
 * milliseconds; beyond that Postfix tries again.
 */
const LOCK_TIMEOUT_MS = 3000;

/** Addresses whose vaultboxes the intake keeps in memory. */
const ADDRESSES_KNOWN_MAX = 2000;

/** Connections of verification: one has the lock, one asks. */
const VERIFICATION_CONNECTIONS = 2;

/** Connections of the filter of submission. */
const SUBMISSION_CONNECTIONS = 4;

/** Keys, password hashes and bundles that are made at a time. */
const HEAVY_MAX = 2;

/** Of those, how many of one customer may wait. */
const HEAVY_WAITING_MAX = 200;

/** Seconds in which open queries may end when a process stops. */
const CLOSE_SECONDS = 5;

/**
 * Opens the world of the API and of the operator's commands.
 *
 * @param config Settings.
 * @param log Log.
 * @returns The world; disposing of it closes the databases.
 * @throws {Error} If the master key cannot be read.
 */
export async function openApp(
  config: Config,
  log: Log,
): Promise<App & AsyncDisposable> {
  return await openUnder(config, log, await readKeyFile(config.masterKeyFile));
}

/**
 * Opens the world of `encimap doctor`, also where the master key cannot be read:
 * then nothing opens under the key of this world, and nothing may be stored.
 *
 * @param config Settings.
 * @param log Log.
 * @returns The world; disposing of it closes the databases.
 */
export async function openDoctor(
  config: Config,
  log: Log,
): Promise<App & AsyncDisposable> {
  const masterKey = await readKeyFile(config.masterKeyFile)
    .catch(() => crypto.getRandomValues(new Uint8Array(32)));
  return await openUnder(config, log, masterKey);
}

/** Wipes the key that it is given. */
async function openUnder(
  config: Config,
  log: Log,
  masterKey: Uint8Array<ArrayBuffer>,
): Promise<App & AsyncDisposable> {
  const storeKey = await importMasterKey(masterKey);
  const sealer = await openSealer(masterKey);
  masterKey.fill(0);
  const sql = connect(config.databaseUrl, { max: API_CONNECTIONS });
  const passwords = new BcryptThread();
  const platformSql = config.platform &&
    connect(config.platform.databaseUrl, { max: 2 });
  return {
    config,
    log,
    sql,
    platformSql,
    mta: postfixMta(config.transportMap, exec),
    sessions: dovecotSessions(config.doveadmSocket),
    intake: socketIntake(config.intakeSocket),
    dns: systemDns(),
    privateKeys: openPrivateKeys(config.keysPath, storeKey),
    keyPool: openKeyPool(
      `${config.keysPath}/pool`,
      storeKey,
      config.certKeyKind,
    ),
    sealer,
    passwords,
    profileSigner: async () =>
      config.profileSigner && {
        certificatesPem: await readFile(config.profileSigner.certFile, "utf8"),
        privateKeyPem: await readFile(config.profileSigner.keyFile, "utf8"),
      },
    heavy: new Gate(HEAVY_MAX, { waitingMax: HEAVY_WAITING_MAX }),
    metrics: new ApiMetrics(),
    now: () => new Date(),
    async [Symbol.asyncDispose]() {
      passwords[Symbol.dispose]();
      await sql.end({ timeout: CLOSE_SECONDS });
      await platformSql?.end({ timeout: CLOSE_SECONDS });
    },
  };
}

/**
 * Opens the private keys as they are under another master key.
 *
 * @param config Settings.
 * @param masterKeyFile File with that key.
 * @returns The store and the sealer.
 * @throws {Error} If the key cannot be read.
 */
export async function openKeysUnder(
  config: Config,
  masterKeyFile: string,
): Promise<Pick<App, "privateKeys" | "sealer">> {
  const masterKey = await readKeyFile(masterKeyFile);
  const storeKey = await importMasterKey(masterKey);
  const sealer = await openSealer(masterKey);
  masterKey.fill(0);
  return {
    privateKeys: openPrivateKeys(config.keysPath, storeKey),
    sealer,
  };
}

/**
 * Opens the world of the intake.
 *
 * @param config Settings.
 * @param log Log.
 * @returns The world; disposing of it closes the database.
 * @throws {Error} If the HMAC key, or that of identities, cannot be read.
 */
export async function openIntakeApp(
  config: Config,
  log: Log,
): Promise<IntakeApp & AsyncDisposable> {
  const hmacKey = await readKeyFile(config.hmacKeyFile);
  const idKey = await readIdKey(config) ?? hmacKey;
  const sql = connect(config.databaseUrl, {
    max: INTAKE_CONNECTIONS,
    lockTimeoutMs: LOCK_TIMEOUT_MS,
  });
  const alone = new Gate(ROWS_ALONE_MAX);
  return {
    config,
    log,
    sql,
    hmacKey,
    idKey,
    memory: new RecipientMemory(ADDRESSES_KNOWN_MAX),
    rows: new MessageBatches(sql, (task, id) => alone.run(task, id)),
    metrics: new IntakeMetrics(),
    now: () => new Date(),
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: CLOSE_SECONDS });
    },
  };
}

/** What the first rotation of the HMAC key has left; before it there is none. */
async function readIdKey(
  { hmacKeyFile }: Config,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readKeyFile(`${hmacKeyFile}.ids`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Opens the world of submission.
 *
 * @param config Settings.
 * @param log Log.
 * @returns The world; disposing of it closes the database.
 * @throws {Error} If the master key cannot be read.
 */
export async function openSubmission(
  config: Config,
  log: Log,
): Promise<SubmissionApp & AsyncDisposable> {
  const masterKey = await readKeyFile(config.masterKeyFile);
  const sealer = await openSealer(masterKey);
  masterKey.fill(0);
  const sql = connect(config.databaseUrl, { max: SUBMISSION_CONNECTIONS });
  return {
    config,
    log,
    sql,
    sealer,
    now: () => new Date(),
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: CLOSE_SECONDS });
    },
  };
}

/**
 * Opens the world of verification.
 *
 * @param config Settings.
 * @param log Log.
 * @returns The world; disposing of it closes the database.
 * @throws {Error} If the HMAC key cannot be read: only the mail user may.
 */
export async function openVerification(
  config: Config,
  log: Log,
): Promise<VerifyApp & AsyncDisposable> {
  const hmacKey = await readKeyFile(config.hmacKeyFile);
  const sql = connect(config.databaseUrl, { max: VERIFICATION_CONNECTIONS });
  return {
    config,
    log,
    sql,
    hmacKey,
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: CLOSE_SECONDS });
    },
  };
}
