/**
 * `api`, `intake` and `serve`: listen until the signal.
 *
 * @module
 */

import type { Server } from "node:http";
import { setInterval } from "node:timers";
import type { App, IntakeApp } from "../app.ts";
import { type Config, ConfigError } from "../config.ts";
import { deleteOldRequests } from "../db/idempotency.ts";
import { checkSchema } from "../db/migrate.ts";
import { deleteOldSetupLinks } from "../db/setup_links.ts";
import { AppError } from "../errors.ts";
import { buildApi } from "../http/api.ts";
import { intakeGates, intakeServer } from "../http/intake.ts";
import { buildPublic } from "../http/public/server.ts";
import { createLog, type Log, reason } from "../log.ts";
import { openApp, openIntakeApp } from "../open.ts";
import { dropPermissions } from "../system/permissions.ts";
import { shutdownSignal } from "../system/shutdown.ts";
import { finishDeliveries } from "../vaultbox/deliver.ts";
import { finishDestructions } from "../vaultbox/key_destruction.ts";
import { fillKeyPool } from "../vaultbox/key_pool.ts";
import { watchFull } from "../vaultbox/limits.ts";
import { lastingIssuer } from "../vaultbox/issuer.ts";
import { reconcile } from "../vaultbox/reconcile.ts";
import { recountFull, recountNamed } from "../vaultbox/recount.ts";
import { removeDeletedMail } from "../vaultbox/remove.ts";
import { mendRoutes } from "../vaultbox/routes.ts";
import { endOverdueSessions } from "../vaultbox/sessions.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { tokenSettings } from "./token.ts";

/** First descriptor that systemd hands over, sd_listen_fds(3). */
const LISTEN_FDS_START = 3;

/** Milliseconds between two sweeps of what crashes and sessions leave. */
const SWEEP_MS = 600_000;

/** Milliseconds between two looks for deleted vaultboxes, besides NOTIFY. */
const REMOVAL_MS = 60_000;

/** Milliseconds between two runs of what the API does in the background. */
const MINUTE_MS = 60_000;
/** Milliseconds between two recounts of vaultboxes that are full. */
const RECOUNT_MS = 60_000;

/** A part of the program that listens. */
interface Service {
  /** Stops taking requests; resolves when the open ones are answered. */
  stop(): Promise<void>;
}

/**
 * Runs the API until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runApi(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(await openApp(config, log.with({ part: "api" })));
    return [await startApi(app)];
  });
}

/**
 * Runs the intake until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runIntake(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(
      await openIntakeApp(config, log.with({ part: "intake" })),
    );
    // It starts no program; what breaks into it shall not either.
    dropPermissions("run");
    return [await startIntake(app, io)];
  });
}

/**
 * Runs both in one process until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runServe(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(await openApp(config, log.with({ part: "api" })));
    const intake = stack.use(
      await openIntakeApp(config, log.with({ part: "intake" })),
    );
    return [await startIntake(intake, io), await startApi(app)];
  });
}

async function runServices(
  io: Io,
  start: (
    config: Config,
    log: Log,
    stack: AsyncDisposableStack,
  ) => Promise<Service[]>,
): Promise<number> {
  const config = loadConfig(io);
  const log = createLog(io.warn, config.logLevel);
  await using stack = new AsyncDisposableStack();
  using shutdown = shutdownSignal();
  try {
    const services = await start(config, log, stack);
    await new Promise((resolve) => {
      shutdown.signal.addEventListener("abort", resolve, { once: true });
    });
    log.write("info", "stopping");
    for (const service of services) await service.stop();
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    log.write("error", "start failed", { cause: reason(error) });
    const isFinal = error instanceof AppError && error.code === "conflict";
    return isFinal ? EXIT.config : EXIT.failed;
  }
}

async function startApi(app: App): Promise<Service> {
  await checkSchema(app.sql);
  const drift = await reconcile(app, { dryRun: false });
  const mended = drift.routes.set.length + drift.routes.drop.length;
  if (mended > 0) app.log.write("warn", "routes mended", { count: mended });
  if (app.config.certIssuer === "appliance") await lastingIssuer(app);
  const stopWatching = await watchFull(app);
  const api = buildApi(app, await tokenSettings(app.config));
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: app.config.apiPort,
    onListen: ({ port }) => app.log.write("info", "listening", { port }),
  }, api);
  const { publicPort } = app.config;
  const publicServer = publicPort === undefined ? undefined : Deno.serve({
    hostname: "127.0.0.1",
    port: publicPort,
    onListen: ({ port }) =>
      app.log.write("info", "listening", { publicPort: port }),
  }, buildPublic(app));
  const stopping = new AbortController();
  const filling = fillKeyPool(app, stopping.signal);
  const stopTimers = [
    // A bounded number of old Idempotency-Keys.
    eachMinute(app, () => deleteOldRequests(app.sql)),
    // One-time links that nobody asks about any more.
    eachMinute(app, () => deleteOldSetupLinks(app.sql, app.now())),
    // Of expired credentials, and what Dovecot did not confirm.
    eachMinute(app, () => endOverdueSessions(app)),
    // What Postfix could not be told.
    eachMinute(app, () => mendRoutes(app)),
    // Private keys that are to be destroyed.
    eachMinute(app, () => finishDestructions(app)),
  ];
  return {
    async stop() {
      stopping.abort();
      await publicServer?.shutdown();
      await server.shutdown();
      await stopWatching();
      for (const stop of stopTimers) await stop();
      await filling;
    },
  };
}

/** Does something every minute, one run at a time. */
function eachMinute(
  app: Pick<App, "log">,
  task: () => Promise<unknown>,
): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    running ??= task()
      .catch((error) =>
        app.log.write("error", "sweep failed", { cause: reason(error) })
      ).finally(() => running = undefined);
  }, MINUTE_MS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}

