/**
 * Worlds for tests: everything that a test did not prepare throws.
 *
 * @module
 */

import type {
  Actor,
  App,
  IntakeApp,
  MapChanges,
  MapName,
  Mta,
  Sessions,
} from "../../src/app.ts";
import { type Config, parseConfig } from "../../src/config.ts";
import { AppError } from "../../src/errors.ts";
import { createLog, type Log } from "../../src/log.ts";
import { connect } from "../../src/db/connect.ts";
import { MessageBatches } from "../../src/db/message_batches.ts";
import { ApiMetrics } from "../../src/metrics/api.ts";
import { IntakeMetrics } from "../../src/metrics/intake.ts";
import { BcryptThread } from "../../src/system/bcrypt.ts";
import { Gate } from "../../src/system/gate.ts";
import { openKeyPool } from "../../src/storage/key_pool.ts";
import { openPrivateKeys } from "../../src/storage/private_keys.ts";
import { importMasterKey } from "../../src/storage/sealed.ts";
import { openSealer } from "../../src/storage/sealer.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { RecipientMemory } from "../../src/vaultbox/recipients.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { type TestDatabase, testDatabase } from "./database.ts";

/** Secret of the tokens of tests. */
export const SECRET = "0123456789abcdef0123456789abcdef";

/** A user. */
export const ALICE = "11111111-1111-4111-8111-111111111111";

/** Another user. */
export const BOB = "22222222-2222-4222-8222-222222222222";

/** A service. */
export const SERVICE: Actor = {
  owner: undefined,
  name: "service",
  isAdmin: true,
  isService: true,
  requestId: undefined,
};

/** A user. */
export function user(userId: string): Actor {
  return {
    owner: userId,
    name: `user:${userId}`,
    isAdmin: false,
    isService: false,
    requestId: undefined,
  };
}

/** A world with a database and temporary folders. */
export interface TestWorld extends AsyncDisposable {
  /** The API's, with the rights of its role. */
  readonly app: App;
  /** The intake's, on the same database, with the rights of its role. */
  readonly intake: IntakeApp;
  /** The database. */
  readonly database: TestDatabase;
  /** Postfix's maps. */
  readonly mta: MemoryMta;
  /** User names whose sessions were ended. */
  readonly ended: string[];
  /** Lines of the log. */
  readonly lines: string[];
  /** Temporary folder. */
  readonly directory: string;
}

/** Postfix's maps in memory; the real ones are tested in tests/interop. */
export interface MemoryMta extends Mta {
  /** Domains. */
  readonly domains: Map<string, string>;
  /** Routes. */
  readonly transport: Map<string, string>;
  /** Senders. */
  readonly senders: Map<string, string>;
  /** Refusals. */
  readonly refusals: Map<string, string>;
  /** Changes of one map each: what costs a run of postmap(1). */
  runs: number;
  /** What the next change throws. */
  refusal: Error | undefined;
  isDoubtful: boolean;
}

/** Settings for tests. */
export function testConfig(env: Record<string, string> = {}): Config {
  return parseConfig(
    {
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_TRANSPORT: "pipe",
      ...env,
    },
    () => {
      throw new Error("The test prepared no file");
    },
  );
}

/** A log that keeps its lines. */
export function testLog(lines: string[]): Log {
  return createLog((line) => lines.push(line), "debug");
}

/** Maps in memory. */
function memoryMta(): MemoryMta {
  const maps = {
    domains: new Map<string, string>(),
    transport: new Map<string, string>(),
    senders: new Map<string, string>(),
    refusals: new Map<string, string>(),
  };
  return {
    ...maps,
    refusal: undefined,
    runs: 0,
    isDoubtful: false,
    change(changes: MapChanges) {
      if (this.refusal !== undefined) {
        this.isDoubtful = true;
        return Promise.reject(this.refusal);
      }
      for (const [name, map] of Object.entries(maps)) {
        const entries = [...changes[name as MapName] ?? []];
        this.runs += new Set(entries.map(([, value]) => value === undefined))
          .size;
        for (const [key, value] of entries) {
          if (value === undefined) map.delete(key);
          else map.set(key, value);
        }
      }
      return Promise.resolve();
    },
    check() {
      if (this.refusal !== undefined) return Promise.reject(this.refusal);
      return Promise.resolve();
    },
    read() {
      this.isDoubtful = false;
      return Promise.resolve(maps);
    },
  };
}

