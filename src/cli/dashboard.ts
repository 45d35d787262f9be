/**
 * `dashboard` and what goes with it.
 *
 * @module
 */

import { rm } from "node:fs/promises";
import { setInterval } from "node:timers";
import { type Config, ConfigError } from "../config.ts";
import { buildDashboard } from "../dashboard/server.ts";
import type { Grant } from "../dashboard/roles.ts";
import { findAccount, insertInvitation } from "../dashboard/store/accounts.ts";
import { deleteAllSessions, deleteEnded } from "../dashboard/store/sessions.ts";
import { Store } from "../dashboard/store/store.ts";
import type { DashboardWorld } from "../dashboard/world.ts";
import { AppError } from "../errors.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { PREFIX } from "../http/openapi.ts";
import { type Log, reason } from "../log.ts";
import { BcryptThread } from "../system/bcrypt.ts";
import { isThere } from "../system/files.ts";
import { dropPermissions } from "../system/permissions.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { parse, type Parsed } from "./operator.ts";
import { runServices } from "./serve.ts";
import type { Service } from "./service.ts";
import { rulesOf, tokenSettings } from "./token.ts";

const HOUR_MS = 3_600_000;

/** Hours for which a link works if `--hours` is left out, and at most. */
const LINK_HOURS = 24;
const LINK_HOURS_MAX = 168;

/** `aud` of the platform's tokens: none that opens the API goes by a browser. */
const PLATFORM_AUDIENCE = "encimap.dashboard";

/** Seconds for which a token of the platform may work. */
const PLATFORM_MAX_SECONDS = 300;

/**
 * Runs the dashboard until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runDashboard(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const world = await openDashboard(
      config,
      log.with({ part: "dashboard" }),
      stack,
    );
    dropPermissions("run");
    return [startDashboard(world, config.dashboard.port)];
  });
}

async function openDashboard(
  config: Config,
  log: Log,
  stack: AsyncDisposableStack,
): Promise<DashboardWorld> {
  const { jwtSecret: secret, dashboard: { url, platform } } = config;
  if (config.tokenAlgorithm !== "HS256" || secret === undefined) {
    throw new ConfigError([
      "The dashboard makes its tokens with JWT_SECRET, so ENCIMAP_TOKEN_ALGORITHM must be HS256",
    ]);
  }
  return {
    url,
    hostname: config.hostname,
    apiUrl: `http://127.0.0.1:${config.apiPort}${PREFIX}`,
    tokens: { ...rulesOf(config), secret },
    platform: platform === undefined ? undefined : {
      origin: platform,
      tokens: {
        ...await tokenSettings(config),
        audience: PLATFORM_AUDIENCE,
        maxSeconds: PLATFORM_MAX_SECONDS,
      },
    },
    store: stack.use(openStore(config)),
    passwords: stack.use(new BcryptThread()),
    log,
    now: () => new Date(),
  };
}

function startDashboard(world: DashboardWorld, port: number): Service {
  const { log, store, now } = world;
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port,
    onListen: (address) =>
      log.write("info", "listening", { port: address.port }),
  }, buildDashboard(world));
  const sweep = (): void => {
    try {
      deleteEnded(store, now());
    } catch (error) {
      log.write("error", "sweep failed", { cause: reason(error) });
    }
  };
  sweep();
  const timer = setInterval(sweep, HOUR_MS);
  return {
    async stop() {
      clearInterval(timer);
      await server.shutdown();
    },
  };
}

/** `dashboard invite`. */
export function runDashboardInvite(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, {
    operator: { type: "boolean" },
    customer: { type: "string" },
    vaultbox: { type: "string" },
    reset: { type: "string" },
    hours: { type: "string" },
  }, 0);
  const hours = Number(values["hours"] ?? LINK_HOURS);
  if (!Number.isInteger(hours) || hours < 1 || hours > LINK_HOURS_MAX) {
    throw new UsageError(`--hours must be 1 to ${LINK_HOURS_MAX}`);
  }
  const wanted = wantedOf(values);
  const config = loadConfig(io);
  using store = openStore(config);
  const expiresAt = new Date(Date.now() + hours * HOUR_MS);
  const { accountId, grant } = typeof wanted === "string"
    ? accountOf(store, wanted)
    : { accountId: null, grant: wanted };
  const secret = insertInvitation(store, { accountId, grant, expiresAt });
  io.print(`${config.dashboard.url}/invitation/${secret}`);
  return Promise.resolve(EXIT.ok);
}