async function startIntake(app: IntakeApp, io: Io): Promise<Service> {
  await checkSchema(app.sql);
  const gates = intakeGates();
  const bySocket = intakeServer(app, { kind: "socket" }, gates);
  const servers = [bySocket];
  const { intakeToken, intakeSocket, intakePort } = app.config;
  const byToken = intakeToken === undefined
    ? undefined
    : intakeServer(app, { kind: "bearer", token: intakeToken }, gates);
  if (byToken !== undefined) servers.push(byToken);

  if (io.env["LISTEN_FDS"] === undefined) {
    await removeStaleSocket(intakeSocket);
    await listen(bySocket, { path: intakeSocket });
    await Deno.chmod(intakeSocket, 0o660);
    if (byToken !== undefined) {
      await listen(byToken, { host: "127.0.0.1", port: intakePort });
    }
  } else {
    // encimap-intake.socket lists the Unix socket first.
    await listen(bySocket, { fd: LISTEN_FDS_START });
    if (byToken !== undefined && Number(io.env["LISTEN_FDS"]) > 1) {
      await listen(byToken, { fd: LISTEN_FDS_START + 1 });
    }
  }
  app.log.write("info", "listening", { socket: intakeSocket });
  const stopSweeps = await startSweeps(app);
  return {
    async stop() {
      await stopSweeps();
      await Promise.all(servers.map(close));
    },
  };
}

/** Finishes what crashes left, and removes mail as vaultboxes are deleted. */
async function startSweeps(app: IntakeApp): Promise<() => Promise<void>> {
  let running: Promise<void> = Promise.resolve();
  const queue = (task: () => Promise<void>): void => {
    running = running.then(task).catch((error) =>
      app.log.write("error", "sweep failed", { cause: reason(error) })
    );
  };
  const finish = (): void => queue(() => finishDeliveries(app));
  const remove = (): void => queue(() => removeDeletedMail(app));
  const count = (): void => queue(() => recountFull(app));
  const listening = [
    await app.sql.listen("encimap_removal", remove, remove),
    await app.sql.listen(
      "encimap_full",
      (payload) => queue(() => recountNamed(app, payload)),
    ),
  ];
  finish();
  const timers = [
    setInterval(finish, SWEEP_MS),
    setInterval(remove, REMOVAL_MS),
    setInterval(count, RECOUNT_MS),
  ];
  return async () => {
    for (const timer of timers) clearInterval(timer);
    for (const each of listening) await each.unlisten().catch(() => {});
    await running;
  };
}

type Address = { path: string } | { host: string; port: number } | {
  fd: number;
};

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => resolve());
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** A socket file that a killed process has left keeps others from listening. */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (isSocket) await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