/** Keys of tests that are not about keys, made once for each file of tests. */
const usedKeys: (Promise<Uint8Array<ArrayBuffer>> | undefined)[] = [
  undefined,
  undefined,
  undefined,
];

let taken = 0;

/** Gives three keys in turn: to make one takes longer than most tests. */
async function usedKey(): Promise<Uint8Array<ArrayBuffer>> {
  const number = taken++ % usedKeys.length;
  const key = await (usedKeys[number] ??= generateRsaKey(2048));
  // Whoever takes it wipes it.
  return key.slice();
}

/**
 * Makes a world.
 *
 * @param env Settings that differ from the defaults.
 * @param options With `newKeys` each vaultbox has a key that no other one has;
 * `pgHost` is the directory of another cluster's socket.
 * @returns The world.
 */
export async function testWorld(
  env: Record<string, string> = {},
  options: { newKeys?: boolean; pgHost?: string } = {},
): Promise<TestWorld> {
  const { pgHost } = options;
  const database = await testDatabase(pgHost === undefined ? {} : { pgHost });
  const directory = await Deno.makeTempDir({ prefix: "encimap-" });
  await Deno.mkdir(`${directory}/keys`);
  await Deno.mkdir(`${directory}/mail`);
  const config = testConfig({
    MAILDIR_BASE_PATH: `${directory}/mail`,
    ENCIMAP_KEYS_PATH: `${directory}/keys`,
    JWT_SECRET: SECRET,
    ...env,
  });
  const lines: string[] = [];
  const ended: string[] = [];
  const sessions: Sessions = {
    end(username) {
      ended.push(username);
      return Promise.resolve();
    },
  };
  const mta = memoryMta();
  const intakeSql = connect(database.url("vaultmail"), { max: 4 });
  const apiSql = connect(database.url(), { max: 10 });
  const masterKey = await importMasterKey(new Uint8Array(32).fill(7));
  const keyPool = openKeyPool(
    `${directory}/keys/pool`,
    masterKey,
    config.certKeyKind,
  );
  const passwords = new BcryptThread();
  const intake: IntakeApp = {
    config,
    log: testLog(lines),
    sql: intakeSql,
    hmacKey: new Uint8Array(32).fill(9),
    idKey: new Uint8Array(32).fill(9),
    memory: new RecipientMemory(100),
    rows: new MessageBatches(intakeSql, (task) => task()),
    metrics: new IntakeMetrics(),
    now: () => new Date(),
  };
  const app: App = {
    config,
    log: testLog(lines),
    sql: apiSql,
    platformSql: undefined,
    mta,
    sessions,
    passwords,
    // As the socket does; that itself is in tests/db/intake_test.ts.
    intake: {
      async store({ vaultboxId, recipient, octets }) {
        const queueId = crypto.randomUUID();
        const envelope = { route: vaultboxId, recipient, sender: "", queueId };
        await deliver(intake, { ...envelope, message: received(octets) });
      },
    },
    dns: {
      txt: () => Promise.reject(noDns()),
      lookup: () => Promise.reject(noDns()),
    },
    privateKeys: openPrivateKeys(`${directory}/keys`, masterKey),
    keyPool: options.newKeys ? keyPool : { ...keyPool, take: usedKey },
    sealer: await openSealer(new Uint8Array(32).fill(7)),
    profileSigner: () => Promise.resolve(undefined),
    heavy: new Gate(2),
    metrics: new ApiMetrics(),
    now: () => new Date(),
  };
  return {
    app,
    intake,
    database,
    mta,
    ended,
    lines,
    directory,
    async [Symbol.asyncDispose]() {
      passwords[Symbol.dispose]();
      await intakeSql.end({ timeout: 1 });
      await apiSql.end({ timeout: 1 });
      await database[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/**
 * Makes a vaultbox of Alice's.
 *
 * @param world Its world.
 * @param alias Local part at pets.example.
 * @returns Its UUID.
 */
export async function makeBox(
  { app }: TestWorld,
  alias = "cat",
): Promise<string> {
  const { id } = await createVaultbox(app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias,
    name: alias,
    mayClaimDomain: true,
  });
  return id;
}

function noDns(): AppError {
  return new AppError("unavailable", "The test prepared no DNS");
}