/**
 * `dashboard save`: writes the store to standard output.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runDashboardSave(io: Io): Promise<number> {
  if (io.isTerminal) {
    throw new UsageError(
      "a file is written: redirect the output, as with > FILE",
    );
  }
  using store = openStore(loadConfig(io));
  io.write(store.octets());
  return Promise.resolve(EXIT.ok);
}

/**
 * `dashboard load`: puts a saved store in the place of the one that is there.
 *
 * @param io The process.
 * @returns Exit status.
 */
export async function runDashboardLoad(io: Io): Promise<number> {
  const { dashboard: { path } } = loadConfig(io);
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const loaded = `${path}/loaded.sqlite`;
  await remove(loaded);
  try {
    await Deno.writeFile(loaded, ReadableStream.from(io.stdin), {
      createNew: true,
      mode: 0o600,
    });
    let accounts: number;
    {
      using store = new Store(loaded);
      deleteAllSessions(store);
      accounts = store.all("select 1 from accounts").length;
      // All of it into the one file.
      store.all("pragma wal_checkpoint(truncate)");
    }
    const former = await keepFormer(path);
    await Deno.rename(loaded, storePath(path));
    for (const suffix of ["-wal", "-shm"]) {
      await remove(`${storePath(path)}${suffix}`);
    }
    io.print(`Loaded ${accounts} account(s)`);
    if (former !== undefined) io.print(`The former ones are in ${former}`);
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) {
      await remove(`${loaded}${suffix}`);
    }
  }
  return EXIT.ok;
}

/**
 * Keeps the store that is there, in place of one that was kept before. It stays
 * where it is as well, until another one takes its name.
 */
async function keepFormer(folder: string): Promise<string | undefined> {
  const path = storePath(folder);
  if (!await isThere(path)) return undefined;
  const former = `${folder}/former.sqlite`;
  for (const suffix of ["-wal", "-shm"]) await remove(`${former}${suffix}`);
  try {
    using store = new Store(path);
    // All of it into the one file.
    store.all("pragma wal_checkpoint(truncate)");
  } catch {
    // One that cannot be read is kept with what belongs to it.
    for (const suffix of ["-wal", "-shm"]) {
      const beside = `${path}${suffix}`;
      if (await isThere(beside)) {
        await Deno.rename(beside, `${former}${suffix}`);
      }
    }
  }
  await remove(`${former}.new`);
  await Deno.link(path, `${former}.new`);
  await Deno.rename(`${former}.new`, former);
  return former;
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** A login whose password is to be set, or what a new account may do. */
function wantedOf(values: Parsed["values"]): string | Grant {
  const { operator, customer, vaultbox, reset } = values;
  const count = [operator, customer, reset]
    .filter((each) => each !== undefined).length;
  if (count !== 1) {
    throw new UsageError("give one of --operator, --customer and --reset");
  }
  if (vaultbox !== undefined && customer === undefined) {
    throw new UsageError("--vaultbox belongs to --customer");
  }
  if (reset !== undefined) return String(reset);
  if (operator === true) return { role: "operator" };
  const userId = uuid("--customer", customer);
  return vaultbox === undefined
    ? { role: "customer", userId }
    : { role: "owner", userId, vaultboxId: uuid("--vaultbox", vaultbox) };
}

function uuid(name: string, value: string | boolean | undefined): string {
  const text = String(value);
  if (UUID_REGEXP.test(text)) return text.toLowerCase();
  throw new UsageError(`${name} must be a UUID`);
}

function accountOf(
  store: Store,
  login: string,
): { accountId: string; grant: Grant } {
  const account = findAccount(store, login);
  if (account === undefined) {
    throw new AppError("not_found", "No such account");
  }
  return { accountId: account.id, grant: account.grant };
}

function openStore({ dashboard: { path } }: Config): Store {
  Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  return new Store(storePath(path));
}

function storePath(folder: string): string {
  return `${folder}/dashboard.sqlite`;
}
